"""What a shared library says of itself to the loader: its machine, its SONAME, what it needs.

pyelftools does the reading, through a bound (scripts/wheels/plain_elf.py): a damaged library's ends too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from scripts.errors import IntegrityError
from scripts.wheels.plain_elf import open_elf

_MOST_NEEDED = 1000
_MACHINES = {"EM_AARCH64": "aarch64", "EM_X86_64": "x86_64"}


@dataclass(frozen=True, kw_only=True)
class ElfFacts:
    """One shared library."""

    machine: str
    """As `uname -m` names it, where we know it; else ELF's own word, `EM_PPC64`."""
    soname: str | None
    needed: tuple[str, ...]
    """File names, in the order in which the loader looks for them."""


def read_elf(path: Path, *, hint: str) -> ElfFacts:
    """Read a library's dynamic section. Raises IntegrityError (bad-library) where its headers lead nowhere."""
    try:
        with path.open("rb", buffering=0) as stream:
            elf = open_elf(stream)
            machine = str(elf["e_machine"])
            soname, needed = _dynamic(elf)
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
    return ElfFacts(machine=_MACHINES.get(machine, machine), soname=soname, needed=needed)


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


def _bad(path: Path, error: Exception, hint: str) -> IntegrityError:
    return IntegrityError(
        f"{path} cannot be read as a library",
        context=str(error) or type(error).__name__,
        hint=hint,
        reference="bad-library",
    )
