"""Which environment may become current."""

from __future__ import annotations

import pytest

from scripts.operations.setup import is_fit
from tests.support.plans import plan, record


@pytest.mark.parametrize(
    ("strategy", "prediction", "expected"),
    [
        ("cu130", None, True),
        ("cu130", "not-needed", True),
        ("cu128", "needed", True),
        ("cu128", "broken", False),
        ("cpu", "broken", True),
    ],
)
def test_what_is_predicted_broken_is_not_made_current(strategy: str, prediction: str | None, *, expected: bool) -> None:
    assert is_fit(record(plan=plan(strategy=strategy), prediction=prediction)) is expected
