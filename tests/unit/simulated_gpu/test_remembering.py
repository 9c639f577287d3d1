from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.probing import INSIDE
from scripts.shell import Completed
from tests.simulated_gpu.remembering import RememberingRunner, cpu_request


@dataclass
class Kokoro:
    """A runner that writes the next answer and samples that say how often it was asked."""

    answers: list[dict[str, Any] | None]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], **_: Any) -> Completed:
        request = json.loads(Path(argv[-2]).read_text())
        self.asked.append(request)
        answer = self.answers.pop(0)
        if answer is not None:
            Path(argv[-1]).write_text(json.dumps(answer))
            Path(request["samples"]).write_bytes(b"%d" % len(self.asked))
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="", seconds=9.0)


def command(folder: Path, name: str, **changes: Any) -> list[str]:
    request = {"probe": "kokoro", "device": "cpu", "mode": "stock", "samples": str(folder / f"{name}.f32"), **changes}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(request))
    return ["python", "-I", str(INSIDE), str(path), str(folder / f"{name}.answer")]


PASSED = {"ok": True, "detail": {}}


def test_the_cpu_is_asked_once(tmp_path: Path) -> None:
    kokoro = Kokoro([PASSED])
    runner = RememberingRunner(run=kokoro)
    first, second = runner(command(tmp_path, "a")), runner(command(tmp_path, "b"))
    assert len(kokoro.asked) == 1
    assert (tmp_path / "b.f32").read_bytes() == b"1"
    assert json.loads((tmp_path / "b.answer").read_text()) == PASSED
    assert (first.seconds, second.seconds, second.argv[-1]) == (9.0, 9.0, str(tmp_path / "b.answer"))


def test_another_question_is_asked(tmp_path: Path) -> None:
    kokoro = Kokoro([PASSED, PASSED, PASSED])
    runner = RememberingRunner(run=kokoro)
    for name, changes in {"a": {}, "b": {"mode": "bridged"}, "c": {"device": "cuda:0"}}.items():
        runner(command(tmp_path, name, **changes))
    assert len(kokoro.asked) == 3


def test_the_gpu_is_asked_every_time(tmp_path: Path) -> None:
    kokoro = Kokoro([PASSED, PASSED])
    runner = RememberingRunner(run=kokoro)
    for name in ("a", "b"):
        runner(command(tmp_path, name, device="cuda:0"))
    assert len(kokoro.asked) == 2


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    kokoro = Kokoro([{"ok": False, "error": "no memory"}, None, PASSED])
    runner = RememberingRunner(run=kokoro)
    for name in ("a", "b", "c", "d"):
        runner(command(tmp_path, name))
    assert len(kokoro.asked) == 3


def test_other_commands_are_not_read(tmp_path: Path) -> None:
    assert cpu_request(["uv", "--version"]) is None
    assert cpu_request(["uv", "pip", "install", "x"]) is None
    assert cpu_request(command(tmp_path, "a", probe="canary")) is None
