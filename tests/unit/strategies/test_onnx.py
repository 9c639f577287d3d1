"""`onnx`: which build of ONNX Runtime, from facts alone; its plan; and what is pinned in this checkout."""

from __future__ import annotations

import dataclasses
import re

import pytest

from scripts.errors import NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.facts import Facts
from scripts.model.plan import CheckConsistency, CreateVenv, InstallLock, InstallMade, Request
from scripts.model.target import GB10, ComputeCapability, PythonVersion, Target
from scripts.operations.onnx_lock import OnnxLock, onnx_locks
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.locks import cuda_of, make_lock, pin_named
from scripts.strategies.onnx import CUDA, Build, OnnxRuntime, choose_build
from scripts.wheels.made import ONNX_VERSION, onnxruntime_wheel
from tests.support.machines import (
    MISMATCH,
    MUSL,
    OLD_DRIVER,
    OLD_GLIBC,
    PC,
    PC_TARGET,
    SPARK,
    SPARK_TARGET,
    gpus,
    interpreter,
    machine,
)

RTX = machine(gpu=gpus(ComputeCapability(12, 0), driver="580.95.05", cuda="13.0"))
PLAIN_SPARK = machine(architecture="aarch64", libc_version="2.28", gpu=gpus(GB10, driver="580.95.05", cuda="13.0"))
OLD_SPARK_TARGET = dataclasses.replace(SPARK_TARGET, glibc=(2, 28))


def chosen(facts: Facts, target: Target, source: str | None = None) -> tuple[Build, tuple[str, ...]]:
    return choose_build(Request(strategy="onnx", source=source), facts, target)


def refused(facts: Facts, target: Target, source: str | None = None) -> SparkError:
    with pytest.raises(SparkError) as caught:
        chosen(facts, target, source)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("facts", "target", "source", "build", "told"),
    [
        (SPARK, SPARK_TARGET, None, Build.GPU, ""),
        (RTX, PC_TARGET, None, Build.GPU, ""),
        (PC, PC_TARGET, None, Build.CPU, "no NVIDIA GPU here"),
        (PC, SPARK_TARGET, None, Build.GPU, "another machine"),
        (RTX, PC_TARGET, "cpu", Build.CPU, "was asked for"),
        (PC, PC_TARGET, "gpu", Build.GPU, ""),
        (OLD_DRIVER, PC_TARGET, "gpu", Build.GPU, ""),
    ],
)
def test_the_build(facts: Facts, target: Target, source: str | None, build: Build, told: str) -> None:
    found, notes = chosen(facts, target, source)
    assert found is build
    assert told in " ".join(notes)
    assert bool(notes) == bool(told)


@pytest.mark.parametrize(
    ("facts", "target", "source", "reference", "told"),
    [
        (OLD_DRIVER, PC_TARGET, None, "gpu-not-usable", "serves CUDA 12.4, older than the build's 13.0"),
        (MISMATCH, PC_TARGET, None, "gpu-not-usable", "version mismatch"),
        (PLAIN_SPARK, OLD_SPARK_TARGET, None, "onnx-gpu-wheels", "glibc 2.34, and this is 2.28"),
        (RTX, dataclasses.replace(PC_TARGET, python=PythonVersion(3, 10)), None, "onnx-gpu-wheels", "Python 3.10"),
        (PC, dataclasses.replace(PC_TARGET, python=PythonVersion(3, 10)), "gpu", "onnx-gpu-wheels", "Python 3.10"),
    ],
)
def test_a_gpu_is_never_passed_over_in_silence(
    facts: Facts, target: Target, source: str | None, reference: str, told: str
) -> None:
    error = refused(facts, target, source)
    assert isinstance(error, NoCandidateError)
    assert error.reference == reference
    assert told in error.context
    assert "--source cpu" in error.hint


def test_a_source_that_is_none() -> None:
    error = refused(PC, PC_TARGET, "lane")
    assert isinstance(error, UsageError)
    assert error.hint == "choose one of: gpu, cpu"


