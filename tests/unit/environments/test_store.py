"""The store on a made-up data root: names, records, the link, and what may be deleted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from scripts.environments.store import Store, has_tag, read_record
from scripts.errors import DiskError, ExitCode, IntegrityError, NoCandidateError, UsageError
from scripts.home import Home
from scripts.model.environment import RECORD_NAME, EnvironmentState
from scripts.model.plan import InstallLock
from tests.support.plans import STEPS, TORCH_LOCK, plan, put, record

ONE, TWO, OTHER = "cu130-1111aaaa2222", "cu130-1111bbbb3333", "pypi-4444cccc5555"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three ready environments."""
    made = Store(Home(root=tmp_path))
    for name in (ONE, TWO, OTHER):
        put(made, record(name))
    return made


def overwrite(store: Store, name: str, text: str) -> None:
    (store.path(name) / RECORD_NAME).write_text(text, encoding="utf-8")


def names(path: Path) -> set[str]:
    return {one.name for one in path.iterdir()}


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "/etc", "-f", "current", ".hidden", "A-B", "a b", "a\n"])
def test_what_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Store(Home(root=tmp_path)).path(name)
    assert caught.value.reference == "bad-environment-name"


def test_an_empty_store(tmp_path: Path) -> None:
    store = Store(Home(root=tmp_path / "absent"))
    assert store.entries() == ()
    assert store.current() is None
    store.sweep()
    assert not (tmp_path / "absent").exists()
    with pytest.raises(NoCandidateError) as caught:
        store.find(None)
    assert (caught.value.exit_code, caught.value.reference) == (ExitCode.NO_CANDIDATE, "no-environment")
    assert "invoke setup" in caught.value.hint


@pytest.mark.parametrize(
    ("asked", "found"), [(ONE, ONE), ("cu130-1111a", ONE), ("cu130-1111b", TWO), ("pypi", OTHER), ("p", OTHER)]
)
def test_find_by_the_start_of_a_name(store: Store, asked: str, found: str) -> None:
    assert store.find(asked).name == found


def test_a_whole_name_wins_over_a_longer_one(store: Store) -> None:
    store.write(record("cpu-1"))
    store.write(record("cpu-12"))
    assert store.find("cpu-1").name == "cpu-1"


@pytest.mark.parametrize(
    ("asked", "told", "listed"),
    [("cu130", "more than one", [ONE, TWO]), ("cu132", "no environment", [ONE, TWO, OTHER])],
)
def test_what_names_not_exactly_one(store: Store, asked: str, told: str, listed: list[str]) -> None:
    with pytest.raises(NoCandidateError, match=told) as caught:
        store.find(asked)
    assert caught.value.reference == "no-environment"
    assert [line.split(":")[0] for line in caught.value.context.splitlines()] == listed


@pytest.mark.parametrize(
    ("state", "reason"), [(EnvironmentState.BUILDING, ""), (EnvironmentState.FAILED, "there is no space left")]
)
def test_one_that_is_not_ready_is_found_but_not_used(store: Store, state: EnvironmentState, reason: str) -> None:
    store.write(record(ONE, state=state, reason=reason))
    assert store.find(ONE).name == ONE
    with pytest.raises(NoCandidateError, match=f"is not ready: {state}") as caught:
        store.find_ready(ONE)
    assert caught.value.reference == "environment-not-ready"
    assert caught.value.context == reason
    assert "`invoke setup` again" in caught.value.hint
    assert "`invoke env.remove`" in caught.value.hint


def test_one_whose_base_python_is_gone_is_not_used(store: Store, tmp_path: Path) -> None:
    python = store.path(ONE) / "bin" / "python"
    python.unlink()
    python.symlink_to(tmp_path / "python3.12")
    with pytest.raises(NoCandidateError, match=rf"bin/python is gone, the link to {tmp_path}/python3\.12"):
        store.find_ready(ONE)
    (tmp_path / "python3.12").touch()
    assert store.find_ready(ONE).problem == ""


def test_what_may_not_be_deleted_is_to_be_deleted_by_hand(store: Store) -> None:
    overwrite(store, ONE, "{}")
    with pytest.raises(NoCandidateError) as caught:
        store.find_ready(ONE)
    assert caught.value.hint.startswith(f"look at {store.path(ONE)} and delete it by hand")


def test_a_record_comes_back_as_it_was_written(store: Store) -> None:
    written = record(OTHER, verdict="undecided", prediction="not-needed", completed_steps=5)
    store.write(written)
    found = read_record(store.path(OTHER))
    assert dataclasses.replace(found, plan=written.plan) == written
    assert found.plan == written.plan


