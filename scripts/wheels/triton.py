"""What Triton's releases can assemble without having them here. Data is in constraints/triton.toml.

Triton compiles a kernel to PTX by its own LLVM and has the PTX assembled by a `ptxas` that comes in its wheel, or by
one of two. Kokoro itself needs no Triton: torch.compile does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from scripts.model.target import ComputeCapability
from scripts.serial import from_data
from scripts.wheels.tables import read_toml, toml_lines

_HEADER = """\
# Which architectures the assemblers in each release of Triton know, as measured by the command that the row names: the
# wheel's own ptxas is given a PTX kernel that does nothing (.version 7.0, .target sm_75, which every one of them reads)
# and each --gpu-name in turn. A refusal is "ptxas fatal : Value 'sm_121a' is not defined for option 'gpu-name'". Only
# what was tried is listed.
#
# Which assembler Triton takes, and for which name, is read in the wheel's triton/backends/nvidia/compiler.py. It counts
# capabilities as 121, and takes the assembler `ptxas`, from `blackwell_from` on `ptxas-blackwell`; absent: there is
# only one. It asks for sm_121a, not sm_121, for capabilities from `specific_from` to `specific_until` (absent: no end).
#   3.1, 3.2       one assembler; sm_90a is the only name with an `a`
#   3.3            ptxas-blackwell from 100 on; names with an `a` from 90 on, here and ever since
#   3.4, 3.5       one assembler again
#   3.6 to 3.8     ptxas-blackwell from 100 on
#   3.9            ptxas-blackwell from 90 on
# Other assemblers are named by TRITON_PTXAS_PATH and, from 3.6 on, TRITON_PTXAS_BLACKWELL_PATH (3.3 makes the latter's
# name of the program's, TRITON_PTXAS-BLACKWELL_PATH, which no shell can set).
# The rows are of x86_64 wheels. Those for aarch64 of 3.5.1, 3.6.0, 3.7.1, 3.8.0 and 3.9.0 carry the same builds of the
# assemblers, by the version and the architectures' names in the programs, and the same compiler.py byte for byte (read
# 2026-11-24); of releases before 3.5.0 the default index has none.
# Written by scripts/operations/measuring_triton.py.
"""


@dataclass(frozen=True, kw_only=True)
class Assembler:
    """One assembler of a release: `ptxas`, 12.8.93, and what it takes as --gpu-name (`sm_121a`)."""

    name: str
    version: str
    knows: tuple[str, ...]
    refuses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TritonRow:
    """One release of Triton. Capabilities are counted as Triton counts: 121. `measured` is an ISO date."""

    version: str
    measured: str
    how: str
    assemblers: tuple[Assembler, ...]
    specific_from: int
    """From here it asks for the architecture-specific name, `sm_121a`."""
    specific_until: int | None = None
    """Up to here; None: no end."""
    blackwell_from: int | None = None
    """From here it takes `ptxas-blackwell`; None: never."""


@dataclass(frozen=True, kw_only=True)
class TritonTable:
    """Every release that was measured."""

    triton: tuple[TritonRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TritonAnswer:
    """Would a release assemble for a capability (None: nobody measured it), and how that is known, in words."""

    assembles: bool | None
    how: str


def load_triton(path: Path) -> TritonTable:
    """Read constraints/triton.toml. Raises IntegrityError where it is missing or not of that shape."""
    return from_data(TritonTable, read_toml(path), what=str(path))


def assembles(table: TritonTable, version: str, capability: ComputeCapability) -> bool | None:
    """Tell whether Triton of a release, as it comes, assembles for a capability. None: not measured."""
    return look_up(table, version, capability).assembles


def look_up(table: TritonTable, version: str, capability: ComputeCapability) -> TritonAnswer:
    """Tell it with the evidence. Nothing is claimed of a release that has no row: its wheel decides what is in it."""
    row = _row(table, version)
    if row is None:
        return TritonAnswer(assembles=None, how=f"Triton {version} was never measured")
    name = architecture_of(row, capability)
    assembler = assembler_of(row, capability)
    if assembler is None or name not in assembler.knows + assembler.refuses:
        return TritonAnswer(assembles=None, how=f"Triton {row.version} was never measured for {name}")
    found = name in assembler.knows
    verb = "assembles for" if found else "does not know"
    return TritonAnswer(
        assembles=found,
        how=f"its {assembler.name} {assembler.version} {verb} {name}; measured {row.measured}: {row.how}",
    )


def _row(table: TritonTable, version: str) -> TritonRow | None:
    try:
        wanted = Version(version)
    except ValueError:  # also int's, of too many digits
        return None
    return next((row for row in table.triton if Version(row.version) == wanted), None)


def architecture_of(row: TritonRow, capability: ComputeCapability) -> str:
    """Name the architecture that a release asks its assembler for: `sm_121a`."""
    specific = row.specific_from <= _number(capability) <= (row.specific_until or _number(capability))
    return f"{capability.sm}{'a' if specific else ''}"


def assembler_of(row: TritonRow, capability: ComputeCapability) -> Assembler | None:
    """Find the assembler that a release takes for a capability; None: the row has none of that name."""
    blackwell = row.blackwell_from is not None and _number(capability) >= row.blackwell_from
    wanted = "ptxas-blackwell" if blackwell else "ptxas"
    return next((one for one in row.assemblers if one.name == wanted), None)


def _number(capability: ComputeCapability) -> int:
    return capability.major * 10 + capability.minor


def with_row(table: TritonTable, row: TritonRow) -> TritonTable:
    """Add a row, in the place of an older one of that version; oldest version first."""
    rows = [*(one for one in table.triton if one.version != row.version), row]
    return TritonTable(triton=tuple(sorted(rows, key=lambda one: Version(one.version))))


def table_text(table: TritonTable) -> str:
    """Write the table as TOML."""
    lines = [_HEADER]
    for row in table.triton:
        numbers = {key: getattr(row, key) for key in ("specific_from", "specific_until", "blackwell_from")}
        fields = {"version": row.version, "measured": row.measured, "how": row.how, **numbers}
        lines += ["[[triton]]", *toml_lines(fields)]
        for one in row.assemblers:
            values = {"name": one.name, "version": one.version, "knows": one.knows, "refuses": one.refuses}
            lines += ["", "[[triton.assemblers]]", *toml_lines(values)]
        lines.append("")
    return "\n".join(lines)
