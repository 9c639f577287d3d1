"""What the tables say of a plan before anything of it is downloaded."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.home import CONSTRAINTS
from scripts.model.evidence import VerdictKind
from scripts.model.plan import InstallLock, InstallWheel, Plan
from scripts.model.target import Architecture, ComputeCapability
from scripts.strategies.locks import make_lock
from scripts.verification.planned import foresee_plan
from scripts.wheels.measured import load_measured
from scripts.wheels.nvrtc import load_nvrtc
from tests.support.plans import H, plan

MEASURED = load_measured(CONSTRAINTS / "devicecode.toml")
NVRTC = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
NEWEST = {"torch": "2.15.0", "cuda": "13.2", "nvrtc": "13.2.86", "architecture": Architecture.AARCH64}
OLD = {"torch": "2.9.1", "cuda": "12.8", "nvrtc": "12.8.93", "architecture": Architecture.X86_64}


@pytest.mark.parametrize(
    ("said", "capability", "kind"),
    [
        (NEWEST, "12.1", VerdictKind.NOT_NEEDED),
        (NEWEST, "7.5", VerdictKind.BROKEN),
        (NEWEST | {"architecture": Architecture.X86_64}, "7.5", VerdictKind.NOT_NEEDED),
        (OLD, "12.1", VerdictKind.NEEDED),
        (OLD, "9.0", VerdictKind.NOT_NEEDED),
        (OLD | {"torch": "2.9.1+cu128"}, "12.1", VerdictKind.NEEDED),
        (OLD | {"nvrtc": "12.9.86"}, "12.1", VerdictKind.NOT_NEEDED),
        (OLD | {"torch": "2.11.0+cu128"}, "12.0", VerdictKind.UNDECIDED),
        (NEWEST | {"cuda": None, "nvrtc": None}, "12.1", VerdictKind.NOT_APPLICABLE),
        (
            NEWEST | {"image": "an image", "torch": "2.10.0a0+b4e4ee81d3", "cuda": "13.1", "nvrtc": None},
            "12.1",
            VerdictKind.UNDECIDED,
        ),
        (NEWEST | {"image": "an image", "torch": "", "cuda": "", "nvrtc": None}, "12.1", None),
        (NEWEST | {"torch": "", "onnxruntime": "1.31.1"}, "12.1", None),
        (NEWEST | {"torch": "no version"}, "12.1", VerdictKind.UNDECIDED),
    ],
)
def test_prediction(said: dict[str, Any], capability: str, kind: VerdictKind | None) -> None:
    found = foresee_plan(plan(**said), MEASURED, NVRTC, ComputeCapability.parse(capability))
    assert (None if found is None else found.kind) == kind
    assert found is None or found.reasons


def pinned(sha256: str) -> Plan:
    lock = make_lock("constraints/x.txt", f"torch==2.99.0 {H} --hash=sha256:{sha256}\n", index=None)
    return plan(**NEWEST | {"torch": "2.99.0", "steps": (InstallLock(lock=lock),)})


def of(architecture: str) -> str:
    return next(
        wheel.sha256 for wheel in MEASURED.wheels if f"2.15.0-cp312-cp312-manylinux_2_28_{architecture}" in wheel.file
    )


def test_a_wheel_is_known_by_its_hash() -> None:
    gb10 = ComputeCapability(12, 1)
    found = foresee_plan(pinned(of("aarch64")), MEASURED, NVRTC, gb10)
    assert found is not None
    assert found.kind is VerdictKind.NOT_NEEDED
    other = foresee_plan(pinned(of("x86_64")), MEASURED, NVRTC, gb10)
    assert other is not None
    assert other.kind is VerdictKind.UNDECIDED, "a lock names the wheels of every platform"
    wheel = InstallWheel(name="torch", version="2.99.0", filename="x.whl", sha256=of("aarch64"), path="x.whl")
    named = foresee_plan(plan(**NEWEST | {"torch": "2.99.0", "steps": (wheel,)}), MEASURED, NVRTC, gb10)
    assert named is not None
    assert named.kind is VerdictKind.NOT_NEEDED
