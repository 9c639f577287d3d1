"""Which device code a library carries: what `cuobjdump --list-elf --list-ptx` says, read from headers alone.

A CUDA library keeps its device code in fatbins, in the ELF sections `.nv_fatbin` and `__nv_relfatbin`. NVIDIA publishes
the outer header (fatbinary_section.h); the fields of the entries were worked out from what nvcc 13.0 writes and are
tested against cuobjdump. The one thing that cuobjdump does not show, family-specific code (`f`), is read here.
"""

from __future__ import annotations

import os
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from scripts.errors import IntegrityError
from scripts.model.target import ComputeCapability

_SECTIONS = (".nv_fatbin", "__nv_relfatbin")
_FATBIN = struct.Struct("<IHHQ")  # magic, version, header size, size of the entries
_MAGIC = 0xBA55ED50
# kind, version, header size, payload size; payload size compressed, options; PTX version; arch; name, its length; flags
_ENTRY = struct.Struct("<HHIQ8xIIIIQ")
_PREFIXES = {1: "compute_", 2: "sm_"}  # by kind: PTX, cubin
_PADDING = 8
_ARCHITECTURE_SPECIFIC = 1 << 20
_FAMILY_SPECIFIC = 1 << 21

RULE = (
    "a cubin, and PTX with suffix `f`, runs on its own major and the same or a higher minor; with suffix `a` it runs "
    "on exactly its own capability; other PTX is compiled by the driver for the same or any higher capability"
)
"""CUDA Programming Guide: binary compatibility, PTX compatibility, architecture- and family-specific features."""


