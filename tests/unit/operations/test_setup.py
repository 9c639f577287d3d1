"""Which environment may become current."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.model.plan import Request, WeightsChoice, WeightsSource
from scripts.model.target import GB10
from scripts.operations.setup import is_fit, setup
from tests.support.contexts import context
from tests.support.machines import PC
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


def test_a_folder_without_a_checkpoint_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    empty = WeightsChoice(source=WeightsSource.PATH, path=str(tmp_path))
    with pytest.raises(UsageError, match="is no Kokoro checkpoint"):
        setup(Request(), empty, GB10, given)
    assert not given.home.environments.exists()
