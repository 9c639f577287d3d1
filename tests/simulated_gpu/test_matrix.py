"""A few cells of the version matrix, run for real, against what is kept of them."""

from __future__ import annotations

import pytest

from scripts.model.target import GB10, Architecture
from scripts.operations.context import Context
from scripts.shell import run
from tests.simulated_gpu import needs
from tests.simulated_gpu.document import MATRIX
from tests.simulated_gpu.document import kept as read_kept
from tests.simulated_gpu.environments import newest_torch
from tests.simulated_gpu.matrix import observe_cell
from tests.simulated_gpu.matrix_cells import REPAIR, Cell, Matrix, Question
from tests.simulated_gpu.remembering import RememberingRunner

pytestmark = [pytest.mark.simulated, needs.COMPILER, needs.X86]

NEWEST = newest_torch(Architecture.X86_64, Context())


@pytest.fixture(scope="module")
def runner() -> RememberingRunner:
    """The CPU's sound of torch 2.9.1 is made once."""
    return RememberingRunner(run=run)


def what_counts(cell: Cell) -> tuple[object, ...]:
    return cell.nvrtc, cell.cuda, cell.predicted, cell.observed, cell.endings


@pytest.mark.parametrize(
    ("torch", "nvrtc"),
    [("2.9.1", None), ("2.9.1", REPAIR), (newest_torch(Architecture.X86_64, Context()), None)],
    ids=str,
)
def test_a_cell_is_as_it_is_kept(torch: str, nvrtc: str | None, runner: RememberingRunner) -> None:
    question = Question(torch=torch, nvrtc=nvrtc, capability=GB10)
    kept = read_kept(Matrix, MATRIX).cell(question)
    assert kept is not None
    context = Context()
    found = observe_cell(question, context, runner if torch == "2.9.1" else RememberingRunner(run=context.run))
    assert what_counts(found) == what_counts(kept), found.reasons
