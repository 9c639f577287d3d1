"""The plan: its steps in order, and a digest over what decides the content and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from scripts.errors import IntegrityError
from scripts.model.facts import Interpreter
from scripts.model.plan import CheckConsistency, CreateVenv, InstallLock, InstallMade, Lock
from scripts.model.target import Architecture
from scripts.strategies.assembly import assemble
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.locks import make_lock
from tests.support.machines import PC_TARGET, SPARK_TARGET, interpreter

H = "--hash=sha256:" + "a" * 64
TORCH = f"torch==2.15.0 {H}\nnvidia-cuda-nvrtc==13.2.86 {H}\n"
REST = f"kokoro==0.9.4 {H}\ndocopt==0.6.2 {H}\n"
SOURCE = TorchSource(name="cu132", index="https://lane.example/whl/cu132", lane_cuda="13.2", cuda_required=True)


def torch_lock(text: str = TORCH, *, name: str = "constraints/cu132.txt", index: str | None = SOURCE.index) -> Lock:
    return make_lock(name, text, index=index)


def rest_lock(text: str = REST, build: str = "") -> Lock:
    return make_lock("constraints/kokoro.txt", text, index=None, build_text=build)


def inputs(**changes: Any) -> PlanInputs:
    values: dict[str, Any] = {
        "source": SOURCE,
        "target": PC_TARGET,
        "interpreter": interpreter("3.12.3"),
        "locks": (torch_lock(), rest_lock()),
        "made": (("kokoro_spark", "0.1.0", "1" * 64),),
        **changes,
    }
    return PlanInputs(**values)


def digest(strategy: str = "cu132", **changes: Any) -> str:
    return assemble(strategy, inputs(**changes)).digest


def test_plan() -> None:
    plan = assemble("cu132", inputs(notes=("a note",)))
    assert (plan.torch, plan.cuda, plan.nvrtc, plan.source) == ("2.15.0", "13.2", "13.2.86", "cu132")
    assert plan.environment == f"cu132-{plan.digest}"
    assert len(plan.digest) == 12
    assert plan.notes == ("a note",)
    assert plan.steps == (
        CreateVenv(interpreter="/usr/bin/python3.12", python="3.12.3"),
        InstallLock(lock=torch_lock()),
        InstallLock(lock=rest_lock()),
        InstallMade(name="kokoro_spark", version="0.1.0", sha256="1" * 64),
        CheckConsistency(torch="2.15.0", cuda="13.2"),
    )


def test_a_plan_for_another_machine_names_no_interpreter() -> None:
    plan = assemble("cu132", inputs(target=SPARK_TARGET, interpreter=None))
    assert plan.architecture is Architecture.AARCH64
    assert plan.steps[0] == CreateVenv(interpreter="", python="3.12")


def test_a_cpu_build() -> None:
    plan = assemble("cpu", inputs(locks=(torch_lock(f"torch==2.15.0+cpu {H}\n"), rest_lock())))
    assert (plan.cuda, plan.nvrtc) == (None, None)


def test_a_plan_without_torch_is_refused() -> None:
    with pytest.raises(IntegrityError, match="no lock of this plan pins torch") as caught:
        assemble("cu132", inputs(locks=(rest_lock(),)))
    assert "constraints/kokoro.txt" in caught.value.context


SAME: dict[str, dict[str, Any]] = {
    "the index": {"locks": (torch_lock(index="https://mirror.example/whl/cu132"), rest_lock())},
    "where the lock came from": {"locks": (torch_lock(name="resolved at plan time"), rest_lock())},
    "the interpreter's path": {
        "interpreter": Interpreter(
            path="/opt/python", version="3.12.3", implementation="cpython", architecture="x86_64"
        )
    },
    "a mirror": {"source": dataclasses.replace(SOURCE, index="https://mirror.example", mirrored=True)},
    "notes": {"notes": ("another",)},
}

OTHER: dict[str, dict[str, Any]] = {
    "torch's hash": {"locks": (torch_lock(TORCH.replace("a" * 64, "b" * 64, 1)), rest_lock())},
    "torch's version": {"locks": (torch_lock(TORCH.replace("2.15.0", "2.14.1")), rest_lock())},
    "the rest": {"locks": (torch_lock(), rest_lock(REST.replace("0.9.4", "0.9.3")))},
    "build requirements": {"locks": (torch_lock(), rest_lock(build=f"setuptools==84 {H}\n"))},
    "the order": {"locks": (rest_lock(), torch_lock())},
    "Python's patch version": {"interpreter": interpreter("3.12.4")},
    "our wheel's content": {"made": (("kokoro_spark", "0.1.0", "2" * 64),)},
    "our wheel's version": {"made": (("kokoro_spark", "0.2.0", "1" * 64),)},
    "the platform": {"target": SPARK_TARGET},
    "the source": {"source": dataclasses.replace(SOURCE, name="cu130")},
}


@pytest.mark.parametrize("what", SAME)
def test_the_digest_stays(what: str) -> None:
    assert digest(**SAME[what]) == digest()


@pytest.mark.parametrize("what", OTHER)
def test_the_digest_changes(what: str) -> None:
    assert digest(**OTHER[what]) != digest()


def test_the_digest_names_the_strategy() -> None:
    assert digest("cpu") != digest("cu132")


def test_all_digests_differ() -> None:
    found = [digest(), digest("cpu"), *(digest(**changes) for changes in OTHER.values())]
    assert len(set(found)) == len(found)
