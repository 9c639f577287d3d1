"""What `env.repair` did to an environment that is not ours, and what it keeps to be able to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scripts.errors import ExitCode
from scripts.model.evidence import QUALITY, VerdictKind

MANIFEST_SCHEMA = 1


class SavedKind(StrEnum):
    """What a saved entry is. A symbolic link is kept as one."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"


@dataclass(frozen=True, kw_only=True)
class SavedEntry:
    """One file, link or folder as it was."""

    path: str
    """Relative to site-packages, with slashes."""
    kind: SavedKind
    mode: int
    """The permission bits."""
    mtime_ns: int
    sha256: str = ""
    """Of a file's content."""
    target: str = ""
    """Of a link."""


class ManifestState(StrEnum):
    """open: a change began, or may have, and did not end; kept: it ended, and can be undone."""

    OPEN = "open"
    KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds, written whole before the first change."""

    schema: int
    tool: str
    created: str
    """ISO 8601, UTC."""
    venv: str
    site: str
    """Its site-packages."""
    package: str
    version: str
    """What was installed."""
    lifted: str
    """What is put in its place."""
    state: ManifestState
    had_lock: bool
    """The file that uv leaves in an environment, `.lock`, was there before."""
    saved: tuple[SavedEntry, ...]
    installed: tuple[SavedEntry, ...] = ()
    """What stands in its place, once it is kept: undone only where it is still that."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict on an environment, and what is predicted for the target beside it."""

    kind: VerdictKind
    """UNDECIDED without a GPU."""
    prediction: VerdictKind
    target: str
    """The compute capability that it is predicted for, `12.1`."""
    device: str | None
    simulated: bool
    reasons: tuple[str, ...]

    @property
    def worth(self) -> tuple[int, int]:
        """Order judgements: the smaller, the better; the prediction decides between equal verdicts."""
        ranks = {kind: rank for rank, kind in enumerate(QUALITY)}
        return ranks.get(self.kind, len(ranks)), ranks.get(self.prediction, len(ranks))

    @property
    def outcome(self) -> VerdictKind:
        """The verdict where it is one, else the prediction."""
        return self.prediction if self.kind is VerdictKind.UNDECIDED else self.kind

    def is_better_than(self, other: Judgement) -> bool:
        """Tell whether one of the two is better and neither is worse."""
        mine, theirs = self.worth, other.worth
        return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]


class RepairOutcome(StrEnum):
    """What became of it."""

    REPAIRED = "repaired"
    PUT_BACK = "put back"
    """It was no better afterwards: everything is as it was."""
    STANDING = "standing"
    """It was repaired before, and is as that left it."""
    UNDONE = "undone"


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What was done. `before` and `after` are None where nothing was judged: undone, or standing."""

    outcome: RepairOutcome
    venv: str
    torch: str
    package: str
    version: str
    """The NVRTC that the environment had."""
    lifted: str
    """The NVRTC that was put in its place."""
    before: Judgement | None = None
    after: Judgement | None = None
    backup: str | None = None
    """The folder that it can be undone from."""
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """0 where it did what was asked; else the code of the verdict that stays."""
        if self.outcome is not RepairOutcome.PUT_BACK or self.before is None:
            return ExitCode.OK
        return self.before.outcome.exit_code or ExitCode.UNDECIDED
