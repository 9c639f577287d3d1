"""A repaired cell of the version matrix, run for real, against what is kept of it; test_verify.py has two more."""

from __future__ import annotations

import pytest

from scripts.model.target import GB10
from scripts.operations.context import Context
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import Remembering
from tests.simulated_gpu.document import MATRIX, kept
from tests.simulated_gpu.matrix import observe_cell
from tests.simulated_gpu.matrix_cells import REPAIR, Matrix, Question, what_counts

pytestmark = [pytest.mark.simulated, needs.COMPILER, needs.X86]


def test_a_cell_is_as_it_is_kept(simulated_context: Context, remembering: Remembering) -> None:
    question = Question(torch="2.9.1", nvrtc=REPAIR, capability=GB10)
    expected = kept(Matrix, MATRIX).cell(question)
    assert expected is not None
    found = observe_cell(question, simulated_context, remembering("2.9.1"))
    assert what_counts(found) == what_counts(expected), found.reasons