def test_blockers_and_reservations() -> None:
    onnx = OnnxRuntime()
    assert onnx.blockers(SPARK, SPARK_TARGET) == onnx.reservations(SPARK) == ()
    (musl,) = onnx.blockers(MUSL, PC_TARGET)
    assert "ONNX Runtime's wheels need glibc" in musl.reason
    (old,) = onnx.blockers(OLD_GLIBC, dataclasses.replace(PC_TARGET, glibc=(2, 27)))
    assert "2.28 that ONNX Runtime's wheels need" in old.reason
    (none,) = onnx.reservations(PC)
    assert none.reason == "there is no NVIDIA GPU here"
    (driver,) = onnx.reservations(OLD_DRIVER)
    assert "12.4" in driver.reason


H = "--hash=sha256:" + "a" * 64
GPU_LOCK = f"onnxruntime-gpu=={ONNX_VERSION} {H}\nnvidia-cuda-nvrtc==13.0.88 {H}\n"


def inputs(text: str, made: tuple[tuple[str, str, str], ...]) -> PlanInputs:
    return PlanInputs(
        source=TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=False),
        target=PC_TARGET,
        interpreter=interpreter("3.12.3"),
        locks=(make_lock("constraints/onnx.txt", text, index=None),),
        made=made,
        notes=("a note",),
    )


def test_the_plan_of_the_build_for_cuda() -> None:
    alias = onnxruntime_wheel()
    plan = OnnxRuntime().plan(inputs(GPU_LOCK, ((alias.name, alias.version, alias.sha256),)), Build.GPU)
    assert (plan.torch, plan.onnxruntime, plan.cuda, plan.nvrtc) == ("", ONNX_VERSION, "13.0", None)
    assert plan.environment == f"onnx-{plan.digest}"
    assert plan.notes == ("a note",)
    venv, lock, made, check = plan.steps
    assert isinstance(venv, CreateVenv)
    assert isinstance(lock, InstallLock)
    assert made == InstallMade(name="onnxruntime", version=ONNX_VERSION, sha256=alias.sha256)
    assert check == CheckConsistency(torch="", cuda="13.0")


def test_the_plan_of_the_cpu_build() -> None:
    plan = OnnxRuntime().plan(inputs(f"onnxruntime==1.32.0 {H}\n", ()), Build.CPU)
    assert (plan.torch, plan.onnxruntime, plan.cuda) == ("", "1.32.0", None)
    assert not any(isinstance(step, InstallMade) for step in plan.steps)


@pytest.mark.parametrize("one", onnx_locks(), ids=lambda one: one.name)
def test_what_is_pinned_here_is_one_build_alone(one: OnnxLock) -> None:
    name, build = one.name, one.build
    lock = make_lock(name, (CONSTRAINTS / name).read_text(encoding="utf-8"), index=None)
    names = {pin.name for pin in lock.pins}
    assert {"onnxruntime", "onnxruntime-gpu"} & names == {build.package}
    assert not {"torch", "kokoro"} & names
    kokoro = pin_named(lock.pins, "kokoro-onnx")
    assert kokoro is not None
    assert kokoro.version == "0.6.1"
    if build is Build.GPU:
        runtime = pin_named(lock.pins, build.package)
        assert runtime is not None
        assert runtime.version == ONNX_VERSION
        assert cuda_of(lock.pins) == CUDA
        assert {"nvidia-cudnn-cu13", "nvidia-cublas", "nvidia-cufft", "nvidia-curand"} <= names


def test_no_other_file_is_pinned_for_it() -> None:
    assert {path.name for path in CONSTRAINTS.glob("onnx-*.txt")} == {one.name for one in onnx_locks()}


def test_the_alias_and_the_input_name_the_same_release() -> None:
    text = (CONSTRAINTS / "onnx-gpu.in").read_text(encoding="utf-8")
    assert f"onnxruntime-gpu[cuda,cudnn]=={ONNX_VERSION}\n" in text
    alias = onnxruntime_wheel()
    assert alias.files == {}
    assert f"Requires-Dist: onnxruntime-gpu=={ONNX_VERSION}\n" in alias.metadata


def test_the_inputs_name_the_licences_that_come_with_them() -> None:
    for build in Build:
        text = (CONSTRAINTS / f"{build.part}.in").read_text(encoding="utf-8")
        assert re.search(r"phonemizer \(GPL-3\).*espeak-ng \(GPL-3", text)
