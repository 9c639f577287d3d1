"""What a torch says it was built for, read out of its wheel: what `torch.cuda.get_arch_list()` would give there.

The list is a string constant of libtorch_python.so, some 4 to 7 MB into a wheel of half a gigabyte, and in every wheel
that was measured (constraints/devicecode.toml) it is what nearly all of its fatbins hold. The fatbins themselves can't
be reached so cheaply: a library inside a wheel is deflated and can only be read from its start, and before the
fatbins of libtorch_cuda.so lie up to 26 MB of other things, foreign fatbins among them (torch 2.15.0).
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from heapq import merge

from scripts.wheels.archive import data_offset, open_archive
from scripts.wheels.inflating import STEP, inflate
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.rangefile import RangeFile

MEMBER = "torch/lib/libtorch_python.so"

_NAME = rb"(?:sm|compute)_\d{2,3}[af]?"
# One name alone must be a whole string. A list need not: compilers put it right behind constants that have no end.
# The longest that was measured has 7 names; without a bound, a hostile megabyte of names with no end takes minutes.
_LIST = re.compile(rb"(" + _NAME + rb"(?: " + _NAME + rb"){1,31}|(?<=\0)" + _NAME + rb")\0")
_BEGINNINGS = (b"sm_", b"compute_")
_LONGEST = 4096
"""Bytes kept of what was looked through: longer than any such list."""
_LIMIT = 128 << 20
"""Bytes looked through in all; libtorch_python.so has 50 million."""
_FIRST, _NEXT = 4 << 20, 1 << 20
"""Bytes of the first request and of each further one."""


def find_built_for(chunks: Iterable[bytes], method: int) -> str | None:
    """Find the list in a zip member that comes in chunks; no chunk is asked for beyond it. None: there is none.

    `method` is the zip's compression method. Raises ValueError where the stream is damaged or its compression is not
    known.
    """
    kept, seen = b"", 0
    for data in inflate(chunks, method):
        kept += data
        if found := _search(kept):
            return found
        kept = kept[-_LONGEST:]
        seen += len(data)
        if seen > _LIMIT:
            raise ValueError(f"no list of architectures in the first {_LIMIT} bytes")
    return None


def _search(data: bytes) -> str | None:
    """Find the first list. The pattern is tried only where a name begins: as a search it takes ten times as long."""
    for position in merge(*(_beginnings(data, name) for name in _BEGINNINGS)):
        if found := _LIST.match(data, position):
            return found[1].decode()
    return None


def _beginnings(data: bytes, name: bytes) -> Iterator[int]:
    position = data.find(name)
    while position >= 0:
        yield position
        position = data.find(name, position + 1)


def read_built_for(url: str, size: int, remote: MeteredRemote, *, name: str, where: str) -> str | None:
    """Read the list out of a remote wheel of `size` bytes. None: its torch says nothing.

    `name` and `where` are for errors. Raises IntegrityError (bad-wheel), NetworkError (too-much-traffic and others).
    """
    stream = RangeFile(size, lambda start, stop: remote.read_range(url, start, stop))
    with open_archive(stream, name=name, where=where) as archive:
        member = next((one for one in archive.infolist() if one.filename == MEMBER), None)
        if member is None:
            return None
        start = data_offset(stream, member)
        return find_built_for(_ranges(url, start, start + member.compress_size, remote), member.compress_type)


def built_for_in(archive: zipfile.ZipFile) -> str | None:
    """Read the list out of a wheel that is here. Raises what reading a zip raises (see open_archive)."""
    member = next((one for one in archive.infolist() if one.filename == MEMBER), None)
    if member is None:
        return None
    with archive.open(member) as stream:
        return find_built_for(iter(lambda: stream.read(STEP), b""), zipfile.ZIP_STORED)


def _ranges(url: str, start: int, stop: int, remote: MeteredRemote) -> Iterator[bytes]:
    if not 0 <= start < stop:
        raise struct.error(f"{MEMBER} is empty")
    length = _FIRST
    while start < stop:
        end = min(stop, start + length)
        yield remote.read_range(url, start, end)
        start, length = end, _NEXT
