"""Which NVIDIA driver a CUDA release needs on Linux. Data is in constraints/drivers.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from scripts.serial import from_data
from scripts.wheels.tables import read_toml


@dataclass(frozen=True, kw_only=True)
class CudaFamily:
    """Every release of one major version of CUDA, `13`, and the lowest driver for any of them, `580`."""

    cuda: str
    driver: str
    read: str
    """ISO date of the reading."""
    source: str


@dataclass(frozen=True, kw_only=True)
class CudaRelease:
    """One toolkit, and the driver that it was packaged with."""

    cuda: str
    driver: str
    read: str
    source: str
    update: int = 0
    """13.0 Update 2 has 2; 0: the first release of that version."""


@dataclass(frozen=True, kw_only=True)
class DriverTable:
    """What NVIDIA says of drivers."""

    families: tuple[CudaFamily, ...]
    releases: tuple[CudaRelease, ...]


def load_drivers(path: Path) -> DriverTable:
    """Read constraints/drivers.toml. Raises IntegrityError where it is missing or not of that shape."""
    return from_data(DriverTable, read_toml(path), what=str(path))


def lowest_driver(table: DriverTable, cuda: str) -> str | None:
    """Give the lowest driver on which what was built with a CUDA release runs, `580` for `13.2`; None: not known.

    That is NVIDIA's minor-version compatibility: what needs something newer of the driver, such as the compiling of
    PTX from a newer toolkit, needs the driver of `packaged_driver`.
    """
    wanted = _version(cuda)
    if wanted is None:
        return None
    return next((one.driver for one in table.families if Version(one.cuda).major == wanted.major), None)


def packaged_driver(table: DriverTable, cuda: str) -> str | None:
    """Give the driver that the first release of a CUDA version came with, `595.45.04` for `13.2`; None: not known."""
    wanted = _version(cuda)
    if wanted is None or len(wanted.release) < 2:
        return None
    first = (one for one in table.releases if not one.update and Version(one.cuda).release == wanted.release[:2])
    return next((one.driver for one in first), None)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:  # also int's, of too many digits
        return None