@dataclass(frozen=True, kw_only=True)
class DeviceCode:
    """What one library carries."""

    library: str
    fatbins: dict[str, int] = field(default_factory=dict)
    """What is in a fatbin, e.g. `sm_80 sm_120 compute_120`, to the number of fatbins with just that in them."""

    @property
    def total(self) -> int:
        """How many fatbins there are: about one for each source file."""
        return sum(self.fatbins.values())

    @property
    def cubins(self) -> dict[str, int]:
        """Architecture (`sm_120`, `sm_121a`, `sm_120f`) to the number of fatbins with a cubin for it."""
        return self._count("sm_")

    @property
    def ptx(self) -> dict[str, int]:
        """Architecture (`compute_120`) to the number of fatbins with PTX for it."""
        return self._count("compute_")

    def _count(self, prefix: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for content, number in self.fatbins.items():
            counts.update({arch: number for arch in content.split() if arch.startswith(prefix)})
        return {arch: counts[arch] for arch in sorted(counts, key=_order)}


@dataclass(frozen=True, kw_only=True)
class DeviceCodeAnswer:
    """Does a library's device code run on a capability, and which of it."""

    runs: bool
    """It has a fair share of code that runs: a tenth at least of what the capability it serves best has.

    One special kernel among hundreds that do not run is not enough; and since vendors put an architecture into
    fatbins of its own, all of them cannot be asked for.
    """
    by: str
    """The most widespread code that runs, cubins before PTX: `cubin sm_120`, `PTX compute_90`, or `none`."""
    covered: int
    """Fatbins that hold code that runs."""
    total: int


def read_device_code(path: Path) -> DeviceCode:
    """Read a shared library, or a bare fatbin file. One without device code has no fatbins.

    Only headers are touched: half a gigabyte takes under a second and little memory. Raises IntegrityError
    (bad-library) where the file cannot be read or its headers lead nowhere.
    """
    found: Counter[str] = Counter()
    try:
        with path.open("rb", buffering=0) as stream:
            for start, stop in _regions(stream):
                for first, end in _fatbins(stream, start, stop):
                    found[" ".join(sorted(set(_entries(stream, first, end)), key=_order))] += 1
    except (OSError, ValueError, ELFError, struct.error) as error:
        raise IntegrityError(
            f"{path} cannot be read as a library",
            context=str(error) or type(error).__name__,
            hint="the environment is damaged: repair it",
            reference="bad-library",
        ) from error
    return DeviceCode(library=path.name, fatbins=dict(sorted(found.items())))


def _regions(stream: BinaryIO) -> list[tuple[int, int]]:
    """Find where fatbins are: from offset to offset."""
    size = os.fstat(stream.fileno()).st_size
    if stream.read(4) == _MAGIC.to_bytes(4, "little"):
        return [(0, size)]
    sections = [section for section in ELFFile(stream).iter_sections() if section.name in _SECTIONS]
    return [(section["sh_offset"], section["sh_offset"] + section["sh_size"]) for section in sections]


def _fatbins(stream: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Give each fatbin's entries, from offset to offset; between fatbins there may be padding."""
    position = start
    while position + _FATBIN.size <= stop:
        magic, _, header, size = _unpack(_FATBIN, stream, position)
        if magic == 0:
            position += _PADDING
            continue
        first, end = position + header, position + header + size
        if magic != _MAGIC or header < _FATBIN.size or end > stop:
            raise ValueError(f"what is at {position} is no fatbin, or goes beyond its section")
        yield first, end
        position = end


def _unpack(form: struct.Struct, stream: BinaryIO, position: int) -> tuple[int, ...]:
    """Read where it is needed: mapping the file would count its pages as our memory."""
    return form.unpack(os.pread(stream.fileno(), form.size, position))


def _entries(stream: BinaryIO, position: int, end: int) -> Iterator[str]:
    """Name the architecture of each cubin and PTX of one fatbin; other kinds (LTO code) cannot run as they are."""
    while position < end:
        kind, _, header, size, _ptx, arch, _name, _length, flags = _unpack(_ENTRY, stream, position)
        if header < _ENTRY.size or position + header + size > end:
            raise ValueError(f"an entry at {position} goes beyond its fatbin")
        suffix = "a" if flags & _ARCHITECTURE_SPECIFIC else "f" if flags & _FAMILY_SPECIFIC else ""
        if kind in _PREFIXES:
            yield f"{_PREFIXES[kind]}{arch}{suffix}"
        position += header + size


def _parse(arch: str) -> tuple[ComputeCapability, str]:
    """Split `sm_121a` into 12.1 and `a`."""
    match = re.fullmatch(r"(?:sm|compute)_(\d+)(\d)([af]?)", arch)
    if match is None:
        raise ValueError(f"{arch!r} is no architecture")
    return ComputeCapability(int(match[1]), int(match[2])), match[3]


def _order(arch: str) -> tuple[bool, ComputeCapability, str]:
    """Sort cubins before PTX, each from old to new."""
    return (arch.startswith("compute_"), *_parse(arch))


def code_runs(arch: str, capability: ComputeCapability) -> bool:
    """Apply RULE: sm_120 runs on 12.1; sm_90 on 12.1 does not, nor sm_121 on 12.0; compute_90 does on both."""
    built, suffix = _parse(arch)
    if suffix == "a":
        return built == capability
    if arch.startswith("compute_") and not suffix:
        return built <= capability
    return built.major == capability.major and built.minor <= capability.minor


def runs_on(code: DeviceCode, capability: ComputeCapability) -> DeviceCodeAnswer:
    """Judge a library's device code for a capability by RULE.

    Meant for torch's own libraries: some of NVIDIA's (cuFFT) hold their kernels as LTO code, linked when they run.
    """
    covered = _covered(code, capability)
    best = max((_covered(code, _parse(arch)[0]) for arch in (*code.cubins, *code.ptx)), default=0)
    by = "none"
    for kind, counts in (("cubin", code.cubins), ("PTX", code.ptx)):
        running = [arch for arch in counts if code_runs(arch, capability)]
        if running:
            by = f"{kind} {max(running, key=lambda arch: (counts[arch], _order(arch)))}"
            break
    return DeviceCodeAnswer(runs=covered > 0 and 10 * covered >= best, by=by, covered=covered, total=code.total)


def _covered(code: DeviceCode, capability: ComputeCapability) -> int:
    """Count the fatbins that hold code that runs."""
    return sum(
        number
        for content, number in code.fatbins.items()
        if any(code_runs(arch, capability) for arch in content.split())
    )
