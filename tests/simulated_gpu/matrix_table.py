"""The version matrix as Markdown, for docs/testing.md and the terminal. Pure."""

from __future__ import annotations

from itertools import groupby

from tests.simulated_gpu.matrix_cells import CAPABILITIES, Cell, Matrix, disagreements

_NOTHING = "–"  # noqa: RUF001 - an empty cell


def matrix_lines(matrix: Matrix) -> list[str]:
    """Write the matrix: one row for each torch and NVRTC, one column for each capability; then what it shows."""
    lines = [
        "| torch | CUDA | NVRTC | " + " | ".join(f"on {one}" for one in CAPABILITIES) + " |",
        "|---|---|---|" + "---|" * len(CAPABILITIES),
    ]
    for _, cells in groupby(matrix.cells, key=lambda one: (one.question.torch, one.question.nvrtc)):
        lines.append(_row(list(cells)))
    return [*lines, "", *_foot(matrix)]


def _row(cells: list[Cell]) -> str:
    first = cells[0]
    where = "its own" if first.question.nvrtc is None else "in its own's place"
    by_capability = {one.question.capability: _words(one) for one in cells}
    columns = [first.question.torch, first.cuda, f"{first.nvrtc}, {where}"]
    columns += [by_capability.get(one, _NOTHING) for one in CAPABILITIES]
    return f"| {' | '.join(columns)} |"


def _words(cell: Cell) -> str:
    return str(cell.observed) if cell.agrees else f"**{cell.observed}**, predicted {cell.predicted}"


def _foot(matrix: Matrix) -> list[str]:
    wrong = disagreements(matrix)
    right = len(matrix.cells) - len(wrong)
    days = sorted({one.created for one in matrix.cells})
    when = "" if not days else f", run {days[0]}" if len(days) == 1 else f", run {days[0]} to {days[-1]}"
    told = (
        f"SIMULATED, on {matrix.platform} with Kokoro {matrix.kokoro}{when}: nothing here is verified on hardware. "
        f"In {right} of {len(matrix.cells)} cells the simulated device gave the verdict that `predict` gives."
    )
    return [told]
