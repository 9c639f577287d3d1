"""Which environment may become current."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.model.plan import Request, WeightsChoice, WeightsSource
from scripts.model.target import GB10
from scripts.operations.setup import is_fit, setup, worse_than
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


@pytest.mark.parametrize(
    ("strategy", "cuda", "verdict", "expected"),
    [
        ("cpu", "13.2", None, False),  # the default index's build: it has CUDA, and is used on the CPU
        ("onnx", None, "not-applicable", False),
        ("onnx", "13.0", None, True),
        ("pypi", "13.2", "needed", True),
        ("pypi", "13.2", None, False),
    ],
)
def test_what_runs_on_the_cpu_alone_is_no_better_than_an_unjudged_rung_for_the_gpu(
    strategy: str, cuda: str | None, verdict: str | None, *, expected: bool
) -> None:
    """`setup --no-smoke` on a machine whose current environment is a CPU's: it is never kept in silence."""
    current = record(plan=plan(strategy=strategy, cuda=cuda), verdict=verdict)
    assert worse_than(record(verdict=None), current) is expected


def test_a_folder_without_a_checkpoint_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    empty = WeightsChoice(source=WeightsSource.PATH, path=str(tmp_path))
    with pytest.raises(UsageError, match="is no Kokoro checkpoint"):
        setup(Request(), empty, GB10, given)
    assert not given.home.environments.exists()
