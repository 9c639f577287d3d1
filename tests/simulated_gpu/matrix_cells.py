"""The version matrix as values: which cells there are, and what was predicted and observed in each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.version import Version

from scripts.errors import BrokenError
from scripts.model.evidence import VerdictKind
from scripts.model.target import GB10, ComputeCapability

SCHEMA = 1
RELEASES = ("2.5.1", "2.7.1", "2.8.0", "2.9.1", "2.11.0", "2.14.1")
"""Releases of torch; the newest one that is pinned (constraints/) comes to them."""
CAPABILITIES = (GB10, ComputeCapability(12, 0), ComputeCapability(9, 0))
"""A GB10, a desktop Blackwell, a Hopper."""
REPAIR = "12.9.86"
"""The NVRTC that repairs a build with CUDA 12 (facts: the cheapest repair)."""
BREAKING = (("2.9.1", "12.4.127"), ("2.9.1", "12.6.85"))
"""Older NVRTCs in the place of 12.8, on the GB10 alone: they refuse it too."""


@dataclass(frozen=True, order=True, kw_only=True)
class Question:
    """One cell to be asked. `nvrtc` None: the one that torch's wheel pins."""

    torch: str
    nvrtc: str | None
    capability: ComputeCapability

    def __str__(self) -> str:
        """`torch 2.9.1, NVRTC 12.9.86, capability 12.1`."""
        return f"torch {self.torch}, {f'NVRTC {self.nvrtc}' if self.nvrtc else 'its own NVRTC'}, {self.capability}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One answer: what our prediction says without torch, and what verify said on the simulated device."""

    question: Question
    cuda: str
    nvrtc: str
    """The release that was there."""
    predicted: VerdictKind
    observed: VerdictKind
    reasons: tuple[str, ...]
    """verify's own, without that the device is simulated."""
    endings: dict[str, str]
    """How each probe on the device ended: `passed`, or the cause of its failure."""
    created: str
    """ISO date."""
    seconds: float

    @property
    def agrees(self) -> bool:
        """The prediction was right."""
        return self.predicted is self.observed


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Every cell that was run. Simulated: nothing in it is verified on hardware."""

    schema: int = SCHEMA
    simulated: bool = True
    kokoro: str
    platform: str
    cells: tuple[Cell, ...] = field(default=())

    def cell(self, question: Question) -> Cell | None:
        """Find the answer to a question."""
        return next((one for one in self.cells if one.question == question), None)

    def with_cell(self, cell: Cell) -> Matrix:
        """Put a cell in, in the place of an older one; by torch, NVRTC and capability."""
        others = [one for one in self.cells if one.question != cell.question]
        cells = tuple(sorted([*others, cell], key=_place))
        return Matrix(kokoro=self.kokoro, platform=self.platform, cells=cells)


def questions(newest: str, cuda: Mapping[str, str]) -> tuple[Question, ...]:
    """List every cell of the matrix, those on a GB10 first. `cuda` tells the CUDA of each release, e.g. `12.8`."""
    releases = tuple(dict.fromkeys([*RELEASES, newest]))
    found = []
    for capability in CAPABILITIES:
        for torch in releases:
            found.append(Question(torch=torch, nvrtc=None, capability=capability))
            if cuda[torch].startswith("12."):
                found.append(Question(torch=torch, nvrtc=REPAIR, capability=capability))
    breaking = [Question(torch=torch, nvrtc=nvrtc, capability=GB10) for torch, nvrtc in BREAKING]
    return (*found, *breaking)


def missing(matrix: Matrix, wanted: Iterable[Question]) -> tuple[Question, ...]:
    """List the questions that have no answer yet."""
    return tuple(one for one in wanted if matrix.cell(one) is None)


def disagreements(matrix: Matrix) -> tuple[Cell, ...]:
    """List the cells in which the prediction was wrong."""
    return tuple(one for one in matrix.cells if not one.agrees)


def what_counts(cell: Cell) -> tuple[object, ...]:
    """Give what must be the same whenever a cell is run: all but the day, the time it took and the wording."""
    return cell.nvrtc, cell.cuda, cell.predicted, cell.observed, cell.endings


def require_agreement(matrix: Matrix) -> None:
    """Raise BrokenError (wrong-prediction) where a prediction was wrong."""
    wrong = disagreements(matrix)
    if wrong:
        raise BrokenError(
            f"{len(wrong)} of {len(matrix.cells)} predictions were wrong on the simulated device",
            context="\n".join(f"{one.question}: predicted {one.predicted}, observed {one.observed}" for one in wrong),
            reference="wrong-prediction",
            hint="the reasons of each cell are in tests/data/simulated_matrix.json",
        )


def _place(cell: Cell) -> tuple[Version, bool, Version, int]:
    """Sort by torch, its own NVRTC first, then by NVRTC; capabilities in the table's order."""
    question = cell.question
    own = question.nvrtc is None
    return Version(question.torch), not own, Version(cell.nvrtc), CAPABILITIES.index(question.capability)
