"""A wheel as a zip, here or behind range requests: opened, its members read, everything wrong with it one error.

The reading is zipfile's. What it is given is bounded: no member is read beyond a limit, and no name leads out of the
wheel, for nothing is ever unpacked by name.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from scripts.errors import IntegrityError

_LARGEST_TEXT = 32 << 20
"""Bytes of METADATA, WHEEL or RECORD; torch's RECORD has 1.4 million."""
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_BEGINNING = b"PK\x03\x04"
_END = struct.Struct("<4s16xH")
_LONGEST_END = _END.size + 0xFFFF
_ENCRYPTED = 1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""All that package indexes take (pypi/warehouse#1440). The errors of lzma and zstd are none of those below."""

_DAMAGED = "the file is damaged: fetch it again, or name another mirror"
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,  # a compression method, a multi-disk archive
    RuntimeError,  # encrypted
    EOFError,
    ValueError,  # a negative offset, a name that is no UTF-8
    OverflowError,
    IndexError,
    OSError,  # an offset before the beginning
)


class NotAWheelError(ValueError):
    """What is a zip and sound, or no zip at all, and in either case no wheel; with a hint of its own."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@contextmanager
def open_archive(stream: BinaryIO | io.RawIOBase, *, name: str, where: str) -> Iterator[zipfile.ZipFile]:
    """Open the zip that a stream holds; `name` and `where` are for the error.

    Raises IntegrityError (bad-wheel) for whatever is wrong with it, on opening or later inside the block.
    """
    try:
        _require_zip(stream)
        with zipfile.ZipFile(stream) as archive:
            _require_plain(archive)
            yield archive
    except _DAMAGE as error:
        raise IntegrityError(
            f"{name} cannot be read as a wheel",
            context=f"{error or type(error).__name__}\n{where}",
            hint=error.hint if isinstance(error, NotAWheelError) else _DAMAGED,
            reference="bad-wheel",
        ) from error


def _require_zip(stream: BinaryIO | io.RawIOBase) -> None:
    """Refuse what was never a zip; one that was cut off still begins like one."""
    if zipfile.is_zipfile(cast("BinaryIO", stream)):
        return
    stream.seek(0)
    head = stream.read(len(_BEGINNING)) or b""
    if head and head != _BEGINNING:
        raise NotAWheelError(
            "it is no zip archive", "a wheel is a zip archive: see whether this is another file, or a page of a server"
        )


def _require_plain(archive: zipfile.ZipFile) -> None:
    """Refuse what installers refuse too: encryption, and compression but by deflate."""
    for member in archive.infolist():
        if member.flag_bits & _ENCRYPTED:
            raise NotAWheelError(
                f"{member.filename} is encrypted", "no installer takes that: zip it without a password"
            )
        if member.compress_type not in _METHODS:
            raise NotAWheelError(
                f"{member.filename} is compressed by method {member.compress_type}",
                "indexes and installers take only what is stored or deflated: zip it again so",
            )


def info_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Find METADATA, WHEEL or RECORD in the one `.dist-info` folder. Raises ValueError where there is not one."""
    ending = f".dist-info/{name}"
    found = [one for one in archive.infolist() if one.filename.count("/") == 1 and one.filename.endswith(ending)]
    if len(found) != 1:
        raise NotAWheelError(
            f"it has {len(found)} {name} files", f"it is a zip archive, but no wheel: that has one NAME{ending}"
        )
    return found[0]


def read_text(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    """Read a member as UTF-8, what is none of it replaced. Raises ValueError where it is too large."""
    if member.file_size > _LARGEST_TEXT:
        raise ValueError(f"{member.filename} claims {member.file_size} bytes")
    with archive.open(member) as stream:
        data = stream.read(_LARGEST_TEXT + 1)  # the claim may be a lie
    if len(data) > _LARGEST_TEXT:
        raise ValueError(f"{member.filename} is larger than it claims")
    return data.decode("utf-8", "replace")


def data_offset(stream: BinaryIO | io.RawIOBase, member: zipfile.ZipInfo) -> int:
    """Find where a member's compressed bytes begin. Raises ValueError, struct.error where it has no local header."""
    stream.seek(member.header_offset)
    signature, name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size) or b"")
    if signature != _BEGINNING or member.flag_bits & _ENCRYPTED:
        raise ValueError(f"{member.filename} is not where the directory says")
    return member.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


def foreign_bytes(archive: zipfile.ZipFile) -> tuple[int, int]:
    """Count the bytes before the first member and after the end record: two programs may read two archives there."""
    stream = cast("BinaryIO | None", archive.fp)
    if stream is None:
        raise ValueError("the wheel was closed")
    before = min((one.header_offset for one in archive.infolist()), default=0)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _LONGEST_END))
    tail = stream.read(_LONGEST_END)
    start = len(tail) - _END.size  # where it is without a comment; zipfile looks for it in the same order
    if start < 0 or _END.unpack_from(tail, start) != (b"PK\x05\x06", 0):
        start = tail.rfind(b"PK\x05\x06")
    if not 0 <= start <= len(tail) - _END.size:
        return before, 0
    comment = int(_END.unpack_from(tail, start)[1])
    return before, max(0, len(tail) - start - _END.size - comment)


def is_library(member: str) -> bool:
    """Tell a shared library by its name: `libtorch.so`, `libgomp-1.so.1.0.0`."""
    name = member.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name
