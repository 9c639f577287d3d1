"""A shared library under another name: what the dynamic linker asks of it, and nothing else, is changed. Pure.

The linker wants two things of the library that it takes for `libnvrtc.so.13`: that SONAME, and the functions in a
version of that name.
"""

from __future__ import annotations

import io
import struct

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection
from elftools.elf.sections import StringTableSection

from scripts.errors import IntegrityError

_VERSION_DEFINITION = struct.Struct("<HHHHIII")  # Elf64_Verdef: version, flags, index, count, hash, aux, next


def renamed(library: bytes, soname: str) -> bytes:
    """Give a shared library another SONAME of the same length, and its symbol versions of the old name the new one.

    Raises IntegrityError where its old name has another length, or it has none.
    """
    elf = ELFFile(io.BytesIO(library))
    dynamic, strings = elf.get_section_by_name(".dynamic"), elf.get_section_by_name(".dynstr")
    if not isinstance(dynamic, DynamicSection) or not isinstance(strings, StringTableSection):
        raise _cannot("it is no shared library")
    offset = next((int(tag.entry.d_val) for tag in dynamic.iter_tags("DT_SONAME")), None)
    old = "" if offset is None else strings.get_string(offset)
    if offset is None or len(old) != len(soname):
        raise _cannot(f"its name {old!r} has another length than {soname!r}")
    changed = bytearray(library)
    texts = int(strings["sh_offset"])
    offsets = {offset}
    versions = elf.get_section_by_name(".gnu.version_d")
    if isinstance(versions, GNUVerDefSection):
        offsets |= _rehash(changed, versions["sh_offset"], old, soname)
    for one in offsets:
        changed[texts + one : texts + one + len(old)] = soname.encode()
    return bytes(changed)


def _rehash(library: bytearray, place: int, old: str, new: str) -> set[int]:
    """Change the hash of each version definition of that name; give where their names are in the string table."""
    names = set()
    while True:
        *_, number, to_name, to_next = _VERSION_DEFINITION.unpack_from(library, place)
        if number == elf_hash(old):
            struct.pack_into("<I", library, place + 8, elf_hash(new))
            names.add(struct.unpack_from("<I", library, place + to_name)[0])
        if not to_next:
            return names
        place += to_next


def elf_hash(name: str) -> int:
    """Hash a name as the System V ABI does."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value ^= (value & 0xF0000000) >> 24
        value &= 0x0FFFFFFF
    return value


def _cannot(why: str) -> IntegrityError:
    return IntegrityError(
        f"a library cannot be renamed: {why}",
        reference="not-renamed",
        hint="name an NVRTC whose CUDA has as many digits as the one that torch asks for",
    )
