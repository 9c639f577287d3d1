"""A runner that asks a question about Kokoro on the CPU once, and repeats its answer after that.

Every cell of the matrix compares the simulated device with the CPU. What the CPU says depends on torch and Kokoro
alone, not on the device or the NVRTC, so one run of 20 s serves every cell of a torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scripts.probing import INSIDE, read_answer
from scripts.shell import Completed, Runner


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """One answer: how the process ended, the answer file, the samples."""

    done: Completed
    answer: bytes
    samples: bytes


@dataclass
class RememberingRunner:
    """A Runner for one torch. Only what passed is remembered."""

    run: Runner
    _kept: dict[str, _Kept] = field(default_factory=dict)

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
        """See scripts.shell.run."""
        request = cpu_request(argv)
        if request is None:
            return self.run(argv, env=env, cwd=cwd, timeout=timeout, tee=tee, pass_fds=pass_fds)
        samples, place = Path(str(request["samples"])), Path(argv[-1])
        key = json.dumps({name: value for name, value in request.items() if name != "samples"}, sort_keys=True)
        kept = self._kept.get(key)
        if kept is not None:
            samples.write_bytes(kept.samples)
            place.write_bytes(kept.answer)
            return replace(kept.done, argv=tuple(argv))
        done = self.run(argv, env=env, cwd=cwd, timeout=timeout, tee=tee, pass_fds=pass_fds)
        answer = read_answer(place)
        if done.ok and answer is not None and answer["ok"]:
            self._kept[key] = _Kept(done=done, answer=place.read_bytes(), samples=samples.read_bytes())
        return done


def cpu_request(argv: Sequence[str]) -> dict[str, Any] | None:
    """Read the request of a probe that runs Kokoro on the CPU; None for any other command."""
    if len(argv) < 3 or argv[-3] != str(INSIDE):
        return None
    request = json.loads(Path(argv[-2]).read_text(encoding="utf-8"))
    about_cpu = request.get("probe") == "kokoro" and request.get("device") == "cpu"
    return dict(request) if about_cpu else None
