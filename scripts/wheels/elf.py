"""What a shared library says of itself to the loader: its machine, its SONAME, what it needs.

pyelftools does the reading, through a bound (scripts/wheels/plain_elf.py): a damaged library's ends too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from scripts.errors import IntegrityError
from scripts.wheels.plain_elf import open_elf

ELF_MAGIC = b"\x7fELF"

_MOST_NEEDED = 1000
_FOREIGN = {
    # mach-o/loader.h and mach-o/fat.h: 32 and 64 bits in either order, and several architectures in one file.
    **dict.fromkeys((b"\xfe\xed\xfa\xce", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe"), "Mach-O"),
    **dict.fromkeys((b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"), "Mach-O"),
    b"MZ": "PE",
}
_MACHINES = {"EM_AARCH64": "aarch64", "EM_X86_64": "x86_64"}


@dataclass(frozen=True, kw_only=True)
class ElfFacts:
    """One shared library."""

    machine: str
    """As `uname -m` names it, where we know it; else ELF's own word, `EM_PPC64`."""
    soname: str | None
    needed: tuple[str, ...]
    """File names, in the order in which the loader looks for them."""
    data: int = 0
    """Bytes of its largest section of data: of cuFFT's 234 MB 228 are one, and its device code is in there."""


def foreign_kind(head: bytes) -> str:
    """Name what a file is that is no ELF library, by its first bytes."""
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            return kind
    if not head:
        return "empty"
    # GNU ld takes a text in a library's place: `GROUP ( /usr/lib/libc.so.6 ... )`.
    return "text, as a linker script is" if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head) else "unknown"


def read_elf(path: Path, *, hint: str) -> ElfFacts:
    """Read a library's dynamic section. Raises IntegrityError (bad-library) where its headers lead nowhere."""
    try:
        with path.open("rb", buffering=0) as stream:
            elf = open_elf(stream)
            machine = str(elf["e_machine"])
            soname, needed = _dynamic(elf)
            data = _largest_data(elf)
    # An unknown number in an enumerated field comes as an int, a name that is not there as None.
    except (
        OSError,
        ValueError,
        OverflowError,
        TypeError,
        AttributeError,
        KeyError,
        IndexError,
        AssertionError,
    ) as error:
        raise _bad(path, error, hint) from error
    except (ELFError, ConstructError, struct.error, MemoryError) as error:
        raise _bad(path, error, hint) from error
    return ElfFacts(machine=_MACHINES.get(machine, machine), soname=soname, needed=needed, data=data)


def _dynamic(elf: ELFFile) -> tuple[str | None, tuple[str, ...]]:
    """Read SONAME and NEEDED."""
    soname = None
    needed: list[str] = []
    for section in elf.iter_sections("SHT_DYNAMIC"):
        if not isinstance(section, DynamicSection):
            continue
        for tag in section.iter_tags():
            if tag.entry.d_tag == "DT_SONAME":
                soname = str(vars(tag)["soname"])
            elif tag.entry.d_tag == "DT_NEEDED":
                needed.append(str(vars(tag)["needed"]))
            if len(needed) > _MOST_NEEDED:
                raise ValueError(f"it needs more than {_MOST_NEEDED} libraries")
    return soname, tuple(needed)


def _largest_data(elf: ELFFile) -> int:
    """Measure the largest section that is loaded, kept in the file, and no code."""
    sizes = (
        int(one["sh_size"])
        for one in elf.iter_sections("SHT_PROGBITS")
        if one["sh_flags"] & SH_FLAGS.SHF_ALLOC and not one["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
    )
    return max(sizes, default=0)


def _bad(path: Path, error: Exception, hint: str) -> IntegrityError:
    return IntegrityError(
        f"{path} cannot be read as a library",
        context=str(error) or type(error).__name__,
        hint=hint,
        reference="bad-library",
    )
