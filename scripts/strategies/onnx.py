"""`onnx`: Kokoro by ONNX Runtime, without torch. On the GPU with the build for CUDA, else with the CPU's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scripts.errors import NoCandidateError, UsageError
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, CheckConsistency, InstallLock, Lock, Plan, Request
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.strategies.assembly import venv_plan
from scripts.strategies.base import PlanInputs
from scripts.strategies.checks import driver_is_new_enough, gpu_is_usable, wheels_run
from scripts.strategies.locks import cuda_of, pin_named

NAME = "onnx"
CUDA = "13.0"
"""What onnxruntime-gpu was built with (constraints/onnx-gpu.in)."""
LOWEST_GPU_PYTHON = PythonVersion(3, 11)
"""onnxruntime-gpu 1.24 and later have no wheels for 3.10, and the last that had was built with CUDA 12, for x86_64."""
GPU_MANYLINUX = {Architecture.AARCH64: "2_34", Architecture.X86_64: "2_28"}
"""Which glibc the wheels of onnxruntime-gpu ask for."""


class Build(StrEnum):
    """Which of ONNX Runtime's two builds."""

    GPU = "gpu"
    CPU = "cpu"

    @property
    def part(self) -> str:
        """The part of constraints/ that pins it."""
        return f"{NAME}-{self}"

    @property
    def package(self) -> str:
        """The package that has the module onnxruntime."""
        return "onnxruntime-gpu" if self is Build.GPU else "onnxruntime"


@dataclass(frozen=True)
class OnnxRuntime:
    """ONNX Runtime and kokoro-onnx, from the default index."""

    name: str = NAME

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform."""
        return wheels_run(facts, target, whose="ONNX Runtime's")

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """GPU and driver: on the CPU `cpu` is the better one, with the whole of Kokoro."""
        return gpu_is_usable(facts) or driver_is_new_enough(facts, CUDA)

    def plan(self, inputs: PlanInputs, build: Build) -> Plan:
        """Turn a lock into steps."""
        return assemble_onnx(inputs, build)


def choose_build(request: Request, facts: Facts, target: Target) -> tuple[Build, tuple[str, ...]]:
    """Choose the build, and say why where it was not asked for.

    The CPU's is taken by itself only where there is no GPU: never silently beside one.

    Raises UsageError (unknown-source) for a `--source` that does not exist, NoCandidateError (gpu-not-usable,
    onnx-gpu-wheels) where the GPU's build is wanted and cannot be had.
    """
    match request.source:
        case None:
            build, notes = _by_facts(facts, target)
        case Build.CPU:
            return Build.CPU, ("ONNX Runtime's CPU build was asked for: it runs on the CPU, whatever GPU there is",)
        case Build.GPU:
            build, notes = Build.GPU, ()
        case other:
            raise UsageError(
                f"unknown source {other!r}", reference="unknown-source", hint=f"choose one of: {', '.join(Build)}"
            )
    if build is Build.GPU:
        _require_gpu_wheels(target)
    return build, notes


def _by_facts(facts: Facts, target: Target) -> tuple[Build, tuple[str, ...]]:
    if target.architecture != facts.host.architecture:
        return Build.GPU, ("for another machine: ONNX Runtime's build for CUDA; --source cpu plans the CPU's",)
    if not facts.gpu.gpus and facts.gpu.problem is None:
        return Build.CPU, ("there is no NVIDIA GPU here: ONNX Runtime's CPU build, which runs on the CPU alone",)
    reasons = gpu_is_usable(facts) or driver_is_new_enough(facts, CUDA)
    if reasons:
        raise NoCandidateError(
            "there is an NVIDIA GPU here that ONNX Runtime could not use",
            context="\n".join(one.reason for one in reasons),
            reference="gpu-not-usable",
            hint=f"{reasons[0].hint or 'mend that'}; or choose the CPU yourself: --source cpu",
        )
    return Build.GPU, ()


def _require_gpu_wheels(target: Target) -> None:
    """Insist that there are wheels of onnxruntime-gpu for this Python and glibc."""
    level = GPU_MANYLINUX[target.architecture].split("_")
    reasons = []
    if target.python < LOWEST_GPU_PYTHON:
        reasons.append(f"for CUDA 13 it has none for Python {target.python}")
    if target.glibc < (int(level[0]), int(level[1])):
        found = f"{target.glibc[0]}.{target.glibc[1]}"
        reasons.append(f"for {target.architecture} they need glibc {'.'.join(level)}, and this is {found}")
    if reasons:
        raise NoCandidateError(
            "onnxruntime-gpu has no wheel that fits",
            context="\n".join(reasons),
            reference="onnx-gpu-wheels",
            hint="take --python 3.12 on a newer distribution; or choose the CPU yourself: --source cpu",
        )


def assemble_onnx(inputs: PlanInputs, build: Build) -> Plan:
    """Make the plan: one lock, and for the GPU's build the alias that stands for onnxruntime."""
    (lock,) = inputs.locks
    runtime = _runtime_version(lock, build)
    cuda = cuda_of(lock.pins) if build is Build.GPU else None
    check = CheckConsistency(torch="", cuda=cuda)
    return venv_plan(NAME, inputs, [InstallLock(lock=lock)], check, nvrtc=None, onnxruntime=runtime)


def _runtime_version(lock: Lock, build: Build) -> str:
    pin = pin_named(lock.pins, build.package)
    assert pin is not None, f"{lock.name} pins {build.package}"
    return pin.version
