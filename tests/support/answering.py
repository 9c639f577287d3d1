"""A runner that plays the provisioned interpreter: it answers probes from a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.shell import Completed

Answer = Callable[[dict[str, Any]], Mapping[str, Any]]


@dataclass
class AnsweringRunner:
    """Hands each request to `answer` and writes down what that gives: `{"ok": ..., "detail": ...}`."""

    answer: Answer
    returncode: int | None = 0
    requests: list[dict[str, Any]] = field(default_factory=list)

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
        request, answer = Path(argv[-2]), Path(argv[-1])
        self.requests.append(json.loads(request.read_text(encoding="utf-8")))
        given = self.answer(self.requests[-1])
        if self.returncode == 0:
            answer.write_text(json.dumps(given), encoding="utf-8")
        return Completed(argv=tuple(argv), returncode=self.returncode, stdout="", stderr="", seconds=1.0)


def passed(**detail: Any) -> dict[str, Any]:
    return {"ok": True, "detail": detail}


def failed(error: str, **detail: Any) -> dict[str, Any]:
    return {"ok": False, "error": error, "detail": detail}
