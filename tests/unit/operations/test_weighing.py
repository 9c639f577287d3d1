"""Which weights an environment gets is its plan's to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.model.plan import Plan, WeightsChoice, WeightsSource
from scripts.operations import weighing
from scripts.operations.weighing import obtain_for
from scripts.place import Here
from scripts.weights.means import Means
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import plan
from tests.support.scripted import ScriptedRunner

CHOICE = WeightsChoice(source=WeightsSource.AUTO)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "torch"),
        (plan(), "torch"),
        (plan(torch="", onnxruntime="1.32.0", cuda=None), "onnx int8"),
        (plan(torch="", onnxruntime="1.31.1", cuda="13.0"), "onnx float32"),
    ],
)
def test_by_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Plan | None, expected: str) -> None:
    def onnx(choice: WeightsChoice, means: Means, *, float32: bool) -> str:
        assert (choice, means.python) == (CHOICE, Path("/env/bin/python"))
        return "onnx float32" if float32 else "onnx int8"

    def torch(choice: WeightsChoice, means: Means) -> str:
        assert (choice, means.python) == (CHOICE, Path("/env/bin/python"))
        return "torch"

    monkeypatch.setattr(weighing, "obtain_onnx", onnx)
    monkeypatch.setattr(weighing, "obtain", torch)
    place = Here(python=Path("/env/bin/python"), run=ScriptedRunner())
    found: Any = obtain_for(place, CHOICE, context(tmp_path, PC), plan=given)
    assert found == expected