DAMAGED = {
    "torn": ('{"schema": 1, "tool": "kokoro-sp', "cannot be read", "bad-record"),
    "empty": ("", "cannot be read", "bad-record"),
    "not text": ("\udcff", "cannot be read", "bad-record"),
    "not an object": ("[]", "is not ours", "bad-record"),
    "another tool's": ('{"schema": 1, "tool": "other"}', "is not ours", "bad-record"),
    "another schema": ('{"schema": 99, "tool": "kokoro-spark"}', "schema 99, this version writes 1", "record-schema"),
    "incomplete": ('{"schema": 1, "tool": "kokoro-spark"}', "is not what this version", "bad-record"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_record_that_is_none(store: Store, what: str) -> None:
    text, told, reference = DAMAGED[what]
    (store.path(ONE) / RECORD_NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(IntegrityError, match=told) as caught:
        read_record(store.path(ONE))
    assert caught.value.reference == reference
    entry = store.find(ONE)
    assert entry.record is None
    assert told in entry.problem
    with pytest.raises(NoCandidateError, match="is not ready"):
        store.find_ready(ONE)
    assert len(store.entries()) == 3


def test_a_folder_without_a_record_is_listed_with_its_problem(store: Store) -> None:
    (store.home.environments / "mine").mkdir()
    assert store.find("mine").problem == "mine has no record"


def test_what_is_no_environment_is_not_listed(store: Store) -> None:
    store.use(ONE)
    (store.home.environments / "note.txt").touch()
    (store.home.environments / ".removing-x-1").mkdir()
    assert [entry.name for entry in store.entries()] == [ONE, TWO, OTHER]


def test_current(store: Store) -> None:
    assert store.current() is None
    store.use(ONE)
    assert store.find(None).name == ONE
    store.use(OTHER)
    assert store.find(None).name == OTHER
    assert store.home.current.readlink() == Path(OTHER)
    assert store.find(None).path == store.path(OTHER)
    assert names(store.home.environments) == {ONE, TWO, OTHER, "current"}


def test_a_link_to_nothing_is_no_current_environment(store: Store) -> None:
    store.home.current.symlink_to("gone-0000")
    assert store.current() is None
    with pytest.raises(NoCandidateError, match="no current environment") as caught:
        store.find(None)
    assert caught.value.hint.startswith("choose one with `invoke env.use NAME`")


def test_a_switch_that_is_refused_leaves_nothing(store: Store) -> None:
    store.home.current.mkdir()
    with pytest.raises(DiskError):
        store.use(ONE)
    assert names(store.home.environments) == {ONE, TWO, OTHER, "current"}


def test_a_left_over_of_a_killed_switch_is_in_nobody_s_way(store: Store) -> None:
    store.use(ONE)
    store.home.current.with_name(".current.1").symlink_to(TWO)
    store.use(OTHER)
    assert store.find(None).name == OTHER
    assert len(store.entries()) == 3


def test_remove(store: Store) -> None:
    store.use(ONE)
    (store.path(ONE) / "lib").mkdir()
    store.remove(store.find(ONE))
    assert names(store.home.environments) == {TWO, OTHER}


def test_remove_leaves_the_link_to_another(store: Store) -> None:
    store.use(TWO)
    store.remove(store.find(ONE))
    assert store.find(None).name == TWO


def test_a_link_inside_an_environment_is_not_followed(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (store.path(ONE) / "link").symlink_to(outside)
    store.remove(store.find(ONE))
    assert (outside / "precious").exists()


def test_an_environment_of_another_schema_can_be_removed(store: Store) -> None:
    overwrite(store, ONE, '{"schema": 99, "tool": "kokoro-spark"}')
    store.remove(store.find(ONE))
    assert not store.path(ONE).exists()


def test_an_environment_whose_record_is_torn_can_be_removed(store: Store) -> None:
    path = store.path(ONE) / RECORD_NAME
    path.write_bytes(path.read_bytes()[:500])
    store.remove(store.find(ONE))
    assert not store.path(ONE).exists()


@pytest.mark.parametrize("content", ["", '{"tool": "other"}', '{"tool": "kokoro-sp'])
def test_what_does_not_carry_our_tag_is_never_deleted(store: Store, content: str) -> None:
    overwrite(store, ONE, content)
    (store.path(ONE) / "thesis.txt").touch()
    with pytest.raises(DiskError) as caught:
        store.remove(store.find(ONE))
    assert caught.value.reference == "not-ours"
    assert (store.path(ONE) / "thesis.txt").exists()


def test_sweep_takes_what_a_killed_removal_left_and_nothing_else(store: Store) -> None:
    left = store.home.environments / ".removing-x-1"
    store.path(ONE).rename(left)
    foreign = store.home.environments / ".removing-y-2"
    foreign.mkdir()
    (foreign / "thesis.txt").touch()
    store.sweep()
    assert not left.exists()
    assert (foreign / "thesis.txt").exists()


def test_credentials_are_not_stored(store: Store) -> None:
    lock = dataclasses.replace(TORCH_LOCK, index="https://me:secret@mirror.example/whl/cu130")
    steps = (STEPS[0], InstallLock(lock=lock), *STEPS[2:])
    notes = ("packages come from pip's index https://token@host/simple",)
    reason = "https://me:secret@mirror.example does not answer"
    store.write(record(ONE, plan=plan(steps=steps, notes=notes), reason=reason))
    text = (store.path(ONE) / RECORD_NAME).read_text(encoding="utf-8")
    assert "secret" not in text
    assert "token" not in text
    found = read_record(store.path(ONE))
    assert found.plan.notes == ("packages come from pip's index https://****@host/simple",)
    assert isinstance(found.plan.steps[1], InstallLock)
    assert found.plan.steps[1].lock.index == "https://****@mirror.example/whl/cu130"


def test_a_record_is_for_reading(store: Store) -> None:
    text = (store.path(ONE) / RECORD_NAME).read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text.startswith('{\n  "schema": 1,\n  "tool": "kokoro-spark",\n')
    assert json.loads(text)["plan"]["steps"][0]["step"] == "CreateVenv"


@pytest.mark.parametrize(
    ("text", "tagged"),
    [
        ('{"tool": "kokoro-spark"}', True),
        ('{"tool": "kokoro-spark", "schema": 99}', True),
        ('{"schema": 1, "tool": "kokoro-spark", "na', True),
        ('{"schema": 1, "tool": "kokoro-sp', False),
        ('{"tool": "other"}', False),
        ("[]", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
def test_has_tag(tmp_path: Path, text: str | None, *, tagged: bool) -> None:
    if text is not None:
        (tmp_path / RECORD_NAME).write_text(text, encoding="utf-8")
    assert has_tag(tmp_path) is tagged
