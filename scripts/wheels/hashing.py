"""Every member of a wheel against RECORD's hash of it: streamed once, and never more than it claims.

The libraries are hashed where they are unpacked (scripts/wheels/libraries.py); this is for all the others, of which a
torch has 12,607 (2.15.0): what fits into one step is inflated by one call, without a generator or a thread for each.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from scripts.wheels.archive import data_offset
from scripts.wheels.inflating import STEP, inflate

LARGEST = 8 << 30
"""Bytes of one member that are unpacked at most."""
LARGEST_IN_ALL = 16 << 30
"""Bytes of all members that are unpacked at most."""

WRONG_HASH = "its hash is not RECORD's"

_HASH = re.compile(r"(sha256|sha384|sha512)=([A-Za-z0-9_-]+)=*")
_CHUNK = 1 << 18
_DAMAGE = (struct.error, ValueError, OverflowError, EOFError, OSError, zlib.error)


class Checksum:
    """What RECORD promises of a member, or the zip's own checksum where RECORD has no hash; fed with its bytes."""

    def __init__(self, promised: str, member: zipfile.ZipInfo) -> None:
        found = _HASH.fullmatch(promised)
        self._member = member
        self._size = 0
        self._crc = 0
        self._promised = "" if found is None else found[2]
        self._digest: Any = None if found is None else hashlib.new(found[1], usedforsecurity=False)

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises ValueError where there are more than the directory says."""
        self._size += len(data)
        if self._size > self._member.file_size:
            raise ValueError(f"more than {self._member.file_size:,} bytes")
        if self._digest is None:
            self._crc = zlib.crc32(data, self._crc)
        else:
            self._digest.update(data)

    def agrees(self) -> bool:
        """Tell whether the hash is RECORD's. Raises ValueError for a wrong size or a wrong checksum of the zip."""
        if self._size != self._member.file_size:
            raise ValueError(f"{self._size:,} of {self._member.file_size:,} bytes")
        if self._digest is None:
            if self._crc != self._member.CRC:
                raise ValueError("its checksum is not the directory's")
            return True
        return base64.urlsafe_b64encode(self._digest.digest()).rstrip(b"=").decode() == self._promised


@dataclass(frozen=True, kw_only=True)
class HashReport:
    """What is wrong with the members that were read. Empty: they are what RECORD says."""

    wrong: tuple[str, ...] = ()
    """Names whose hash is not RECORD's."""
    damaged: tuple[str, ...] = ()
    """`NAME: why it could not be read`."""


def hash_members(
    path: Path, members: Sequence[zipfile.ZipInfo], hashes: Mapping[str, str], *, without: Collection[str]
) -> HashReport:
    """Read the members of the wheel at `path` but folders and those named in `without`; `hashes` are RECORD's, by name.

    The file is opened anew, so that others may read it meanwhile. Raises OSError where it cannot be.
    """
    wrong, damaged = [], []
    left = LARGEST_IN_ALL
    wanted = [one for one in members if one.filename not in without and not one.filename.endswith("/")]
    with path.open("rb") as stream:
        for member in sorted(wanted, key=lambda one: one.header_offset):
            allowed = min(LARGEST, left)
            try:
                if member.file_size > allowed:
                    raise ValueError(f"it claims {member.file_size:,} bytes: more than {allowed:,} are not unpacked")
                left -= member.file_size
                if not _agrees(stream, member, hashes.get(member.filename, "")):
                    wrong.append(member.filename)
            except _DAMAGE as error:
                damaged.append(f"{member.filename}: {error or type(error).__name__}")
    return HashReport(wrong=tuple(wrong), damaged=tuple(damaged))


def _agrees(stream: BinaryIO, member: zipfile.ZipInfo, promised: str) -> bool:
    """Read one member. Raises ValueError, struct.error, OSError where it is not what the directory says."""
    position = data_offset(stream, member)
    stream.seek(position)
    checksum = Checksum(promised, member)
    if max(member.file_size, member.compress_size) <= STEP:
        checksum.feed(_small(stream.read(member.compress_size), member))
    else:
        for data in inflate(_chunks(stream, member.compress_size), member.compress_type):
            checksum.feed(data)
    return checksum.agrees()


def _small(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """Inflate a small member at once, one byte more at most than it claims."""
    if member.compress_type == zipfile.ZIP_STORED:
        return data
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.file_size + 1)
    except zlib.error as error:
        raise ValueError(f"it cannot be inflated: {error}") from error


def _chunks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (chunk := stream.read(min(_CHUNK, size))):
        size -= len(chunk)
        yield chunk
