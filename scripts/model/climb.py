"""How `auto` came down the ladder: what was refused, what was tried, what was chosen, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scripts.model.plan import Blocker


class RungState(StrEnum):
    """What became of one rung."""

    REFUSED = "refused"
    """By facts, by the user, or by what its packages' data say: nothing of it was installed."""
    FAILED = "failed"
    """It was tried: it could not be installed, or what was installed does not run Kokoro as it should."""
    CHOSEN = "chosen"
    NOT_REACHED = "not reached"
    """A better one was chosen."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a rung is expected to cost. None: not known. Sizes in bytes."""

    download: int | None
    disk: int | None
    minutes: float | None
    """At 100 MB/s and on the machine that `basis` names."""
    basis: str
    """`measured: ...`, `read: ...` or `estimated: ...`."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One strategy on the way down."""

    strategy: str
    state: RungState
    reasons: tuple[Blocker, ...] = ()
    """Why it was refused, or the evidence of its failure."""
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

    @property
    def chosen(self) -> Rung | None:
        """The rung that was taken."""
        return next((rung for rung in self.rungs if rung.state is RungState.CHOSEN), None)
