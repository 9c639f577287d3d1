"""What is known of NVRTC versions without having them here. Data is in constraints/nvrtc.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from scripts.model.target import ComputeCapability
from scripts.serial import from_data
from scripts.wheels.tables import read_toml


@dataclass(frozen=True, kw_only=True)
class NvrtcRow:
    """Versions that were measured to compile for the same architectures (`sm_121`)."""

    versions: tuple[str, ...]
    knows: tuple[str, ...]
    refuses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NvrtcTable:
    """What was measured, when and how."""

    measured: str
    how: str
    nvrtc: tuple[NvrtcRow, ...]


def load_nvrtc(path: Path) -> NvrtcTable:
    """Read constraints/nvrtc.toml. Raises IntegrityError where it is missing or not of that shape."""
    return from_data(NvrtcTable, read_toml(path), what=str(path))


def knows(table: NvrtcTable, nvrtc_version: str, capability: ComputeCapability) -> bool | None:
    """Tell whether an NVRTC compiles for a capability; None: nobody measured it.

    A version between two measured ones that agree is taken to agree with them: architectures are added once, in a
    release. Beyond the oldest and the newest measured version nothing is claimed.
    """
    try:
        wanted = Version(nvrtc_version)
    except InvalidVersion:
        return None
    measured = [
        (Version(version), capability.sm in row.knows)
        for row in table.nvrtc
        for version in row.versions
        if capability.sm in row.knows + row.refuses
    ]
    below = max((one for one in measured if one[0] <= wanted), default=None)
    above = min((one for one in measured if one[0] >= wanted), default=None)
    if below is None or above is None or below[1] != above[1]:
        return None
    return below[1]
