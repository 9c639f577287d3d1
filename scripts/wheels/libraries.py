"""Read the libraries of a wheel that is here: each is unpacked into a file, read, and removed.

The file is needed because a library's section headers stand at its end; none is ever held in memory.
"""

from __future__ import annotations

import shutil
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from scripts.disk import SPACE_HINT, disk_errors
from scripts.errors import DiskError, IntegrityError
from scripts.wheels.archive import data_offset
from scripts.wheels.devicecode import DeviceCode, read_device_code
from scripts.wheels.elf import ELF_MAGIC, ElfFacts, foreign_kind, read_elf
from scripts.wheels.fatbin import MAGIC
from scripts.wheels.hashing import LARGEST, LARGEST_IN_ALL, WRONG_HASH, Checksum
from scripts.wheels.inflating import inflate

MOST = 2000
"""Libraries of a wheel that are read; torch 2.15.0 has 20."""

_WORKERS = 2
_CHUNK = 1 << 18
_NAME = "library"
_HEAD = 64
_HINT = "fetch it again, or name another mirror"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    IndexError,
    OSError,  # of the wheel; what the disk says of the unpacked file is a DiskError
)


@dataclass(frozen=True, kw_only=True)
class LibraryReading:
    """What one library holds. `code` and `elf` are None where it could not be read, and `problem` says why."""

    library: str
    size: int
    packed: int
    code: DeviceCode | None = None
    elf: ElfFacts | None = None
    problem: str = ""
    wrong_hash: bool = False
    """Its hash is not RECORD's: `problem` says so too."""
    foreign: str = ""
    """What it is where it is no ELF library, as some `.so` are not: `Mach-O`. Nothing else was read of it then."""


def read_library(path: Path, name: str) -> LibraryReading:
    """Read a library, or a bare fatbin (then without ELF facts), that is a file of its own."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    bare = head.startswith(MAGIC)
    if not bare and not head.startswith(ELF_MAGIC):
        return LibraryReading(library=name, size=size, packed=size, foreign=foreign_kind(head))
    try:
        code = read_device_code(path, hint=_HINT)
        elf = None if bare else read_elf(path, hint=_HINT)
    except IntegrityError as error:
        problem = f"it cannot be read as a library: {error.context}"
        return LibraryReading(library=name, size=size, packed=size, problem=problem)
    code = replace(code, library=name.rpartition("/")[2])
    return LibraryReading(library=name, size=size, packed=size, code=code, elf=elf)


def read_libraries(
    archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], folder: Path, hashes: Mapping[str, str]
) -> Iterator[LibraryReading]:
    """Read members of a wheel, unpacked into `folder` two at a time; `hashes` are RECORD's, `sha256=...` by name.

    Inflating, hashing and writing do not hold Python's lock, so two threads take half the time. They come in the order
    of `members`. Raises DiskError, before anything is written where there is no space for the largest.
    """
    refused = dict(_refused(members))
    wanted = [number for number in range(len(members)) if number not in refused]
    wanted.sort(key=lambda number: members[number].file_size, reverse=True)  # the longest must not begin last
    _require_space(sum(members[number].file_size for number in wanted[:_WORKERS]), folder)
    unpacker = _Unpacker(archive=archive, folder=folder, hashes=hashes)
    pool = ThreadPoolExecutor(max_workers=_WORKERS)
    try:
        started = {number: pool.submit(unpacker.read, members[number], number) for number in wanted}
        for number, member in enumerate(members):
            if number in refused:
                found = LibraryReading(library=member.filename, size=0, packed=0, problem=refused[number])
            else:
                found = started[number].result()
            yield replace(found, size=member.file_size, packed=member.compress_size)
    finally:
        unpacker.stop.set()
        pool.shutdown(cancel_futures=True)


def _refused(members: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[int, str]]:
    """Name those that are not read, by their number, and why."""
    left = LARGEST_IN_ALL
    for number, member in enumerate(members):
        allowed = min(LARGEST, left)
        if number >= MOST:
            yield number, f"it was not read, for there are {len(members):,} libraries, and {MOST:,} are enough"
        elif member.file_size > allowed:
            yield number, f"it claims {member.file_size:,} bytes: more than {allowed:,} are not unpacked"
        else:
            left -= member.file_size


@dataclass(frozen=True, kw_only=True)
class _Unpacker:
    """Unpacks and reads members of one archive, in several threads. `stop`: what is under way is given up."""

    archive: zipfile.ZipFile
    folder: Path
    hashes: Mapping[str, str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self, member: zipfile.ZipInfo, number: int) -> LibraryReading:
        """Unpack and read one member; what is wrong with it becomes its problem. Raises DiskError."""
        path = self.folder / f"{_NAME}-{number}"
        promised = self.hashes.get(member.filename, "")
        try:
            agrees = self._unpack(member, path, Checksum(promised, member))
            found = read_library(path, member.filename)
        except _DAMAGE as error:
            problem = f"it cannot be unpacked: {error or type(error).__name__}"
            return LibraryReading(library=member.filename, size=0, packed=0, problem=problem)
        finally:
            with disk_errors(path):
                path.unlink(missing_ok=True)
        if not agrees:
            problem = "; ".join(filter(None, (WRONG_HASH, found.problem)))
            return replace(found, wrong_hash=True, problem=problem)
        return found

    def _unpack(self, member: zipfile.ZipInfo, path: Path, checksum: Checksum) -> bool:
        """Write a member to `path`, and tell whether its hash is RECORD's.

        Raises ValueError, struct.error where it is not what its directory says.
        """
        with disk_errors(path):
            target = path.open("wb")
        with target:
            for data in inflate(self._chunks(member), member.compress_type):
                checksum.feed(data)
                with disk_errors(path):
                    target.write(data)
            with disk_errors(path):
                target.flush()
        return checksum.agrees()

    def _chunks(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """Read a member's compressed bytes; the archive has one position for all threads."""
        stream = cast("BinaryIO | None", self.archive.fp)
        if stream is None:
            raise ValueError("the wheel was closed")
        with self.lock:
            position = data_offset(stream, member)
        end = position + member.compress_size
        while position < end and not self.stop.is_set():
            with self.lock:
                stream.seek(position)
                chunk = stream.read(min(_CHUNK, end - position))
            if not chunk:
                return
            position += len(chunk)
            yield chunk


def _require_space(needed: int, folder: Path) -> None:
    with disk_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskError(
            "no space to unpack the largest library",
            context=f"{needed:,} bytes are needed, {free:,} bytes are free in {folder}",
            hint=SPACE_HINT,
            reference="disk-full",
        )
