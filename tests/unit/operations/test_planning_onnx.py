"""The plan of `onnx` on made-up machines, from the pins of this checkout."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.executor import describe
from scripts.errors import IntegrityError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.plan import InstallLock, InstallMade, Request
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.planning import make_plan
from scripts.wheels.made import ONNX_VERSION
from tests.support.contexts import context
from tests.support.machines import OLD_DRIVER, PC, SPARK, interpreter, machine
from tests.unit.operations.worlds import UnreachableWeb


def request(**values: Any) -> Request:
    return Request(strategy="onnx", **values)


def refused(given: Request, folder: Path, facts: Any = PC, constraints: Path = CONSTRAINTS) -> SparkError:
    with pytest.raises(SparkError) as caught:
        make_plan(given, context(folder, facts, web=UnreachableWeb(), constraints=constraints))
    assert caught.value.hint
    return caught.value


def test_on_a_spark_it_is_the_build_for_cuda(tmp_path: Path) -> None:
    plan = make_plan(request(), context(tmp_path, SPARK, web=UnreachableWeb())).plan
    assert (plan.strategy, plan.onnxruntime, plan.cuda) == ("onnx", ONNX_VERSION, "13.0")
    (lock,) = (step.lock for step in plan.steps if isinstance(step, InstallLock))
    assert (lock.name, lock.index) == ("constraints/onnx-gpu-aarch64-cp312.txt", None)
    assert [step.name for step in plan.steps if isinstance(step, InstallMade)] == ["onnxruntime"]
    assert describe(plan.steps[-1]) == "check that everything fits together"


def test_without_a_gpu_it_is_the_cpu_build_and_says_so(tmp_path: Path) -> None:
    plan = make_plan(request(), context(tmp_path, PC, web=UnreachableWeb())).plan
    assert (plan.cuda, plan.torch) == (None, "")
    assert any("runs on the CPU alone" in note for note in plan.notes)


def test_another_machines_plan(tmp_path: Path) -> None:
    given = context(tmp_path, PC, web=UnreachableWeb())
    planned = make_plan(request(architecture=Architecture.AARCH64), given)
    assert not planned.for_this_machine
    assert planned.plan.cuda == "13.0"
    assert make_plan(request(architecture=Architecture.AARCH64, source="cpu"), given).plan.cuda is None


def test_python_3_10_has_the_cpu_build_alone(tmp_path: Path) -> None:
    old = machine(interpreters=(interpreter("3.10.12"),))
    python = PythonVersion(3, 10)
    plan = make_plan(request(python=python), context(tmp_path, old, web=UnreachableWeb())).plan
    assert plan.python == python
    assert plan.onnxruntime is not None
    assert isinstance(refused(request(source="gpu", python=python), tmp_path, old), NoCandidateError)


@pytest.mark.parametrize("option", [{"torch": "2.15.0"}, {"index": "https://lane.example"}, {"nightly": True}])
def test_options_about_torch(tmp_path: Path, option: dict[str, Any]) -> None:
    error = refused(request(**option), tmp_path)
    assert isinstance(error, UsageError)
    assert error.reference == "option-not-for-strategy"


def test_a_gpu_whose_driver_is_too_old(tmp_path: Path) -> None:
    assert refused(request(), tmp_path, OLD_DRIVER).reference == "gpu-not-usable"


def test_pins_that_are_not_there_or_not_one_build(tmp_path: Path) -> None:
    constraints = tmp_path / "constraints"
    shutil.copytree(CONSTRAINTS, constraints)
    path = constraints / "onnx-cpu-x86_64-cp312.txt"
    both = path.read_text(encoding="utf-8") + f"onnxruntime-gpu==1.31.1 --hash=sha256:{'a' * 64}\n"
    path.write_text(both, encoding="utf-8")
    error = refused(request(), tmp_path, constraints=constraints)
    assert isinstance(error, IntegrityError)
    assert "the last one installed wins" in error.context
    path.unlink()
    assert refused(request(), tmp_path, constraints=constraints).reference == "no-pins"
