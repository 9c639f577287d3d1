"""What is known of NVRTC versions without having them here. Data is in constraints/nvrtc.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from scripts.model.target import ComputeCapability
from scripts.serial import from_data
from scripts.wheels.tables import bad_table, read_toml, toml_lines

TABLE = "constraints/nvrtc.toml"

_HEADER = """\
# Which architectures each NVRTC compiles for, as measured by the command that the row names: libnvrtc of NVIDIA's own
# package, loaded through ctypes, and a real nvrtcCompileProgram with --gpu-architecture for each, which needs no GPU
# (scripts/inside/nvrtc.py). A refusal is error 5, NVRTC_ERROR_INVALID_OPTION, "nvrtc: error: invalid value for
# --gpu-architecture (-arch)". Only what was tried is listed: of any other architecture nothing is known.
# Written by `invoke wheel.measure`.
"""


@dataclass(frozen=True, kw_only=True)
class NvrtcRow:
    """One NVRTC. `compiles` and `refuses` hold names like `sm_121`; `measured` is an ISO date."""

    version: str
    package: str
    measured: str
    how: str
    compiles: tuple[str, ...]
    refuses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NvrtcTable:
    """Every NVRTC that was measured."""

    nvrtc: tuple[NvrtcRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NvrtcAnswer:
    """Does an NVRTC compile for an architecture (None: nobody measured it), and how that is known, in words."""

    compiles: bool | None
    how: str


def load_nvrtc(path: Path) -> NvrtcTable:
    """Read constraints/nvrtc.toml. Raises IntegrityError where it is missing or not of that shape."""
    table = from_data(NvrtcTable, read_toml(path), what=str(path))
    for row in table.nvrtc:
        try:
            Version(row.version)
        except ValueError as error:
            raise bad_table(path, str(error)) from error
    return table


def look_up(table: NvrtcTable, version: str, capability: ComputeCapability) -> NvrtcAnswer:
    """Tell whether an NVRTC compiles for a capability.

    `version` is a release, `13.2.86`, or a CUDA release of which only `13.2` is known: then all of its measured
    versions must agree. A version between two measured ones that agree is taken to agree with them: architectures are
    added once, in a release. Beyond the oldest and the newest measured version nothing is claimed.
    """
    try:
        wanted = Version(version)
    except ValueError:
        return NvrtcAnswer(compiles=None, how=f"{version!r} is no version")
    rows = sorted(
        (row for row in table.nvrtc if capability.sm in row.compiles + row.refuses),
        key=lambda row: Version(row.version),
    )
    if len(wanted.release) == 2:
        return _release(rows, version, capability)
    below = [row for row in rows if Version(row.version) <= wanted][-1:]
    above = [row for row in rows if Version(row.version) >= wanted][:1]
    around = (*below, *above)
    answers = {capability.sm in row.compiles for row in around}
    if not below or not above or len(answers) > 1:
        return NvrtcAnswer(compiles=None, how=f"NVRTC {version} was never measured for {capability.sm}")
    if below == above:
        return NvrtcAnswer(compiles=answers.pop(), how=f"measured {below[0].measured}: {below[0].how}")
    names = " and ".join(row.version for row in around)
    return NvrtcAnswer(compiles=answers.pop(), how=f"not measured itself; {names} were, on either side, and agree")


def _release(rows: list[NvrtcRow], release: str, capability: ComputeCapability) -> NvrtcAnswer:
    """Answer for a CUDA release whose NVRTC is not pinned any closer."""
    same = [row for row in rows if Version(row.version).release[:2] == Version(release).release]
    answers = {capability.sm in row.compiles for row in same}
    if len(answers) != 1:
        return NvrtcAnswer(compiles=None, how=f"no NVRTC of CUDA {release} was measured for {capability.sm}")
    names = ", ".join(row.version for row in same)
    return NvrtcAnswer(
        compiles=answers.pop(), how=f"which one is not pinned; all measured of CUDA {release} agree: {names}"
    )


def with_row(table: NvrtcTable, row: NvrtcRow) -> NvrtcTable:
    """Add a row, in the place of an older one of that version; oldest version first."""
    rows = [*(one for one in table.nvrtc if one.version != row.version), row]
    return NvrtcTable(nvrtc=tuple(sorted(rows, key=lambda one: Version(one.version))))


def table_text(table: NvrtcTable) -> str:
    """Write the table as TOML."""
    lines = [_HEADER]
    for row in table.nvrtc:
        fields = {"version": row.version, "package": row.package, "measured": row.measured, "how": row.how}
        lines += ["[[nvrtc]]", *toml_lines({**fields, "compiles": row.compiles, "refuses": row.refuses}), ""]
    return "\n".join(lines)
