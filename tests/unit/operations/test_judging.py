"""What verify's options mean before a probe is started, and what it says it would ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode, SparkError
from scripts.model.hook import HookRecord
from scripts.model.plan import WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME
from scripts.operations.context import Context
from scripts.operations.judging import Judged, Manner, judge_environment, order_lines, probe_timeout, recorded_verdict
from scripts.verification.evidence import ALL_MODES, CANARIES
from scripts.weights.store import publish, staging
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import put, record
from tests.support.scripted import ScriptedRunner
from tests.unit.verification.cases import device, working
from tests.unit.verification.test_report import report


@pytest.fixture
def given(tmp_path: Path) -> Context:
    made = context(tmp_path, PC)
    put(made.store, record("cpu-1111", weights="registry-gone"))
    made.store.write(record("cpu-2222", state="building"))
    return made


def judge(given: Context, **said: Any) -> SparkError:
    options: dict[str, Any] = {
        "env": None,
        "python": None,
        "sm": "",
        "require_gpu": False,
        "weights": "auto",
    }
    manner: dict[str, Any] = {"expect": None, "timeout": "", "report_folder": None, "census": False}
    for name, value in said.items():
        (manner if name in manner else options)[name] = value
    with pytest.raises(SparkError) as caught:
        judge_environment(given, Manner.checked(**manner), **options)
    assert caught.value.hint
    assert isinstance(given.run, ScriptedRunner)
    assert given.run.seen == []
    assert not given.home.reports.exists()
    return caught.value


@pytest.mark.parametrize(
    ("said", "code", "reference"),
    [
        ({}, ExitCode.NO_CANDIDATE, "no-environment"),
        ({"env": "cu130"}, ExitCode.NO_CANDIDATE, "no-environment"),
        ({"env": "cpu-2"}, ExitCode.NO_CANDIDATE, "environment-not-ready"),
        ({"env": "cpu-1", "python": "/usr/bin/python3"}, ExitCode.USAGE, "two-environments"),
        ({"env": "cpu-1", "expect": "maybe"}, ExitCode.USAGE, "unknown-verdict"),
        ({"env": "cpu-1", "expect": ","}, ExitCode.USAGE, "unknown-verdict"),
        ({"env": "cpu-1", "sm": "big"}, ExitCode.USAGE, "bad-compute-capability"),
        ({"env": "cpu-1", "weights": "heavy"}, ExitCode.USAGE, "unknown-weights"),
        ({"env": "cpu-1", "timeout": "soon"}, ExitCode.USAGE, "bad-number"),
        ({"env": "cpu-1", "timeout": "0"}, ExitCode.USAGE, "bad-number"),
        ({"env": "cpu-1", "timeout": "-3"}, ExitCode.USAGE, "bad-number"),
        ({"env": "cpu-1", "timeout": "nan"}, ExitCode.USAGE, "bad-number"),
        ({"env": "cpu-1"}, ExitCode.NO_CANDIDATE, "no-weights"),
        ({"python": "/absent/python"}, ExitCode.NO_CANDIDATE, "no-interpreter"),
    ],
)
def test_refused_before_a_probe_starts(given: Context, said: dict[str, Any], code: ExitCode, reference: str) -> None:
    error = judge(given, **said)
    assert (error.exit_code, error.reference) == (code, reference)


def test_what_changed_while_it_was_judged_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict takes minutes, and the bridge's hook may be switched on in them."""
    made = context(tmp_path, PC)
    put(made.store, record("cpu-1111"))
    hook = HookRecord(since="2026-12-01T10:00:00+00:00", because="judged needed")

    def judged(*_args: Any, **_kwargs: Any) -> Judged:
        made.store.write(record("cpu-1111", hook=hook))
        return Judged(report=report(working()), text="", exit_code=ExitCode.OK, folder=tmp_path)

    monkeypatch.setattr("scripts.operations.judging.judge_subject", judged)
    manner = Manner.checked(expect=None, timeout="", report_folder=None, census=False)
    judge_environment(made, manner, env="cpu-1111", python=None, sm="12.1", require_gpu=False, weights="auto")
    found = made.store.find_ready("cpu-1111").record
    assert found is not None
    assert (found.hook, found.verdict) == (hook, "not-needed")


def test_a_folder_stands_for_its_interpreter(given: Context, tmp_path: Path) -> None:
    error = judge(given, python=str(tmp_path))
    assert error.message == f"there is no interpreter {tmp_path}/bin/python"


def test_a_file_that_is_no_program_is_no_interpreter(given: Context, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch(mode=0o644)
    error = judge(given, python=str(tmp_path / "notes.txt"))
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-interpreter")
    assert "is no program" in error.message


def test_a_report_that_cannot_be_written_is_told_before_the_work(given: Context, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    error = judge(given, env="cpu-1", report_folder=tmp_path / "taken")
    assert (error.exit_code, error.reference) == (ExitCode.DISK, "not-writable")
    assert "--report" in error.hint


def test_weights_that_were_altered_are_not_judged_with(given: Context) -> None:
    name = "path-1234"
    folder = staging(given.home, name)
    for file in (CHECKPOINT_NAME, CONFIG_NAME):
        (folder / file).write_text("as it was")
    publish(given.home, name, source=WeightsSource.PATH, label="mine", licences=())
    (given.home.weights / name / CHECKPOINT_NAME).write_text("as it is!")
    put(given.store, record("cpu-3333", weights=name))
    error = judge(given, env="cpu-3")
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "damaged-weights")


def test_the_order_names_every_canary_and_mode() -> None:
    text = "\n".join(order_lines())
    assert all(f"canary.{name}" in text for name in CANARIES)
    assert all(mode in text for mode in ALL_MODES)
    assert "kernel-cache" in text
    assert "census" not in text
    assert "census" in "\n".join(order_lines(census=True))


def test_time_for_each_probe() -> None:
    assert probe_timeout("") is None
    assert probe_timeout("2.5") == 2.5


@pytest.mark.parametrize(
    ("simulated", "name"), [(True, "simulated not-needed"), (False, "not-needed")], ids=["simulated", "real"]
)
def test_a_simulated_verdict_is_recorded_as_one(*, simulated: bool, name: str) -> None:
    assert recorded_verdict(report(working(device=device(simulated=simulated)))) == name
