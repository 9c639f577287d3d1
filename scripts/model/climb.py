"""How `auto` came down the ladder: what was refused, what was tried, what was chosen, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scripts.model.plan import Blocker


class Machine(StrEnum):
    """Which ladder a machine has."""

    GB10 = "gb10"
    NVIDIA = "nvidia"
    """Another NVIDIA GPU, or one whose driver does not answer."""
    NONE = "none"
    """No GPU."""


class RungState(StrEnum):
    """What became of one rung."""

    REFUSED = "refused"
    """By facts, by the user, or by what its packages' data say: nothing of it was installed."""
    PUT_OFF = "put off"
    """Data say that it needs the patch: it is tried only where nothing below does without."""
    FAILED = "failed"
    """It was tried: it could not be installed, or what was installed does not run Kokoro as it should."""
    SECOND_BEST = "second best"
    """It was tried, and Kokoro runs on it, but only with the patch."""
    CHOSEN = "chosen"
    NOT_REACHED = "not reached"
    """A better one was chosen; in a dry run: it is tried only if those above fail."""
    NEXT = "would be tried"
    """In a dry run alone: the first that would be."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a rung needs, and is expected to cost. None: not known. Sizes in bytes."""

    needs: str = ""
    download: int | None = None
    disk: int | None = None
    minutes: float | None = None
    """At 100 MB/s and on the machine that `basis` names."""
    basis: str
    """`measured: ...`, `read: ...` or `estimated: ...`."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One strategy on the way down."""

    strategy: str
    state: RungState
    reasons: tuple[Blocker, ...] = ()
    """Why it was refused or put off, or the evidence of its failure."""
    cost: Cost | None = None
    environment: str | None = None
    """The environment that was made; its record keeps the reasons."""
    verdict: str | None = None
    """A verdict's kind, `simulated ` before it where it was; None: not judged."""


@dataclass(frozen=True, kw_only=True)
class Climb:
    """The whole way down, in order."""

    machine: str
    """Which ladder it was: `gb10`, `nvidia` (another GPU) or `none`."""
    rungs: tuple[Rung, ...]
    driver: str | None = None
    """The NVIDIA driver under which the verdicts were given."""
    devices: tuple[str, ...] = ()
    """The GPUs that were there, `NVIDIA GB10, 12.1, GPU-0123...`: the verdicts hold for them."""

    @property
    def chosen(self) -> Rung | None:
        """The rung that was taken."""
        return next((rung for rung in self.rungs if rung.state is RungState.CHOSEN), None)

    def rung(self, strategy: str) -> Rung:
        """Give one rung."""
        return next(rung for rung in self.rungs if rung.strategy == strategy)
