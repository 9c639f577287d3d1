"""Read the libraries of a wheel that is here, one after the other: each is unpacked into a file, read, and removed.

The file is needed because a library's section headers stand at its end; none is ever held in memory.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scripts.disk import SPACE_HINT, disk_errors
from scripts.errors import DiskError, IntegrityError
from scripts.wheels.devicecode import DeviceCode, read_device_code
from scripts.wheels.elf import ElfFacts, read_elf
from scripts.wheels.fatbin import MAGIC

LARGEST = 8 << 30
"""Bytes of one library that are unpacked at most."""
LARGEST_IN_ALL = 16 << 30
"""Bytes of all libraries of a wheel that are unpacked at most; torch 2.15.0 has 0.95 billion."""
MOST = 2000
"""Libraries of a wheel that are read; torch 2.15.0 has 20."""

_CHUNK = 1 << 20
_NAME = "library"
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


def read_library(path: Path, name: str) -> LibraryReading:
    """Read a library, or a bare fatbin (then without ELF facts), that is a file of its own."""
    size = path.stat().st_size
    try:
        code = read_device_code(path, hint=_HINT)
        with path.open("rb") as stream:
            bare = stream.read(len(MAGIC)) == MAGIC
        elf = None if bare else read_elf(path, hint=_HINT)
    except IntegrityError as error:
        problem = f"it cannot be read as a library: {error.context}"
        return LibraryReading(library=name, size=size, packed=size, problem=problem)
    code = replace(code, library=name.rpartition("/")[2])
    return LibraryReading(library=name, size=size, packed=size, code=code, elf=elf)


def read_libraries(
    archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], folder: Path, hashes: Mapping[str, str]
) -> Iterator[LibraryReading]:
    """Read members of a wheel, unpacked one at a time into `folder`; `hashes` are RECORD's, `sha256=...` by name.

    Raises DiskError, before anything is written where there is no space for the largest.
    """
    left = LARGEST_IN_ALL
    _require_space(max((one.file_size for one in members if one.file_size <= LARGEST), default=0), folder)
    path = folder / _NAME
    for number, member in enumerate(members):
        allowed = min(LARGEST, left)
        if number >= MOST:
            problem = f"it was not read, for there are {len(members):,} libraries, and {MOST:,} are enough"
            found = LibraryReading(library=member.filename, size=member.file_size, packed=0, problem=problem)
        elif member.file_size > allowed:
            problem = f"it claims {member.file_size:,} bytes: more than {allowed:,} are not unpacked"
            found = LibraryReading(library=member.filename, size=member.file_size, packed=0, problem=problem)
        else:
            left -= member.file_size
            found = _read_member(archive, member, path, hashes.get(member.filename))
        yield replace(found, size=member.file_size, packed=member.compress_size)
        with disk_errors(path):
            path.unlink(missing_ok=True)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, promised: str | None) -> LibraryReading:
    """Unpack and read one member; what is wrong with it becomes its problem."""
    try:
        digest = _unpack(archive, member, path)
    except _DAMAGE as error:
        problem = f"it cannot be unpacked: {error or type(error).__name__}"
        return LibraryReading(library=member.filename, size=0, packed=0, problem=problem)
    found = read_library(path, member.filename)
    if promised is not None and promised.startswith("sha256=") and promised.rstrip("=") != f"sha256={digest}":
        problem = f"its hash is not RECORD's: sha256={digest}"
        return replace(found, problem="; ".join(filter(None, (problem, found.problem))))
    return found


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> str:
    """Write a member to `path` and give its hash as RECORD writes it. zipfile gives no more than it claims to hold.

    One chunk is written and hashed while the next is inflated: torch 2.15.0's passport takes 4.1 s instead of 4.8.
    """
    digest: Any = hashlib.sha256()
    with disk_errors(path):
        target = path.open("wb")

    def keep(chunk: bytes) -> None:
        digest.update(chunk)
        with disk_errors(path):
            target.write(chunk)

    with target, archive.open(member) as source, ThreadPoolExecutor(max_workers=1) as worker:
        kept: Future[None] | None = None
        while chunk := source.read(_CHUNK):
            if kept is not None:
                kept.result()
            kept = worker.submit(keep, chunk)
        if kept is not None:
            kept.result()
        with disk_errors(path):
            target.flush()
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


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
