"""bridge.enable, bridge.disable, bridge.status on made-up environments."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.locking import locked
from scripts.errors import BusyError, DiskError, ExitCode, IntegrityError, NoCandidateError, SparkError, UsageError
from scripts.model.hook import HOOK_FILE, HOOK_TEXT, HookRecord
from scripts.operations.bridging import change_lines, disable, enable, known_words, status, status_lines
from scripts.operations.context import Context
from scripts.operations.environments import listing
from scripts.operations.rendering import listing_rows
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import CONTAINER, plan, put, record

NAME = "cu128-1111"
SITE = "lib/python3.12/site-packages"
SOURCE = b"class TorchSTFT: ..."
FORCED = HookRecord(since="2026-12-01T10:00:00+00:00", because="judged not-needed", forced=True)


@pytest.fixture
def given(tmp_path: Path) -> Context:
    return context(tmp_path, PC)


def make(given: Context, *, source: bytes = SOURCE, hook: bool = True, **changes: Any) -> Path:
    """Make an environment with a Kokoro whose source the hook knows; give its site-packages."""
    put(given.store, record(NAME, **changes))
    site = given.store.path(NAME) / SITE
    for name in ("kokoro", "kokoro_spark", "kokoro-0.9.4.dist-info"):
        (site / name).mkdir(parents=True)
    (site / "kokoro-0.9.4.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: kokoro\nVersion: 0.9.4\n")
    (site / "kokoro" / "istftnet.py").write_bytes(source)
    if hook:
        known = {"sources": {hashlib.sha256(SOURCE).hexdigest(): "0.9.4"}}
        (site / "kokoro_spark" / "hook.py").write_text("")
        (site / "kokoro_spark" / "known_sources.json").write_text(json.dumps(known))
    return site


def hook_of(given: Context) -> HookRecord | None:
    found = given.store.find_ready(NAME).record
    assert found is not None
    return found.hook


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"verdict": "needed"}, "judged needed"),
        ({"verdict": "simulated needed"}, "judged simulated needed"),
        ({"prediction": "needed", "predicted_for": "12.1"}, "predicted needed for 12.1"),
        ({"verdict": "undecided", "prediction": "needed", "predicted_for": "12.1"}, "predicted needed for 12.1"),
    ],
)
def test_where_it_is_needed_it_goes_on_and_off(given: Context, changes: dict[str, Any], known: str) -> None:
    site = make(given, **changes)
    before = sorted(path.name for path in site.iterdir())
    done = enable(NAME, given)
    assert (done.hook, done.changed, done.needed, done.forced, done.known) == (True, True, True, False, known)
    assert (site / HOOK_FILE).read_text() == HOOK_TEXT
    found = hook_of(given)
    assert found is not None
    assert found.because == known
    assert done.since == found.since
    assert [one.hook for one in listing(given)] == [True]
    assert listing_rows(listing(given))[0][-1].endswith(", bridge hook on")
    again = enable(NAME, given)
    assert (again.changed, again.since) == (False, done.since)
    gone = disable(NAME, given)
    assert (gone.hook, gone.changed, hook_of(given)) == (False, True, None)
    assert sorted(path.name for path in site.iterdir()) == before
    assert not disable(NAME, given).changed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"verdict": "not-needed"}, "it is judged not-needed"),
        ({"verdict": "not-needed", "prediction": "needed"}, "it is judged not-needed"),
        ({"verdict": "broken"}, "it is judged broken"),
        ({"verdict": "undecided"}, "it is judged undecided"),
        ({"prediction": "not-needed", "predicted_for": "12.1"}, "it is predicted not-needed for 12.1"),
        ({}, "it was not judged, and nothing was predicted"),
    ],
)
def test_where_it_is_not_needed_it_takes_force(given: Context, changes: dict[str, Any], said: str) -> None:
    site = make(given, **changes)
    with pytest.raises(UsageError, match="the bridge is not needed") as caught:
        enable(NAME, given)
    assert (caught.value.reference, caught.value.exit_code) == ("bridge-not-needed", ExitCode.USAGE)
    assert said in caught.value.message
    assert "--force" in caught.value.hint
    assert not (site / HOOK_FILE).exists()
    done = enable(NAME, given, force=True)
    assert (done.hook, done.forced, done.needed) == (True, True, False)
    assert any("invoke bridge.disable" in note for note in done.notes)
    assert "by --force" in "\n".join(status_lines(done))
    assert not enable(NAME, given, force=True).changed
    with pytest.raises(UsageError):
        enable(NAME, given)


def test_what_was_forced_is_no_more_once_it_is_needed(given: Context) -> None:
    site = make(given, verdict="needed", hook=True)
    found = given.store.find_ready(NAME).record
    assert found is not None
    (site / HOOK_FILE).write_text(HOOK_TEXT)
    given.store.write(record(NAME, verdict="needed", hook=FORCED))
    done = enable(NAME, given)
    assert status(NAME, given) == type(done)(**{**vars(done), "changed": False})


def refused(given: Context, **options: Any) -> SparkError:
    with pytest.raises(SparkError) as caught:
        enable(NAME, given, **options)
    assert caught.value.hint
    assert hook_of(given) is None
    return caught.value


def test_what_cannot_carry_it(given: Context) -> None:
    make(given, verdict="needed", container=CONTAINER)
    error = refused(given)
    assert (type(error), error.reference) == (NoCandidateError, "hook-in-image")
    assert "bridge.enable()" in error.hint


def test_without_torch_there_is_nothing_to_bridge(given: Context) -> None:
    make(given, plan=plan(torch="", onnxruntime="1.31.1", strategy="onnx"), verdict="not-applicable")
    assert refused(given, force=True).reference == "no-kokoro"


def test_an_older_environment_has_no_hook(given: Context) -> None:
    make(given, verdict="needed", hook=False)
    assert refused(given).reference == "no-hook"


def test_a_kokoro_that_it_does_not_know(given: Context) -> None:
    make(given, source=b"another", verdict="needed")
    error = refused(given, force=True)
    assert (type(error), error.reference) == (IntegrityError, "unknown-kokoro")
    assert hashlib.sha256(b"another").hexdigest() in error.context
    assert not status(NAME, given).source_known
    assert "does not know" in "\n".join(status_lines(status(NAME, given)))


def test_a_list_that_cannot_be_read_knows_nothing(given: Context) -> None:
    site = make(given, verdict="needed")
    for text in ("", "[]", '{"sources": 3}'):
        (site / "kokoro_spark" / "known_sources.json").write_text(text)
        assert refused(given).reference == "unknown-kokoro"


def test_no_environment(given: Context) -> None:
    for task in (status, enable, disable):
        with pytest.raises(NoCandidateError):
            task(None, given)


def test_it_waits_for_nobody(given: Context) -> None:
    make(given, verdict="needed")
    with (
        locked(given.home.locks / f"{NAME}.lock", wait_seconds=0, waiting=lambda _: None),
        pytest.raises(BusyError),
    ):
        enable(NAME, given)


def test_a_dry_run_changes_nothing(given: Context) -> None:
    site = make(given, verdict="needed")
    would = enable(NAME, given, dry_run=True)
    assert change_lines(would, dry_run=True) == [f"would change the hook of {NAME}"]
    assert not (site / HOOK_FILE).exists()
    enable(NAME, given)
    assert change_lines(enable(NAME, given, dry_run=True), dry_run=True) == ["would change nothing"]
    assert disable(NAME, given, dry_run=True).changed
    assert (site / HOOK_FILE).exists()


def test_a_file_without_its_record_and_the_other_way_round(given: Context) -> None:
    site = make(given, verdict="needed")
    (site / HOOK_FILE).write_text(HOOK_TEXT)
    assert any("the environment's record does not say so" in note for note in status(NAME, given).notes)
    assert enable(NAME, given).changed
    (site / HOOK_FILE).unlink()
    found = status(NAME, given)
    assert not found.hook
    assert any(f"{HOOK_FILE} is gone" in note for note in found.notes)
    assert enable(NAME, given).hook


def test_a_file_of_another_is_replaced_and_removed(given: Context) -> None:
    site = make(given, verdict="needed")
    (site / HOOK_FILE).write_bytes(b"\xff")
    assert not status(NAME, given).hook
    assert enable(NAME, given).hook
    (site / HOOK_FILE).unlink()
    (site / HOOK_FILE).symlink_to("nowhere")
    assert disable(NAME, given).changed
    assert not (site / HOOK_FILE).is_symlink()


def test_a_folder_that_takes_no_file(given: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    make(given, verdict="needed")

    def full(path: Path, text: str) -> None:
        raise DiskError("full", reference="disk-full", hint="free some space")

    monkeypatch.setattr("scripts.environments.hook.write_whole", full)
    assert refused(given).reference == "disk-full"


def test_the_variable_is_told(given: Context) -> None:
    make(given, verdict="needed")
    given.environ = {"KOKORO_SPARK_BRIDGE": "off"}
    found = status(NAME, given)
    assert found.switched_off
    assert any("KOKORO_SPARK_BRIDGE" in note for note in found.notes)


def test_what_is_known_in_words() -> None:
    assert known_words(record(NAME)) == "not judged"
    assert known_words(record(NAME, verdict="undecided")) == "judged undecided"


def test_the_lines_of_an_environment_that_needs_it(given: Context) -> None:
    make(given, verdict="needed")
    lines = status_lines(status(NAME, given))
    assert lines[0] == "bridge hook: off"
    assert any(f"invoke bridge.enable --env {NAME}" in line for line in lines)
    done = enable(NAME, given)
    assert change_lines(done, dry_run=False)[0].startswith("bridge hook: on since 20")
    assert change_lines(enable(NAME, given), dry_run=False)[0] == "nothing to change"
