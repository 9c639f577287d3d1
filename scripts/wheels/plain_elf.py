"""A shared library's sections, read by pyelftools through a bound and without what takes long."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

from scripts.wheels.bounded import BoundedStream

_LIMIT = 16 << 20
"""Bytes that may be read of headers, the dynamic section and names; torch's largest library takes 30 kB of them."""


class _PlainElf(ELFFile):
    """Leaves hash tables of symbols alone: reading torch's takes longer than all else that is read here.

    ELFFile parses every section that it passes, whatever type is asked for.
    """

    def _make_gnu_hash_section(self, section_header: Any, name: str) -> Section:  # type: ignore[override]
        return Section(section_header, name, self)


def open_elf(stream: BinaryIO) -> ELFFile:
    """Open a library. Whatever its headers say, reading it ends, with ValueError if need be.

    Raises ELFError and all that pyelftools raises of damaged headers.
    """
    return _PlainElf(cast("BinaryIO", BoundedStream(stream, _LIMIT)))
