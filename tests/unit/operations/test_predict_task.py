"""`invoke predict` at the front door: options, exit codes, one JSON document."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from invoke.program import Program

import tasks
from scripts.errors import ExitCode
from scripts.model.facts import IndexSettings
from tests.support.contexts import context
from tests.support.machines import PC
from tests.unit.operations.wheel_web import WheelWeb, torch_file
from tests.unit.operations.worlds import DEFAULT

FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=DEFAULT))


@pytest.fixture
def front_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelWeb:
    """`invoke predict` in this process, on a made-up index."""
    web = WheelWeb().add(torch_file("2.15.7", "nvidia-cuda-nvrtc-cu12==12.8.93"), torch_file("2.9.1", "filelock"))
    monkeypatch.setattr(tasks, "_context", lambda verbose=False: context(tmp_path, FACTS, web=web))
    monkeypatch.setattr(tasks, "_handle_signals", lambda: None)
    return web


def invoke(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    argv = ["invoke", "predict", *arguments]
    monkeypatch.setattr(sys, "argv", argv)
    try:
        Program(namespace=tasks.ns, version="1").run(argv)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), ExitCode.OK),
        (("--expect", "needed"), ExitCode.OK),
        (("--expect", "not-needed,needed"), ExitCode.OK),
        (("--expect", "not-needed"), ExitCode.PATCH_NEEDED),
        (("--expect", "not-needed", "--sm", "9.0"), ExitCode.BROKEN),
        (("--expect", "needed", "--torch", "2.9.1"), ExitCode.DRIFT),  # not-applicable exits 0 by itself
        (("--expect", "not-applicable", "--torch", "2.9.1"), ExitCode.OK),
        (("--expect", "fine"), ExitCode.USAGE),
        (("--expect", ","), ExitCode.USAGE),
        (("--sm", "12"), ExitCode.USAGE),
        (("--sm", "12.1a"), ExitCode.USAGE),
        (("--sm", "sm_121"), ExitCode.USAGE),
        (("--sm", "foo"), ExitCode.USAGE),
        (("--sm", ""), ExitCode.USAGE),
        (("--python", "3.13"), ExitCode.USAGE),
        (("--python", "three"), ExitCode.USAGE),
        (("--platform", "riscv64"), ExitCode.USAGE),
        (("--strategy", "auto"), ExitCode.USAGE),
        (("--torch", "9.9.9"), ExitCode.NO_CANDIDATE),
        (("--strategy", "cu130"), ExitCode.NETWORK),
    ],
)
def test_exit_codes(
    front_door: WheelWeb,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: ExitCode,
) -> None:
    assert invoke(monkeypatch, *arguments) == code
    written = capfd.readouterr()
    assert "Traceback" not in written.err
    if code in {ExitCode.USAGE, ExitCode.NO_CANDIDATE, ExitCode.NETWORK}:
        assert written.out == ""
        assert "hint: " in written.err
    else:
        assert "wheel      torch-" in written.out
        assert "nothing ran there" in written.out


def test_bad_input_asks_nobody(front_door: WheelWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke(monkeypatch, "--sm", "foo")
    invoke(monkeypatch, "--expect", "fine")
    assert front_door.seen == []


def test_one_json_document(
    front_door: WheelWeb, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert invoke(monkeypatch, "--json", "--expect", "not-needed") == ExitCode.PATCH_NEEDED
    (line,) = capfd.readouterr().out.splitlines()
    assert json.loads(line)["prediction"]["kind"] == "needed"
    assert invoke(monkeypatch, "--json", "--sm", "sm_121") == ExitCode.USAGE
    (line,) = capfd.readouterr().out.splitlines()
    assert json.loads(line)["error"] == "bad-compute-capability"
    assert "--sm 12.1" in json.loads(line)["hint"]
