"""Which device code the wheels of torch hold that somebody read whole. Data is in constraints/devicecode.toml."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from scripts.serial import from_data
from scripts.wheels.architectures import parse_architecture
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.evaluate import parse_wheel_name
from scripts.wheels.tables import bad_table, read_toml, toml_lines

_HEADER = """\
# Which device code torch's wheels hold: every fatbin of every library, counted by what is in it, by the command that
# each row names (scripts/wheels/devicecode.py; the counts agree with NVIDIA's cuobjdump --list-elf --list-ptx).
# `built_for` is what torch itself says there, torch.cuda.get_arch_list(), read from the library's bytes.
# One row per release, CUDA and platform: the builds for the other Pythons come from the same build matrix.
# Written by `invoke wheel.measure`.
"""


@dataclass(frozen=True, kw_only=True)
class MeasuredWheel:
    """One wheel, read whole. `cuda` None: a CPU-only build. `measured` is an ISO date."""

    file: str
    sha256: str
    cuda: str | None = None
    built_for: str = ""
    """Its torch's own list: `sm_80 sm_90 sm_120`."""
    measured: str
    how: str
    libraries: tuple[DeviceCode, ...] = ()
    """Those that hold device code."""

    @property
    def main(self) -> DeviceCode | None:
        """The library with the most device code: torch's kernels."""
        return max(self.libraries, key=lambda code: code.total, default=None)


@dataclass(frozen=True, kw_only=True)
class MeasuredTable:
    """Every wheel that was measured."""

    wheels: tuple[MeasuredWheel, ...] = ()


def load_measured(path: Path) -> MeasuredTable:
    """Read constraints/devicecode.toml. Raises IntegrityError where it is missing or not of that shape."""
    table = from_data(MeasuredTable, read_toml(path), what=str(path))
    for wheel in table.wheels:
        try:
            parse_wheel_filename(wheel.file)
            for code in wheel.libraries:
                for name in (*code.cubins, *code.ptx):
                    parse_architecture(name)
        except ValueError as error:
            raise bad_table(path, str(error)) from error
    return table


def find_measured(table: MeasuredTable, filename: str, sha256: str | None, cuda: str | None) -> MeasuredWheel | None:
    """Find the row of this very wheel, else of the same release, CUDA and platform; None: never measured.

    `cuda` is what the wheel's metadata says (`13.2`; None: CPU-only).
    """
    for wheel in table.wheels:
        if sha256 is not None and wheel.sha256 == sha256:
            return wheel
    wanted = _build(filename, cuda)
    return next(
        (wheel for wheel in table.wheels if wanted is not None and _build(wheel.file, wheel.cuda) == wanted), None
    )


def _build(filename: str, cuda: str | None) -> tuple[str, str, frozenset[str], str | None] | None:
    """Say what two wheels of the same build have in common: project, public version, CPU architectures, CUDA."""
    parts = parse_wheel_name(filename)
    if parts is None:
        return None
    project, version, _, tags = parts
    architectures = frozenset(tag.platform.partition("linux")[2].lstrip("_0123456789") for tag in tags)
    return project, version.public, architectures, cuda


def with_row(table: MeasuredTable, row: MeasuredWheel) -> MeasuredTable:
    """Add a row, in the place of an older one of that wheel; newest release first."""
    rows = [*(wheel for wheel in table.wheels if wheel.file != row.file), row]
    return MeasuredTable(wheels=tuple(sorted(rows, key=_age)))


def _age(wheel: MeasuredWheel) -> tuple[str, int, list[int], str]:
    project, version, _, _ = parse_wheel_filename(wheel.file)
    return project, version.epoch, [-number for number in Version(version.base_version).release], wheel.file


def table_text(table: MeasuredTable) -> str:
    """Write the table as TOML."""
    lines = [_HEADER]
    for wheel in table.wheels:
        fields = {"file": wheel.file, "sha256": wheel.sha256, "cuda": wheel.cuda, "built_for": wheel.built_for or None}
        lines += ["[[wheels]]", *toml_lines({**fields, "measured": wheel.measured, "how": wheel.how}), ""]
        for code in wheel.libraries:
            lines += ["[[wheels.libraries]]", *toml_lines({"library": code.library}), "[wheels.libraries.fatbins]"]
            lines += [*toml_lines({json.dumps(content): count for content, count in code.fatbins.items()}), ""]
    return "\n".join(lines)
