"""Which device code a library carries: what `cuobjdump --list-elf --list-ptx` says, read from headers alone.

A CUDA library keeps its device code in fatbins, in the ELF sections `.nv_fatbin` and `__nv_relfatbin`.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError

from scripts.errors import IntegrityError
from scripts.model.target import ComputeCapability
from scripts.wheels.architectures import code_runs, order, parse_architecture
from scripts.wheels.fatbin import MAGIC, architectures, fatbins
from scripts.wheels.plain_elf import open_elf

_SECTIONS = (".nv_fatbin", "__nv_relfatbin")


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
        return {arch: counts[arch] for arch in sorted(counts, key=order)}


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


def read_device_code(path: Path, *, hint: str = "the environment is damaged: repair it") -> DeviceCode:
    """Read a shared library, or a bare fatbin file. One without device code has no fatbins.

    Only headers are touched: half a gigabyte takes under a second and little memory. Raises IntegrityError
    (bad-library) where the file cannot be read or its headers lead nowhere.
    """
    found: Counter[str] = Counter()
    try:
        with path.open("rb", buffering=0) as stream:

            def read(position: int, length: int) -> bytes:
                # Not a mapping: its pages would count as our memory.
                return os.pread(stream.fileno(), length, position)

            for start, stop in _regions(stream):
                for first, end in fatbins(read, start, stop):
                    found[architectures(read, first, end)] += 1
    except (OSError, ValueError, OverflowError, ELFError, struct.error) as error:
        raise IntegrityError(
            f"{path} cannot be read as a library",
            context=str(error) or type(error).__name__,
            hint=hint,
            reference="bad-library",
        ) from error
    return DeviceCode(library=path.name, fatbins=dict(sorted(found.items())))


def _regions(stream: BinaryIO) -> list[tuple[int, int]]:
    """Find where fatbins are: from offset to offset."""
    size = os.fstat(stream.fileno()).st_size
    if stream.read(4) == MAGIC:
        return [(0, size)]
    sections = [section for section in open_elf(stream).iter_sections() if section.name in _SECTIONS]
    regions = sorted((section["sh_offset"], section["sh_offset"] + section["sh_size"]) for section in sections)
    if any(stop > size for _, stop in regions):
        raise ValueError("a section goes beyond the file")
    if any(start < before for (_, before), (start, _) in pairwise(regions)):
        raise ValueError("its sections overlap")  # thousands that are all the same would be read for hours
    return regions


def runs_on(code: DeviceCode, capability: ComputeCapability) -> DeviceCodeAnswer:
    """Judge a library's device code for a capability by RULE.

    Meant for torch's own libraries: some of NVIDIA's (cuFFT) hold their kernels as LTO code, linked when they run.
    """
    covered = _covered(code, capability)
    best = max((_covered(code, parse_architecture(arch)[0]) for arch in (*code.cubins, *code.ptx)), default=0)
    by = "none"
    for kind, counts in (("cubin", code.cubins), ("PTX", code.ptx)):
        running = [arch for arch in counts if code_runs(arch, capability)]
        if running:
            by = f"{kind} {max(running, key=lambda arch: (counts[arch], order(arch)))}"
            break
    return DeviceCodeAnswer(runs=covered > 0 and 10 * covered >= best, by=by, covered=covered, total=code.total)


def _covered(code: DeviceCode, capability: ComputeCapability) -> int:
    """Count the fatbins that hold code that runs."""
    return sum(
        number
        for content, number in code.fatbins.items()
        if any(code_runs(arch, capability) for arch in content.split())
    )
