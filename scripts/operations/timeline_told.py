"""What the timeline knows beforehand, and what it tells of builds without a wheel of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename

from scripts.model.evidence import VerdictKind
from scripts.model.target import ComputeCapability
from scripts.model.timeline import Container, TimelineData, UnreadRow
from scripts.model.wheels import Lane
from scripts.operations.context import Context
from scripts.operations.predicting import Tables, load_tables
from scripts.serial import from_data
from scripts.verification.predict import from_table
from scripts.wheels.devicecode import runs_on
from scripts.wheels.drivers import DriverTable, load_drivers, lowest_driver
from scripts.wheels.nvrtc import look_up
from scripts.wheels.tables import read_toml
from scripts.wheels.triton import TritonTable, assembles, load_triton


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was measured or read beforehand."""

    data: TimelineData
    wheels: Tables
    drivers: DriverTable
    triton: TritonTable

    def driver(self, cuda: str | None) -> str | None:
        """Give the lowest driver for a CUDA; None: a CPU-only build, or not known."""
        return None if cuda is None else lowest_driver(self.drivers, cuda)

    def assembles(self, triton: str | None, capability: ComputeCapability) -> bool | None:
        """Would a Triton assemble for a GPU? None: there is no Triton, or nobody measured it."""
        return None if triton is None else assembles(self.triton, triton, capability)


def load_known(context: Context) -> Known:
    """Read every table. Raises IntegrityError where one is missing or not of its shape."""
    folder = context.constraints
    return Known(
        data=load_data(folder / "timeline.toml"),
        wheels=load_tables(context),
        drivers=load_drivers(folder / "drivers.toml"),
        triton=load_triton(folder / "triton.toml"),
    )


def load_data(path: Path) -> TimelineData:
    """Read constraints/timeline.toml. Raises IntegrityError where it is missing or not of that shape."""
    return from_data(TimelineData, read_toml(path), what=str(path))


def tell_lane(known: Known, lane: Lane, capability: ComputeCapability, source: str) -> UnreadRow:
    """Tell of a lane by its CUDA: as measured wheels of the same CUDA do, else by its NVRTC alone."""
    assert lane.nvrtc is not None
    kind, _ = from_table(lane.nvrtc, look_up(known.wheels.nvrtc, lane.nvrtc, capability), capability)
    by = f"NVRTC {lane.nvrtc} alone"
    alike = [wheel for wheel in known.wheels.measured.wheels if wheel.cuda == lane.cuda and wheel.main is not None]
    if alike and not any(runs_on(wheel.main, capability).runs for wheel in alike if wheel.main is not None):
        kind = VerdictKind.BROKEN
        names = dict.fromkeys(str(parse_wheel_filename(wheel.file)[1]) for wheel in alike)
        by = f"the device code of torch {', '.join(names)} of the same CUDA on the default index"
    return UnreadRow(
        name=lane.name,
        torch=lane.torch,
        cuda=lane.cuda,
        nvrtc=lane.nvrtc,
        driver=known.driver(lane.cuda),
        platforms=lane.platforms,
        verdict=kind,
        by=by,
        source=source,
    )


def tell_container(known: Known, one: Container, capability: ComputeCapability) -> UnreadRow:
    """Tell of a container by its CUDA."""
    kind, _ = from_table(one.cuda, look_up(known.wheels.nvrtc, one.cuda, capability), capability)
    return UnreadRow(
        name=one.release,
        torch=one.torch,
        cuda=one.cuda,
        nvrtc=None,
        driver=None,
        platforms=one.platforms,
        verdict=kind,
        by=f"the NVRTC of CUDA {one.cuda} alone",
        source=f"read {one.read}: {one.source}",
    )
