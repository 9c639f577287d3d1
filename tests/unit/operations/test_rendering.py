"""Plans, results and listings as lines."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from scripts.model.climb import Climb, Cost, Machine, Rung, RungState
from scripts.model.plan import Blocker, InstallLock
from scripts.operations.environments import listing
from scripts.operations.planning import Planned
from scripts.operations.rendering import listing_rows, plan_lines, setup_lines
from scripts.operations.setup import SetupResult
from scripts.strategies.ladder import NOT_ALLOWED
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import STEPS, TORCH_LOCK, plan, put, record

COST = Cost(download=3_400_000_000, disk=5_300_000_000, minutes=2, basis="estimated: by a test")
REASONS = (Blocker(reason="too new"), Blocker(reason="too far"))


def rung(strategy: str, state: RungState, **said: Any) -> Rung:
    return Rung(strategy=strategy, state=state, cost=COST, **said)


FORESEEN = Climb(
    machine=Machine.GB10,
    driver="580.95.05",
    devices=("NVIDIA GB10, 12.1",),
    rungs=(
        rung("cu132", RungState.REFUSED, reasons=REASONS),
        rung("cu130", RungState.NEXT, environment="cu130-0123456789ab"),
        rung("cu129", RungState.NOT_REACHED),
        rung("cpu", RungState.REFUSED, reasons=(NOT_ALLOWED,)),
    ),
)
CLIMBED = Climb(
    machine=Machine.GB10,
    devices=("NVIDIA GB10, 12.1",),
    rungs=(
        rung("cu132", RungState.FAILED, reasons=REASONS, verdict="broken"),
        rung("cu130", RungState.CHOSEN, environment="cu130-0123456789ab", verdict="simulated not-needed"),
        rung("cu129", RungState.NOT_REACHED),
        rung("cpu", RungState.NOT_REACHED),
    ),
)


def test_a_plan() -> None:
    assert plan_lines(Planned(plan=plan(notes=("a note",)), climb=FORESEEN, for_this_machine=False)) == [
        "the ladder for a GB10 (NVIDIA GB10, 12.1, driver 580.95.05):",
        "  cu132: refused: too new; too far",
        "  cu130: would be tried; 3.4 GB to download, 5.3 GB on disk, about 2 min (estimated: by a test)",
        "  cu129: only if those above fail; 3.4 GB to download, 5.3 GB on disk, about 2 min (estimated: by a test)",
        "  cpu: refused: there is a GPU here, and the CPU was neither asked for nor allowed",
        "plan: environment cu130-0123456789ab",
        "  torch 2.15.0 from cu130 (CUDA 13.0, NVRTC 13.0.88), Python 3.12, x86_64",
        "  1. create a venv of Python 3.12.3 (/usr/bin/python3.12)",
        "  2. install 2 packages pinned by constraints/cu130-x86_64-cp312.txt from https://lane.example/whl/cu130",
        "  3. install 1 packages pinned by constraints/kokoro-x86_64-cp312.txt from the default index",
        "  4. install kokoro_spark 0.1.0, made here",
        "  5. check that everything fits together and torch is 2.15.0 (CUDA 13.0)",
        "note: a note",
        "note: this plan is for x86_64; it cannot be carried out on this machine",
    ]


def test_a_plan_that_is_resolved_now_says_so() -> None:
    lock = dataclasses.replace(TORCH_LOCK, name="resolved at plan time", index=None)
    lines = plan_lines(Planned(plan=plan(steps=(STEPS[0], InstallLock(lock=lock)))))
    assert "  2. install 2 packages, resolved at plan time, from the default index" in lines


def test_a_plan_shows_no_credentials() -> None:
    lock = dataclasses.replace(TORCH_LOCK, index="https://me:secret@mirror.example/whl/cu130")
    given = plan(steps=(STEPS[0], InstallLock(lock=lock)), notes=("index https://me:secret@host",))
    assert not any("secret" in line for line in plan_lines(Planned(plan=given)))


def test_a_cpu_build_has_no_cuda() -> None:
    lines = plan_lines(Planned(plan=plan(strategy="cpu", cuda=None, nvrtc=None)))
    assert "  torch 2.15.0 from cu130 (CPU-only build), Python 3.12, x86_64" in lines


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"strategy": "onnx", "source": "pypi", "torch": "", "onnxruntime": "1.31.1", "nvrtc": None},
            "  ONNX Runtime 1.31.1 from pypi (CUDA 13.0), Python 3.12, x86_64",
        ),
        (
            {"strategy": "onnx", "source": "pypi", "torch": "", "onnxruntime": "1.31.1", "cuda": None},
            "  ONNX Runtime 1.31.1 from pypi (for the CPU), Python 3.12, x86_64",
        ),
        (
            {"strategy": "ngc", "torch": "2.10.0a0", "cuda": "13.1", "nvrtc": None, "image": "registry/pytorch:25.12"},
            "  torch 2.10.0a0, CUDA 13.1, in a container of registry/pytorch:25.12, Python 3.12, x86_64",
        ),
        (
            {"strategy": "ngc", "torch": "", "cuda": "", "nvrtc": None, "image": "r/pytorch:mine"},
            "  a torch that is known once it is here, CUDA, in a container of r/pytorch:mine, Python 3.12, x86_64",
        ),
    ],
)
def test_what_runs_kokoro(changes: dict[str, Any], line: str) -> None:
    assert line in plan_lines(Planned(plan=plan(**changes)))


def result(**changes: Any) -> SetupResult:
    values: dict[str, Any] = {
        "environment": "cu130-0123456789ab",
        "plan": plan(),
        "refusals": (),
        "reused": False,
        "weights": "registry-1234",
        "prediction": "not-needed",
        "predicted_for": "12.1",
        "current": True,
        "notes": (),
        **changes,
    }
    return SetupResult(**values)


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        ({}, "environment cu130-0123456789ab: ready", "found as it was"),
        ({}, "  predicted for compute capability 12.1, not verified: not-needed", "NOT"),
        ({}, "  weights: registry-1234", "the ladder"),
        ({}, "`invoke say", "note:"),
        ({"reused": True}, "environment cu130-0123456789ab: ready, found as it was", "NOT"),
        ({"weights": None}, "it is now current", "`invoke say"),
        ({"prediction": None, "predicted_for": None}, "it is now current", "predicted"),
        ({"current": False, "withheld": "it is bad"}, "it is NOT made current: it is bad; ", "it is now current"),
        ({"climb": CLIMBED}, "  cu132: failed, judged broken: too new; too far", "NOT"),
        ({"climb": CLIMBED}, "  cu130: chosen, judged simulated not-needed", "only if"),
        ({"climb": CLIMBED}, "  cu129, cpu: not reached", "GB to download"),
        ({"verdict": "simulated needed"}, "last judged here: simulated needed", "predicted"),
        ({"notes": ("from https://me:secret@host",)}, "note: from https://****@host", "secret"),
    ],
)
def test_a_result(changes: dict[str, Any], there: str, not_there: str) -> None:
    text = "\n".join(setup_lines(result(**changes)))
    assert there in text
    assert not_there not in text


def test_a_listing(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    put(given.store, record("cpu-1", plan=plan(cuda=None), verdict="not-applicable", weights="synthetic"))
    put(given.store, record("cu130-2", prediction="needed"))
    given.store.write(record("cu130-3", state="failed", reason="no space"))
    given.store.write(record("cu130-4"))
    (given.home.environments / "mine").mkdir()
    given.store.use("cu130-2")
    assert listing_rows(listing(given)) == [
        ("", "cpu-1", "ready", "2.15.0", "-", "3.12", "synthetic", "not-applicable"),
        ("*", "cu130-2", "ready", "2.15.0", "13.0", "3.12", "-", "predicted needed"),
        ("", "cu130-3", "failed: no space", "2.15.0", "13.0", "3.12", "-", "-"),
        ("", "cu130-4", "unusable: its interpreter bin/python is gone", "2.15.0", "13.0", "3.12", "-", "-"),
        ("", "mine", "unreadable: mine has no record", "", "-", "", "-", "-"),
    ]
