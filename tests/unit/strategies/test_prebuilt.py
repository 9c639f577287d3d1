"""`prebuilt` as a strategy: what stands against it, which options belong to it, what its plan is made of."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from scripts.errors import ExitCode, NoCandidateError, UsageError
from scripts.model.facts import Facts, GpuFacts
from scripts.model.plan import CheckConsistency, CreateVenv, InstallLock, InstallMade, InstallWheel, Lock, Plan, Request
from scripts.strategies.base import PlanInputs, Strategy, TorchSource, TorchStrategy
from scripts.strategies.locks import make_lock
from scripts.strategies.prebuilt import PrebuiltWheel, assemble_around, require_wheel
from tests.support.machines import MUSL, OLD_GLIBC, PC, PC_TARGET, SPARK, SPARK_TARGET, interpreter

H = "--hash=sha256:" + "a" * 64
SHA256 = "5" * 64
REQUIRED = make_lock("required by torch.whl", f"nvidia-cuda-nvrtc==13.2.86 {H}\n", index=None)
REST = make_lock("constraints/kokoro.txt", f"kokoro==0.9.4 {H}\n", index=None)
WHEEL = InstallWheel(name="torch", version="2.15.0", filename="torch-2.15.0.whl", sha256=SHA256, path="/w/torch.whl")


def made(wheel: InstallWheel = WHEEL, required: tuple[Lock, ...] = (REQUIRED,), **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "source": TorchSource(name="a wheel", index=None, lane_cuda=None, cuda_required=True),
        "target": PC_TARGET,
        "interpreter": interpreter("3.12.3"),
        "locks": (REST,),
        "made": (("kokoro_spark", "0.1.0", "1" * 64),),
        "notes": ("a note",),
        **changes,
    }
    return assemble_around(wheel, "13.2", "13.2.1", required, PlanInputs(**values))


def test_it_takes_no_torch_from_an_index() -> None:
    strategy: Strategy = PrebuiltWheel()
    assert strategy.name == "prebuilt"
    assert not isinstance(strategy, TorchStrategy)


@pytest.mark.parametrize("facts", [MUSL, OLD_GLIBC])
def test_what_no_wheel_runs_on_stands_against_it(facts: Facts) -> None:
    target = dataclasses.replace(PC_TARGET, glibc=(2, 17))
    assert PrebuiltWheel().blockers(facts, target)
    assert PrebuiltWheel().blockers(SPARK, SPARK_TARGET) == ()


def test_it_is_for_a_gpu() -> None:
    assert PrebuiltWheel().reservations(SPARK) == ()
    assert "no NVIDIA GPU" in PrebuiltWheel().reservations(PC)[0].reason
    broken = dataclasses.replace(PC, gpu=GpuFacts(problem="the driver does not answer"))
    assert PrebuiltWheel().reservations(broken)[0].reason == "the driver does not answer"


@pytest.mark.parametrize("strategy", ["auto", "prebuilt"])
@pytest.mark.parametrize("sha256", [None, SHA256, SHA256.upper()])
def test_a_wheel_and_its_hash(strategy: str, sha256: str | None) -> None:
    assert require_wheel(Request(strategy=strategy, wheel=" x.whl ", sha256=sha256)) == "x.whl"


@pytest.mark.parametrize("sha256", ["", "5" * 63, "g" * 64, f"sha256:{SHA256}"])
def test_what_is_no_hash(sha256: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_wheel(Request(strategy="prebuilt", wheel="x.whl", sha256=sha256))
    assert caught.value.reference == "bad-hash"


@pytest.mark.parametrize("strategy", ["auto", "prebuilt"])
def test_a_hash_of_no_wheel(strategy: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_wheel(Request(strategy=strategy, sha256=SHA256))
    assert caught.value.reference == "no-wheel-named"


def test_auto_passes_over_it_without_a_wheel() -> None:
    with pytest.raises(NoCandidateError) as caught:
        require_wheel(Request())
    assert (caught.value.message, caught.value.reference) == ("no wheel is named", "no-wheel-named")
    assert "--wheel" in caught.value.hint


@pytest.mark.parametrize("wheel", [None, "", "  "])
def test_asked_for_by_name_it_must_be_given_one(wheel: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        require_wheel(Request(strategy="prebuilt", wheel=wheel))
    assert (caught.value.exit_code, caught.value.reference) == (ExitCode.USAGE, "no-wheel-named")


def test_source_is_not_for_it() -> None:
    with pytest.raises(UsageError) as caught:
        require_wheel(Request(strategy="prebuilt", wheel="x.whl", source="default"))
    assert caught.value.reference == "option-not-for-strategy"


def test_the_wheel_comes_first_and_everything_else_around_it() -> None:
    plan = made()
    assert plan.steps == (
        CreateVenv(interpreter="/usr/bin/python3.12", python="3.12.3"),
        WHEEL,
        InstallLock(lock=REQUIRED),
        InstallLock(lock=REST),
        InstallMade(name="kokoro_spark", version="0.1.0", sha256="1" * 64),
        CheckConsistency(torch="2.15.0", cuda="13.2"),
    )
    assert (plan.strategy, plan.torch, plan.cuda, plan.nvrtc) == ("prebuilt", "2.15.0", "13.2", "13.2.86")
    assert plan.environment == f"prebuilt-{plan.digest}"
    assert plan.notes == ("a note",)


def test_a_wheel_that_brings_its_own_nvrtc() -> None:
    assert made(required=()).nvrtc == "13.2.1"


def test_where_the_wheel_lies_is_no_part_of_the_digest() -> None:
    assert made(dataclasses.replace(WHEEL, path="/elsewhere/torch.whl")).digest == made().digest
    assert made(notes=()).digest == made().digest
    assert made(interpreter=None).steps[0] == CreateVenv(interpreter="", python="3.12")


@pytest.mark.parametrize("changes", [{"sha256": "6" * 64}, {"version": "2.15.1"}, {"filename": "torch-2.15.0-1.whl"}])
def test_what_the_wheel_is_is(changes: dict[str, str]) -> None:
    assert made(dataclasses.replace(WHEEL, **changes)).digest != made().digest


def test_what_it_requires_is_too() -> None:
    assert made(required=()).digest != made().digest
