"""The env family on a made-up data root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.environments.locking import locked
from scripts.errors import BusyError, DiskError, NoCandidateError, UsageError
from scripts.model.plan import WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME
from scripts.operations.context import Context
from scripts.operations.environments import (
    command_environment,
    foreseen_purge,
    foreseen_removal,
    purge,
    remove,
    replace_by,
    use,
)
from scripts.weights.store import publish, staging
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import put, record

ONE, TWO = "cpu-1111", "cu130-2222"
ENVIRON = {"PATH": "/usr/bin", "HOME": "/home/user", "PYTHONPATH": "/x", "PYTHONHOME": "/y"}


@pytest.fixture
def given(tmp_path: Path) -> Context:
    made = context(tmp_path, PC, environ=ENVIRON)
    put(made.store, record(ONE))
    put(made.store, record(TWO, weights="registry-1234"))
    return made


def test_use(given: Context) -> None:
    assert use("cu130", given) == TWO
    assert given.store.find(None).name == TWO


def test_use_of_one_that_is_not_whole_leaves_the_current_one(given: Context) -> None:
    use(ONE, given)
    given.store.write(record(TWO, state="building"))
    with pytest.raises(NoCandidateError):
        use(TWO, given)
    assert given.store.find(None).name == ONE


def test_remove_takes_the_compiled_modules_along(given: Context) -> None:
    folders = {
        name: given.home.bytecode / given.store.path(name).relative_to(given.home.root.anchor) / "lib"
        for name in (ONE, TWO)
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    remove(ONE, given)
    assert not folders[ONE].parent.exists()
    assert folders[TWO].is_dir()


def test_remove_of_one_that_is_being_built_is_refused(given: Context) -> None:
    with (
        locked(given.home.locks / f"{ONE}.lock", wait_seconds=0, waiting=print),
        pytest.raises(BusyError, match=f"{ONE} is being worked on by pid {os.getpid()}"),
    ):
        remove(ONE, given)
    assert given.store.path(ONE).is_dir()


def test_what_is_not_ours_is_foreseen(given: Context) -> None:
    mine = given.home.environments / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    with pytest.raises(DiskError):
        foreseen_removal("mine", given)
    assert foreseen_removal(ONE, given).path == given.store.path(ONE)
    assert str(mine) not in foreseen_purge(given)


def test_purge_takes_what_it_foresaw_and_leaves_strangers(given: Context) -> None:
    use(ONE, given)
    for folder in (given.home.weights, given.home.cache, given.home.reports):
        (folder / "inner").mkdir(parents=True)
    mine = given.home.environments / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    foreseen = foreseen_purge(given)
    with pytest.raises(DiskError, match="not deleted, for kokoro-spark did not make it: mine"):
        purge(given)
    assert not any(Path(path).exists() for path in foreseen)
    assert len(foreseen) == 5
    assert [path.name for path in given.home.root.iterdir()] == ["envs"]
    assert [path.name for path in given.home.environments.iterdir()] == ["mine"]


def test_purge_of_nothing(tmp_path: Path) -> None:
    empty = context(tmp_path, PC)
    assert foreseen_purge(empty) == purge(empty) == ()


def test_variables_of_a_command(given: Context) -> None:
    folder = given.store.path(TWO).resolve()
    assert command_environment(given.store.find(TWO), given) == {
        "HOME": "/home/user",
        "HF_HUB_OFFLINE": "1",
        "KOKORO_SPARK_WEIGHTS": str(given.home.weights / "registry-1234"),
        "PATH": f"{folder}/bin:/usr/bin",
        "VIRTUAL_ENV": str(folder),
    }
    assert "KOKORO_SPARK_WEIGHTS" not in command_environment(given.store.find(ONE), given)


def with_weights(given: Context, source: WeightsSource = WeightsSource.REGISTRY) -> None:
    folder = staging(given.home, "registry-1234")
    for name in (CHECKPOINT_NAME, CONFIG_NAME, "voices/af_heart.pt"):
        (folder / name).write_text(name)
    publish(given.home, "registry-1234", source=source, label="int8-derived", licences=())


def test_an_application_finds_the_weights_where_it_looks_for_the_hubs(
    given: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    with_weights(given)
    found = command_environment(given.store.find(TWO), given)
    assert found["HF_HUB_CACHE"] == str(given.home.cache / "hub" / "registry-1234")
    assert found["HF_HUB_OFFLINE"] == "1"
    assert "is given int8-derived" in " ".join(capsys.readouterr().err.split())
    given.environ = {**ENVIRON, "HF_HOME": "/my/cache"}
    assert "HF_HUB_CACHE" not in command_environment(given.store.find(TWO), given)
    assert capsys.readouterr().err == ""


def test_weights_that_cannot_be_had_stop_no_command(given: Context, capsys: pytest.CaptureFixture[str]) -> None:
    with_weights(given)
    (given.home.weights / "registry-1234" / CONFIG_NAME).write_text("changed")
    assert "HF_HUB_CACHE" not in command_environment(given.store.find(TWO), given)
    assert "are damaged" in " ".join(capsys.readouterr().err.split())


def test_the_link_is_resolved_before_anything_starts(given: Context) -> None:
    use(ONE, given)
    assert command_environment(given.store.find(None), given)["VIRTUAL_ENV"].endswith(ONE)


def test_a_command_replaces_us(given: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    program = given.store.path(ONE) / "bin" / "tool"
    program.touch(mode=0o755)
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execve", lambda path, argv, _environ: became.append((path, argv)))
    replace_by(ONE, ["tool", "-x", "a b"], given)
    assert became == [(str(program), ["tool", "-x", "a b"])]


def test_a_command_never_runs_with_another_python(given: Context) -> None:
    (given.store.path(ONE) / "bin" / "python").unlink()
    with pytest.raises(NoCandidateError, match=r"is not ready: its interpreter bin/python is gone"):
        replace_by(ONE, ["python", "-V"], given)


@pytest.mark.parametrize(("command", "reference"), [([], "no-command"), (["absent-tool"], "program-not-found")])
def test_what_is_no_command(given: Context, command: list[str], reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        replace_by(ONE, command, given)
    assert caught.value.reference == reference
    assert "env.run -- python" in caught.value.hint
