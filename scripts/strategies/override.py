"""`nvrtc-override`: a torch of CUDA 12 whose device code runs on the GPU, with a newer NVRTC than it pins. Pure.

The Jiterator of such a torch asks an NVRTC that does not know the GPU. NVRTC 12.9 has the library name and the
interface of 12.8, so it alone is lifted, and everything else of CUDA stays as torch pins it.
"""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version

from scripts.errors import NoCandidateError, UsageError
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, Lock, Pin, Request
from scripts.model.target import Architecture, ComputeCapability, Target
from scripts.model.wheels import Lane
from scripts.strategies.base import TorchSource
from scripts.strategies.cuda import CudaWheels
from scripts.strategies.locks import NVRTC_NAMES, OVERRIDE, cuda_of, pin_named
from scripts.wheels.devicecode import runs_on
from scripts.wheels.measured import MeasuredTable, MeasuredWheel, find_measured
from scripts.wheels.nvrtc import NvrtcTable, look_up

LANE = "cu128"
"""The lane of the newest CUDA 12 builds whose NVRTC does not know 12.1."""
PACKAGE = "nvidia-cuda-nvrtc-cu12"
DEFAULT_TORCH = "2.9.1"
"""What is taken from the default index, whose x86_64 builds of 2.8 to 2.10 are cu128: the one that was tried with the
lifted NVRTC (docs/testing.md). Its aarch64 builds of those are CPU-only."""

_OTHERS = "choose another with --torch, or a build that needs no lifting: --strategy cu129, cu130 or pypi"


@dataclass(frozen=True)
class NvrtcOverride:
    """The lane's torch, its NVRTC lifted."""

    lane: Lane

    @property
    def name(self) -> str:
        """`nvrtc-override`."""
        return OVERRIDE

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform, as of the lane."""
        return CudaWheels(self.lane).blockers(facts, target)

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """GPU and driver, as of the lane."""
        return CudaWheels(self.lane).reservations(facts)

    def lane_source(self, request: Request) -> TorchSource:
        """Name the lane, or the mirror that `--index` names. Raises UsageError for options of other strategies."""
        if request.nightly or request.source is not None:
            option, right = ("--nightly", "cu130") if request.nightly else ("--source", "cpu")
            raise UsageError(
                f"{option} is not for strategy {self.name}",
                reference="option-not-for-strategy",
                hint=f"leave it out, or name a strategy that takes it, e.g. --strategy {right}",
            )
        return TorchSource(
            name=self.lane.name,
            index=request.index or self.lane.index,
            lane_cuda=self.lane.cuda,
            cuda_required=True,
            mirrored=request.index is not None,
        )

    def default_source(self, request: Request, target: Target) -> TorchSource | None:
        """Name the default index, for where the lane cannot be reached; None: it has no such builds."""
        if request.index or target.architecture is not Architecture.X86_64:
            return None
        return TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=True)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What was measured of torch's device code and of NVRTCs."""

    measured: MeasuredTable
    nvrtc: NvrtcTable


def require_use(lane: Lane, lifted: Pin, capability: ComputeCapability, table: NvrtcTable) -> None:
    """Refuse, by what is known of the lane alone, a GPU that its NVRTC knows, or that the lifted one does not.

    Raises NoCandidateError.
    """
    if lane.nvrtc is not None:
        _require_ignorance(lane.nvrtc, f"lane {lane.name}", capability, table)
    if look_up(table, lifted.version, capability).compiles is False:
        raise NoCandidateError(
            f"NVRTC {lifted.version} does not know {capability.sm} either",
            context=look_up(table, lifted.version, capability).how,
            reference="lifted-too-old",
            hint="choose a build with a newer NVRTC: --strategy pypi or cu132",
        )


def require_liftable(lock: Lock, target: Target, capability: ComputeCapability, tables: Tables) -> Pin:
    """Give the NVRTC pin of a torch that is worth lifting. Raises NoCandidateError, with the reason, for another.

    Nothing of it was downloaded yet. What nobody measured is no reason against it.
    """
    torch, pin = pin_named(lock.pins, "torch"), pin_named(lock.pins, *NVRTC_NAMES)
    named = f"torch {torch.version if torch else ''}"
    if pin is None:
        raise NoCandidateError(
            f"{named} pins no NVRTC: it brings that of CUDA {cuda_of(lock.pins)} inside its own wheel",
            context="there is no package to be lifted",
            reference="nvrtc-inside",
            hint=_OTHERS,
        )
    if pin.name != PACKAGE:
        raise NoCandidateError(
            f"{named} is no build of CUDA 12: it pins {pin.name} {pin.version}",
            context=f"an NVRTC is found by a name that holds CUDA's major version, and {PACKAGE} is lifted",
            reference="not-cuda-12",
            hint=f"name a build of CUDA 12 (--torch {DEFAULT_TORCH}), or use this one as it is: --strategy pypi",
        )
    _require_ignorance(pin.version, named, capability, tables.nvrtc)
    _require_device_code(lock, target, capability, tables.measured)
    return pin


def _require_ignorance(version: str, whose: str, capability: ComputeCapability, table: NvrtcTable) -> None:
    answer = look_up(table, version, capability)
    if answer.compiles:
        raise NoCandidateError(
            f"there is nothing to lift: NVRTC {version} of {whose} compiles for {capability.sm}",
            context=answer.how,
            reference="nothing-to-lift",
            hint=f"use it as it is: --strategy {LANE}, or a newer one",
        )


def _require_device_code(lock: Lock, target: Target, capability: ComputeCapability, table: MeasuredTable) -> None:
    wheel = _measured(lock, target, table)
    if wheel is None or wheel.main is None or runs_on(wheel.main, capability).runs:
        return
    raise NoCandidateError(
        f"{wheel.file} has no kernel image for {capability}: neither a cubin that runs there nor PTX",
        context=f"its {wheel.main.library} holds {' '.join((*wheel.main.cubins, *wheel.main.ptx))} "
        f"(measured {wheel.measured}); another NVRTC makes none of it run",
        reference="no-device-code",
        hint=f"choose a newer torch: --torch {DEFAULT_TORCH}",
    )


def _measured(lock: Lock, target: Target, table: MeasuredTable) -> MeasuredWheel | None:
    """Find what was measured of the torch that a lock pins: by one of its hashes, else of the same build."""
    torch = pin_named(lock.pins, "torch")
    if torch is None:
        return None
    tag = f"{target.python.tag}-{target.python.tag}-manylinux_2_28_{target.architecture}"
    filename = f"torch-{Version(torch.version).public}-{tag}.whl"
    hashes = [one.removeprefix("sha256:") for one in torch.hashes]
    cuda = cuda_of(lock.pins)
    found = (find_measured(table, filename, one, cuda) for one in (*hashes, None))
    return next((wheel for wheel in found if wheel is not None), None)
