"""Good libraries as seeds, with the places of the numbers that their readers believe."""

from __future__ import annotations

import struct
from pathlib import Path

from elftools.elf.elffile import ELFFile

from scripts.wheels.fatbin import HEADER, MAGIC
from tests.support.fuzzing import Seed

FATBINS = Path(__file__).parents[1] / "data" / "fatbins"
NAMES = ("plain.so", "compressed.so", "relocatable.so", "bare.fatbin")

# Sizes of fields in their order: ELF-64's header after e_ident, a section header, a fatbin's header, an entry's.
_ELF = (2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2)
_SECTION = (4, 4, 8, 8, 8, 8, 4, 4, 8, 8)
_FATBIN = (4, 2, 2, 8)
_ENTRY = (2, 2, 4, 8, 4, 4, 4, 4, 4, 4, 8)


def fields_of(sizes: tuple[int, ...], position: int) -> list[tuple[int, int]]:
    found = []
    for size in sizes:
        found.append((position, size))
        position += size
    return found


def seed(name: str) -> Seed:
    data = (FATBINS / name).read_bytes()
    fields = []
    if data.startswith(b"\x7fELF"):
        fields += [(4, 1), (5, 1), *fields_of(_ELF, 16)] * 3
        (table,) = struct.unpack_from("<Q", data, 40)
        count = struct.unpack_from("<H", data, 60)[0]
        for number in range(count):
            fields += fields_of(_SECTION, table + 64 * number)
        fields += _dynamic_fields(FATBINS / name)
    position = data.find(MAGIC)
    while position >= 0:
        _, _, header, size = HEADER.unpack_from(data, position)
        fields += fields_of(_FATBIN, position) * 3
        entry = position + header
        while entry < position + header + size:
            fields += fields_of(_ENTRY, entry) * 3
            first, payload = struct.unpack_from("<4xIQ", data, entry)
            entry += first + payload
        position = data.find(MAGIC, position + 4)
    return Seed(data=data, fields=tuple(fields))


def _dynamic_fields(path: Path) -> list[tuple[int, int]]:
    """Find the tags and values of the dynamic section: what the library is called, and what it needs."""
    with path.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".dynamic")
        assert section is not None
        start, size = int(section["sh_offset"]), int(section["sh_size"])
    return [(position, 8) for position in range(start, start + size, 8)]


SEEDS = [seed(name) for name in NAMES]
