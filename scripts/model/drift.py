"""What the indexes offer now that constraints/ does not say, or says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scripts.errors import ExitCode

SCHEMA = 1


class DriftKind(StrEnum):
    """What may have changed since the pins were made, the gravest first."""

    ALTERED_PIN = "altered-pin"
    """The pinned version is there, but none of its files has a pinned hash."""
    VANISHED_PIN = "vanished-pin"
    YANKED = "yanked"
    VANISHED_LANE = "vanished-lane"
    BRIDGE_MISFIT = "bridge-misfit"
    """The bridge was not made for the kokoro that is pinned."""
    VERDICT_CHANGE = "verdict-change"
    """Another verdict is predicted for the newest torch than for the pinned one."""
    NEWER_TORCH = "newer-torch"
    NEWER_KOKORO = "newer-kokoro"
    NEWER_MISAKI = "newer-misaki"
    RETURNED_LANE = "returned-lane"
    """A lane without pins answers now."""


@dataclass(frozen=True, kw_only=True)
class DriftFinding:
    """One difference."""

    kind: DriftKind
    what: str
    """A package or a lane."""
    pinned: str | None
    """What constraints/ says: a version, a verdict; None: nothing."""
    offered: str | None
    """What there is now; None: nothing."""
    where: str
    """The index, in words."""
    text: str
    to_do: str


@dataclass(frozen=True, kw_only=True)
class NotReached:
    """What could not be compared, and why. It is no drift: from many places a lane cannot be reached at all."""

    name: str
    """A lane, a package, or what was to be told of one."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class BridgeFit:
    """Whether the bridge fits a release of kokoro, by its source."""

    kokoro: str
    pinned: bool
    fits: bool | None
    """None: it could not be told."""
    why: str
    """Why it does not fit, or why that could not be told; empty where it fits."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How much was compared."""

    projects: int
    """Pages of an index that were read."""
    pins: int
    """Releases that constraints/ pins, each counted once, whose page was read."""
    lanes: int
    """Lanes whose index answered, the default index among them."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The whole comparison: what `invoke drift --json` prints."""

    schema: int = SCHEMA
    created: str
    """ISO date of the comparison, in UTC."""
    findings: tuple[DriftFinding, ...]
    not_reached: tuple[NotReached, ...]
    bridge: tuple[BridgeFit, ...]
    """For the pinned kokoro, and for the newest one where it is newer."""
    checked: Checked

    @property
    def exit_code(self) -> ExitCode:
        """DRIFT where anything changed."""
        return ExitCode.DRIFT if self.findings else ExitCode.OK
