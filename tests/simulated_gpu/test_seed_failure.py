"""The failure that this project began with, and each remedy, by the function behind `invoke demo.seed-failure`."""

from __future__ import annotations

import pytest

from scripts.operations.context import Context
from tests.simulated_gpu import needs
from tests.simulated_gpu.seed_failure import seed_failure
from tests.simulated_gpu.seed_story import ORIGINAL, REMEDIES, require_expected, seed_failure_lines

pytestmark = [pytest.mark.simulated, needs.COMPILER]


@pytest.mark.parametrize("remedy", [one.name for one in REMEDIES])
def test_the_failure_and_a_remedy(remedy: str) -> None:
    found = seed_failure(remedy, Context())
    require_expected(found)
    assert found.simulated
    assert ORIGINAL in found.stock.error
    assert found.stock.failed_in == "abs"
    assert "SIMULATED" in "\n".join(seed_failure_lines(found))
