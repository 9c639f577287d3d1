"""What the tables say of a plan before anything of it is downloaded. Pure."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from scripts.model.evidence import Prediction
from scripts.model.plan import InstallLock, InstallWheel, Plan
from scripts.model.target import ComputeCapability
from scripts.model.wheels import CudaBuild
from scripts.strategies.locks import pin_named
from scripts.verification.foresee import WheelEvidence, foresee_verdict
from scripts.wheels.measured import MeasuredTable, MeasuredWheel, find_measured
from scripts.wheels.nvrtc import NvrtcTable


def foresee_plan(
    plan: Plan, measured: MeasuredTable, nvrtc: NvrtcTable, capability: ComputeCapability
) -> Prediction | None:
    """Predict what the verdict on an environment of this plan would be; None: there is no torch to predict for.

    A CPU-only torch is `not-applicable`.
    """
    if not plan.torch or (plan.image is not None and not plan.cuda):
        return None
    filename = _filename(plan)
    build = CudaBuild(
        torch=plan.torch, cuda=plan.cuda, nvrtc=plan.nvrtc, nvrtc_package=None, triton=None, requirements=()
    )
    evidence = WheelEvidence(
        build=build,
        filename=filename,
        measured=_measured(plan, filename, measured),
        unread="nobody measured this build",
    )
    return foresee_verdict(evidence, nvrtc, capability)


def _measured(plan: Plan, filename: str, table: MeasuredTable) -> MeasuredWheel | None:
    """Find the row of the torch that the plan installs: by one of its hashes, else of the same build."""
    pins = [pin for step in plan.steps if isinstance(step, InstallLock) for pin in step.lock.pins]
    wheels = [step.sha256 for step in plan.steps if isinstance(step, InstallWheel) and step.name == "torch"]
    torch = pin_named(pins, "torch")
    hashes = [*wheels, *(one.removeprefix("sha256:") for one in (torch.hashes if torch else ()))]
    found = (find_measured(table, filename, one, plan.cuda) for one in hashes)
    rows = [row for row in found if row is not None and str(plan.architecture) in row.file]
    return rows[0] if rows else find_measured(table, filename, None, plan.cuda)


def _filename(plan: Plan) -> str:
    """Name the wheel as its kind is named; a lock tells no file's name."""
    try:
        version = Version(plan.torch).public
    except InvalidVersion:
        version = "0"
    tag = plan.python.tag
    return f"torch-{version}-{tag}-{tag}-manylinux_2_28_{plan.architecture}.whl"
