"""The cheapest repair, tried: torch 2.9.1 (CUDA 12.8) on a simulated GB10 with its NVRTC lifted to 12.9.86.

In a new environment, by the strategy's own plan and steps, and in one that a stranger made with plain venv and pip.
CUDA's other libraries are simulated, so that they are left out of both: a slim plan takes their pins out.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from scripts.environments.executor import Executor, check_torch
from scripts.environments.foreign import versions_of
from scripts.errors import ExitCode
from scripts.home import Home
from scripts.model.evidence import Report, VerdictKind
from scripts.model.plan import CheckConsistency, InstallLock, Plan, Request, Step
from scripts.model.repair import Judgement, RepairOutcome
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.repair_judging import judge_here, judge_operations, of_report
from scripts.operations.repairing import repair, undo
from scripts.place import Here, Place
from scripts.strategies.locks import without
from scripts.strategies.override import PACKAGE
from scripts.wheels.made import write_made_wheel
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import Remembering
from tests.simulated_gpu.environments import torch_environment
from tests.simulated_gpu.gpu import SimulatedGpu
from tests.support.strangers import site_of, tree

pytestmark = [pytest.mark.simulated, needs.X86, needs.COMPILER]

TORCH, OLD, LIFTED = "2.9.1", "12.8.93", "12.9.86"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("override")


@pytest.fixture(scope="module")
def context(place: Path, simulated_context: Context) -> Context:
    """A data root of its own; the simulator's cache stays the session's."""
    return Context(home=Home(place / "home"), environ=simulated_context.environ)


@pytest.fixture(scope="module")
def plan(context: Context) -> Plan:
    return make_plan(Request(strategy="nvrtc-override", torch=TORCH, sm=GB10), context).plan


def slim(plan: Plan) -> Plan:
    """Leave out what is simulated, and so the check that all of it is there: integration tests have that one."""
    steps: list[Step] = []
    for step in plan.steps:
        if isinstance(step, InstallLock) and any(pin.name == "torch" for pin in step.lock.pins):
            simulated = [pin.name for pin in step.lock.pins if pin.name.startswith(("nvidia-", "triton"))]
            assert len(simulated) > 10
            steps.append(InstallLock(lock=without(step.lock, simulated)))
        elif not isinstance(step, CheckConsistency):
            steps.append(step)
    return dataclasses.replace(plan, steps=tuple(steps), digest="slim")


def verdict_on(python: Path, context: Context, remembering: Remembering) -> Report:
    cache = Context().home.cache / "simulated-gpu"
    with SimulatedGpu(python=python, cache=cache, run=remembering(TORCH), environ=context.environ) as gpu:
        return gpu.verify()


@pytest.fixture(scope="module")
def environment(plan: Plan, context: Context) -> Path:
    executor = Executor(
        store=context.store,
        run=context.run,
        uv=context.uv,
        environ=context.uv_environ,
        uv_version="any",
        make_wheel=write_made_wheel,
        lock_descriptor=os.open(os.devnull, os.O_RDONLY),
    )
    record = executor.realise(slim(plan))
    return context.store.path(record.name)


@pytest.fixture(scope="module")
def stranger(place: Path, plan: Plan, context: Context) -> Path:
    """Made by `python -m venv`; its NVRTC comes by pip, and the rest of the plan's pins by uv, from its cache."""
    venv = place / "theirs"
    create = next(step for step in plan.steps if getattr(step, "interpreter", ""))
    interpreter = getattr(create, "interpreter", "")
    subprocess.run([interpreter, "-I", "-m", "venv", str(venv)], check=True)
    for number, step in enumerate(slim(plan).steps):
        if isinstance(step, InstallLock) and PACKAGE not in {pin.name for pin in step.lock.pins}:
            requirements, build = place / f"{number}.txt", place / f"{number}-build.txt"
            requirements.write_text(step.lock.text)
            build.write_text(step.lock.build_text)
            uv = [context.uv, "--no-config", "pip", "install", "--quiet", "--python", str(venv), "--no-deps"]
            building = ["--build-constraints", str(build)]
            argv = [*uv, *building, "-r", str(requirements)]
            subprocess.run(argv, check=True, env=context.uv_environ)
    pip = [str(venv / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", f"{PACKAGE}=={OLD}"], check=True)
    return venv


def test_the_plan_lifts_the_nvrtc_alone(plan: Plan) -> None:
    assert (plan.torch.partition("+")[0], plan.cuda, plan.nvrtc) == (TORCH, "12.8", LIFTED)
    pins = {pin.name: pin.version for step in plan.steps if isinstance(step, InstallLock) for pin in step.lock.pins}
    assert pins[PACKAGE] == LIFTED
    assert all(pins[name].startswith("12.8.") for name in ("nvidia-cuda-runtime-cu12", "nvidia-cuda-cupti-cu12"))
    last = plan.steps[-1]
    assert isinstance(last, CheckConsistency)
    assert last.lifted == (PACKAGE,)


def test_a_new_environment_needs_no_patch(environment: Path, context: Context, remembering: Remembering) -> None:
    """With its own NVRTC the same torch needs it: tests/simulated_gpu/test_verify.py."""
    check_torch(CheckConsistency(torch=TORCH, cuda="12.8"), environment)
    report = verdict_on(environment / "bin" / "python", context, remembering)
    reasons = "\n".join(reason.text for reason in report.verdict.reasons)
    assert (report.verdict.kind, report.verdict.simulated) == (VerdictKind.NOT_NEEDED, True), reasons


def test_an_environment_without_kokoro_is_judged_by_its_operations(
    environment: Path, context: Context, remembering: Remembering, simulated_context: Context
) -> None:
    """The same torch, with the NVRTC that it pins and with the lifted one."""
    own = torch_environment(TORCH, context=simulated_context)
    found = []
    for python in (own, environment / "bin" / "python"):
        cache = simulated_context.home.cache / "simulated-gpu"
        with SimulatedGpu(python=python, cache=cache, run=remembering(TORCH), environ=context.environ) as gpu:
            here = Here(python=gpu.python, run=gpu.gpu.run)
            found.append(judge_operations(here, GB10, dataclasses.replace(context, environ=gpu.environ)))
    assert [one.kind for one in found] == [VerdictKind.NEEDED, VerdictKind.NOT_NEEDED], found
    assert found[1].is_better_than(found[0])
    assert all(one.simulated and one.device == "NVIDIA GB10" for one in found)
    assert "complex abs fails on the GPU (unknown-architecture)" in "\n".join(found[0].reasons)


def test_a_strangers_environment_is_repaired_and_undone_byte_for_byte(
    stranger: Path, context: Context, remembering: Remembering
) -> None:
    seen: list[Judgement] = []

    def judge(where: Place, target: ComputeCapability, given: Context) -> Judgement:
        seen.append(of_report(verdict_on(where.python, given, remembering)))
        return seen[-1]

    before = tree(stranger)
    done = repair(str(stranger), context, target=GB10, judge=judge)
    assert [one.kind for one in seen] == [VerdictKind.NEEDED, VerdictKind.NOT_NEEDED], seen
    assert all(one.simulated for one in seen)
    assert (done.outcome, done.version, done.lifted) == (RepairOutcome.REPAIRED, OLD, LIFTED)
    assert done.exit_code is ExitCode.OK
    assert versions_of(site_of(stranger), PACKAGE) == (LIFTED,)
    undo(str(stranger), context)
    assert tree(stranger) == before


def test_without_a_gpu_it_is_repaired_by_prediction(stranger: Path, context: Context, remembering: Remembering) -> None:
    """By the real NVRTCs, asked through the torch that loads them. The rest of CUDA are stand-ins: no device."""

    def judge(where: Place, target: ComputeCapability, given: Context) -> Judgement:
        cache = Context().home.cache / "simulated-gpu"
        simulated = SimulatedGpu(
            python=where.python, cache=cache, devices=0, run=remembering(TORCH), environ=given.environ
        )
        with simulated as gpu:
            assert not given.facts.gpu.gpus, "a real one would be asked"
            here = Here(python=gpu.python, run=gpu.gpu.run)
            return judge_here(here, target, dataclasses.replace(given, environ=gpu.environ))

    before = tree(stranger)
    done = repair(str(stranger), context, target=GB10, judge=judge)
    assert done.before is not None
    assert done.after is not None
    assert (done.before.kind, done.before.prediction) == (VerdictKind.UNDECIDED, VerdictKind.NEEDED)
    assert (done.after.kind, done.after.prediction) == (VerdictKind.UNDECIDED, VerdictKind.NOT_NEEDED)
    assert done.outcome is RepairOutcome.REPAIRED
    undo(str(stranger), context)
    assert tree(stranger) == before
