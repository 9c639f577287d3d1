"""The host's half of the probe contract, with scripted processes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import NoCandidateError
from scripts.model.evidence import Outcome
from scripts.probing import INSIDE, ask, real_interpreter
from scripts.shell import Completed, ProgramNotFoundError


@dataclass
class FakeInterpreter:
    """Plays the interpreter: notes how it was started, writes `answer` (text), ends with `returncode`."""

    answer: str | None = '{"ok": true, "detail": {"value": 1}}'
    returncode: int | None = 0
    stdout: str = ""
    stderr: str = ""
    argv: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    caches: list[bool] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        self.argv, self.env = list(argv), dict(env or {})
        self.request = json.loads(Path(argv[-2]).read_text())
        self.caches = [list(Path(self.env["PYTORCH_KERNEL_CACHE_PATH"]).iterdir()) == []]
        if self.answer is not None:
            Path(argv[-1]).write_text(self.answer)
        return Completed(
            argv=tuple(argv), returncode=self.returncode, stdout=self.stdout, stderr=self.stderr, seconds=1.5
        )


OK = '{"ok": true, "detail": {"value": 1}}'
NO = '{"ok": false, "error": "no such thing", "detail": {"value": 2}}'

ENDINGS = {
    "passed": (OK, 0, Outcome.PASSED, ""),
    "failed": (NO, 0, Outcome.FAILED, "no such thing"),
    "failed without a reason": ('{"ok": false}', 0, Outcome.FAILED, "failed without a reason"),
    "segmentation fault": (None, -11, Outcome.CRASHED, "died of SIGSEGV"),
    "abort": (None, -6, Outcome.CRASHED, "died of SIGABRT"),
    "died after its answer": (OK, -11, Outcome.CRASHED, "died of SIGSEGV after it had answered"),
    "a signal without a name": (None, -250, Outcome.CRASHED, "died of signal 250"),
    "killed": (None, -9, Outcome.KILLED, "SIGKILL"),
    "hung": (None, None, Outcome.HUNG, "no answer within 5 s"),
    "hung after its answer": (OK, None, Outcome.HUNG, "no answer within 5 s"),
    "exited": (None, 3, Outcome.CRASHED, "exited 3 without an answer"),
    "left in silence": (None, 0, Outcome.CRASHED, "exited 0 without an answer"),
    "half an answer": ('{"ok": tr', 0, Outcome.CRASHED, "without an answer"),
    "not an answer": ("[]", 0, Outcome.CRASHED, "without an answer"),
    "ok is no bool": ('{"ok": "yes"}', 0, Outcome.CRASHED, "without an answer"),
}


@pytest.mark.parametrize(("answer", "returncode", "outcome", "error"), ENDINGS.values(), ids=ENDINGS.keys())
def test_every_ending_is_an_observation(
    answer: str | None, returncode: int | None, outcome: Outcome, error: str, tmp_path: Path
) -> None:
    run = FakeInterpreter(answer=answer, returncode=returncode, stderr="Fatal Python error\n")
    found = ask(tmp_path / "python", "device", {}, run=run, environ={}, timeout=5)
    assert found.outcome is outcome
    assert error in found.error
    assert bool(found.error) is (outcome is not Outcome.PASSED)
    assert ("stderr_tail" in found.detail) is (outcome is not Outcome.PASSED)
    assert found.seconds == 1.5


def test_detail_is_kept_on_failure(tmp_path: Path) -> None:
    found = ask(tmp_path / "python", "device", {}, run=FakeInterpreter(answer=NO, stdout=" \n"), environ={})
    assert found.detail == {"value": 2}


def test_output_is_a_tail_without_credentials(tmp_path: Path) -> None:
    run = FakeInterpreter(answer=NO, stdout="x" * 9000 + " https://me:secret@host/simple")
    found = ask(tmp_path / "python", "device", {}, run=run, environ={})
    assert "secret" not in found.detail["stdout_tail"]
    assert found.detail["stdout_tail"].endswith("https://****@host/simple")
    assert len(found.detail["stdout_tail"]) <= 4000


def test_how_it_is_started(tmp_path: Path) -> None:
    run = FakeInterpreter()
    found = ask(tmp_path / "python", "nvrtc", {"targets": ["12.1"]}, run=run, environ={"PATH": "/bin"})
    assert run.argv[:-2] == [str(tmp_path / "python"), "-I", "-B", "-X", "faulthandler", str(INSIDE)]
    assert run.request == {"probe": "nvrtc", "targets": ["12.1"]}
    assert found.probe == "nvrtc"
    assert not Path(run.argv[-1]).parent.exists(), "the working folder is removed"


def test_compiled_modules_go_where_they_are_told(tmp_path: Path) -> None:
    run = FakeInterpreter()
    ask(tmp_path / "python", "nvrtc", {}, run=run, environ={}, bytecode=tmp_path / "compiled")
    assert f"pycache_prefix={tmp_path / 'compiled'}" in run.argv
    assert "-B" not in run.argv


def test_the_environment_is_made_safe(tmp_path: Path) -> None:
    run = FakeInterpreter()
    given = {
        "PYTHONPATH": "/elsewhere",
        "PYTHONHOME": "/elsewhere",
        "PYTORCH_KERNEL_CACHE_PATH": "/home/me/.cache/torch/kernels",
        "HF_HUB_OFFLINE": "0",
        "OMP_WAIT_POLICY": "ACTIVE",
        "CUDA_VISIBLE_DEVICES": "1",
    }
    ask(tmp_path / "python", "device", {}, run=run, environ=given)
    assert "PYTHONPATH" not in run.env
    assert "PYTHONHOME" not in run.env
    assert run.env["PYTORCH_KERNEL_CACHE_PATH"] != given["PYTORCH_KERNEL_CACHE_PATH"]
    assert run.caches == [True], "the kernel cache is a fresh, empty folder"
    assert run.env["HF_HUB_OFFLINE"] == "1"
    assert run.env["OMP_WAIT_POLICY"] == "PASSIVE"
    assert run.env["CUDA_VISIBLE_DEVICES"] == "1", "what the user chose stays"


def test_the_link_to_an_environment_is_resolved_but_not_the_interpreter(tmp_path: Path) -> None:
    base = tmp_path / "base" / "python3.12"
    real = tmp_path / "envs" / "cu130-1" / "bin"
    for folder in (base.parent, real):
        folder.mkdir(parents=True)
    base.touch()
    (real / "python").symlink_to(base)
    (tmp_path / "envs" / "current").symlink_to("cu130-1")
    assert real_interpreter(tmp_path / "envs" / "current" / "bin" / "python") == real / "python"


def test_no_interpreter(tmp_path: Path) -> None:
    def missing(argv: Sequence[str], **_options: Any) -> Completed:
        raise ProgramNotFoundError(f"{argv[0]} was not found", reference="program-not-found")

    with pytest.raises(NoCandidateError) as caught:
        ask(tmp_path / "nothing" / "python", "device", {}, run=missing, environ={})
    assert caught.value.reference == "no-interpreter"
    assert "nothing/python" in str(caught.value)


def test_a_long_error_keeps_both_ends(tmp_path: Path) -> None:
    text = "RuntimeError: " + "source " * 6000 + "nvrtc: error: invalid value for --gpu-architecture (-arch)"
    run = FakeInterpreter(answer=json.dumps({"ok": False, "error": text}))
    found = ask(tmp_path / "python", "canary", {}, run=run, environ={})
    assert found.error.startswith("RuntimeError: source")
    assert found.error.endswith("(-arch)")
    assert len(found.error) < 1600
