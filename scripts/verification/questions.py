"""Asking the probes of one verify: names, time-outs, progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scripts.model.evidence import Observation, Outcome
from scripts.place import Place
from scripts.probing import ask
from scripts.progress import say, step
from scripts.verification.kernel_cache import SWITCH

TIMEOUTS = {"installed": 60.0, "kokoro": 600.0, "onnx-kokoro": 600.0, "compile": 600.0}
"""Seconds; probes not named here have 300. Kokoro's first import and a full model share a busy machine with others."""
_DEFAULT_TIMEOUT = 300.0


def skipped(name: str, why: str) -> Observation:
    """Note what was not asked, and why."""
    return Observation(probe=name, outcome=Outcome.SKIPPED, error=why)


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The environment under judgement, and how its probes are started."""

    place: Place
    environ: Mapping[str, str]
    """The whole environment of this verify: what an application would start in."""
    workdir: Path
    bytecode: Path
    timeout: float | None = None
    """Seconds for each probe; None: TIMEOUTS."""

    def ask(self, name: str, request: Mapping[str, Any] | None = None) -> Observation:
        """Ask the probe that `name` begins with (`kokoro` of `kokoro.stock.cpu`); the observation has the full name."""
        probe = name.partition(".")[0]
        # Switched off, no kernel would be kept, and none seen: the cache of a probe is its own, and empty.
        probes_environ = {key: value for key, value in self.environ.items() if key != SWITCH}

        def observe() -> Observation:
            return ask(
                self.place.python,
                probe,
                request or {},
                run=self.place.run,
                workdir=self.workdir,
                environ=probes_environ,
                timeout=TIMEOUTS.get(probe, _DEFAULT_TIMEOUT) if self.timeout is None else self.timeout,
                bytecode=self.bytecode,
            )

        return self.on_host(name, observe)

    def on_host(self, name: str, observe: Callable[[], Observation]) -> Observation:
        """Make an observation here, with the same progress and name."""
        start = time.monotonic()
        with step(f"asking: {name}"):
            found = observe()
        found = replace(found, probe=name, seconds=found.seconds or round(time.monotonic() - start, 3))
        say(f"  {found.outcome} {name} ({found.seconds:.1f} s)", style="" if found.outcome is Outcome.PASSED else "red")
        return found
