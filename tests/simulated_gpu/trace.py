"""The simulated GPU's trace read back: which modules were loaded, which kernels launched. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module that was given to the driver: a cubin or PTX, as the Jiterator loads it."""

    kind: str
    architecture: str
    """As the code itself says, `sm_121` or `compute_120`."""
    bytes: int
    answer: int
    """0, or the CUresult: 209 where it does not run on the device."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One launch. Those through the runtime's API are traced the first time only, and whenever they fail."""

    api: str
    """`driver`: compiled at run time; `runtime`: from a fat binary."""
    name: str
    answer: int


@dataclass(frozen=True, kw_only=True)
class Trace:
    """All that a trace holds, in the order in which it happened; several processes may have written it."""

    events: tuple[dict[str, Any], ...]

    @classmethod
    def parse(cls, text: str) -> Trace:
        """Read the JSON lines. A last line without its end was being written when its process died: it is left out.

        Raises ValueError where another line is no event.
        """
        lines = text.split("\n")[:-1]
        return cls(events=tuple(_event(line) for line in lines if line))

    @property
    def modules(self) -> tuple[Module, ...]:
        """Every module that was loaded, or refused."""
        return tuple(
            Module(kind=one["kind"], architecture=one["sm"], bytes=one["bytes"], answer=one["answer"])
            for one in self._of("module")
        )

    @property
    def launches(self) -> tuple[Launch, ...]:
        """Every launch that was traced."""
        return tuple(Launch(api=one["api"], name=one["name"], answer=one["answer"]) for one in self._of("launch"))

    @property
    def without_image(self) -> tuple[str, ...]:
        """Names of the kernels that have no code for the device: what torch calls error 209."""
        return tuple(one["name"] for one in self._of("no-image"))

    def jit_kernels(self) -> tuple[tuple[str, str], ...]:
        """Give each kernel that was taken from a module, with the architecture of that module, in order, once.

        That is each kernel that was compiled at run time, or read from the kernel cache: both end in a module.
        """
        return tuple(dict.fromkeys((one["name"], one["sm"]) for one in self._of("function")))

    def _of(self, kind: str) -> tuple[dict[str, Any], ...]:
        return tuple(one for one in self.events if one["event"] == kind)


def _event(line: str) -> dict[str, Any]:
    event = json.loads(line)
    if isinstance(event, dict) and isinstance(event.get("event"), str):
        return event
    raise ValueError(f"no event of a trace: {line[:80]!r}")
