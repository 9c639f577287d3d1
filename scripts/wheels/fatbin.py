"""The fatbin format: which architectures a fatbin holds code for, read from its headers alone.

NVIDIA publishes the outer header (fatbinary_section.h); the fields of the entries were worked out from what nvcc 13.0
writes and are tested against cuobjdump. The one thing that cuobjdump does not show, family-specific cubins (`f`), is
read here. What lies between the headers, compressed or not, is never looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import TypeAlias

from scripts.wheels.architectures import order

Read: TypeAlias = Callable[[int, int], bytes]
"""Gives so many bytes from a position, or fewer where there are no more."""

MAGIC = (0xBA55ED50).to_bytes(4, "little")
HEADER = struct.Struct("<IHHQ")  # magic, version, header size, size of the entries
VERSION = 1
# kind, version, header size, payload size; payload size compressed, options; PTX version; arch; name, its length; flags
_ENTRY = struct.Struct("<HHIQ8xIIIIQ")
_PREFIXES = {1: "compute_", 2: "sm_"}  # by kind: PTX, cubin
_PADDING = 8
_BLOCK = 1 << 16
_ARCHITECTURE_SPECIFIC = 1 << 20
_FAMILY_SPECIFIC = 1 << 21
_HIGHEST = 999
"""Architecture numbers have two or three digits: more is damage."""


def fatbins(read: Read, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Give each fatbin's entries, from position to position; between fatbins there may be padding.

    Raises ValueError and struct.error where a header leads nowhere or its version is not known.
    """
    position = start
    while position + HEADER.size <= stop:
        head = read(position, HEADER.size)
        if not any(head[:4]):
            position = _skip_padding(read, position, stop)
            continue
        first, end = span(head, position)
        if end > stop:
            raise ValueError(f"the fatbin at {position} goes beyond its section")
        yield first, end
        position = end


def span(head: bytes, position: int) -> tuple[int, int]:
    """Read a fatbin's header: where its entries begin and end. Raises as `fatbins` does."""
    magic, version, header, size = HEADER.unpack(head)
    if magic.to_bytes(4, "little") != MAGIC or header < HEADER.size:
        raise ValueError(f"what is at {position} is no fatbin")
    if version != VERSION:
        raise ValueError(f"the fatbin at {position} is of version {version}, which is not known here")
    return position + header, position + header + size


def _skip_padding(read: Read, position: int, stop: int) -> int:
    """Go to where zeros end, in whole steps of the padding: a damaged file may be all zeros, or full of small gaps.

    So it is read in blocks that double: what is read is little more than what is skipped.
    """
    begin, length = position, HEADER.size
    while position < stop:
        block = read(position, min(length, stop - position))
        if not block:
            return stop
        zeros = len(block) - len(block.lstrip(b"\0"))
        position += zeros
        if zeros < len(block):
            steps = (position - begin) // _PADDING
            if not steps:
                raise ValueError(f"what is at {begin} is no fatbin")
            return begin + steps * _PADDING
        length = min(2 * length, _BLOCK)
    return stop


def architectures(read: Read, position: int, end: int) -> str:
    """Name what one fatbin holds, sorted: `sm_80 sm_120 compute_120`. Raises as `fatbins` does."""
    return " ".join(sorted(set(_entries(read, position, end)), key=order))


def _entries(read: Read, position: int, end: int) -> Iterator[str]:
    """Name the architecture of each cubin and PTX of one fatbin; other kinds (LTO code) cannot run as they are."""
    while position < end:
        kind, _, header, size, _ptx, arch, _name, _length, flags = _ENTRY.unpack(read(position, _ENTRY.size))
        if header < _ENTRY.size or position + header + size > end:
            raise ValueError(f"the entry at {position} goes beyond its fatbin")
        suffix = "a" if flags & _ARCHITECTURE_SPECIFIC else "f" if flags & _FAMILY_SPECIFIC else ""
        if kind in _PREFIXES:
            if not 10 <= arch <= _HIGHEST:
                raise ValueError(f"the entry at {position} is for architecture {arch}, which is none")
            yield f"{_PREFIXES[kind]}{arch}{suffix}"
        position += header + size
