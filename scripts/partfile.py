"""A download in the making: NAME.part beside NAME, locked, hashed as it grows, renamed when it is right."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from scripts.disk import SPACE_HINT, disk_errors
from scripts.errors import DiskError, IntegrityError

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Hash a file, in hexadecimal, without holding it in memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(kw_only=True)
class PartFile:
    """The part that is there, open and locked. `size` is how much of it there is."""

    destination: Path
    stream: IO[bytes]
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def path(self) -> Path:
        """Where the part is."""
        return part_path(self.destination)

    def restart(self) -> None:
        """Throw away what is there."""
        self.stream.truncate(0)
        self.stream.seek(0)
        self.size = 0
        self.digest = hashlib.sha256()

    def require_space(self, total: int | None) -> None:
        """Refuse, before anything is fetched, a file of `total` bytes that would not fit."""
        needed = 0 if total is None else total - self.size
        free = shutil.disk_usage(self.path.parent).free
        if needed > free:
            raise DiskError(
                f"no space for {self.destination.name}",
                context=f"{needed:,} bytes to come, {free:,} bytes free in {self.path.parent}",
                hint=SPACE_HINT,
                reference="disk-full",
            )

    def write(self, chunk: bytes) -> None:
        """Append."""
        with disk_errors(self.path):
            self.stream.write(chunk)
        self.size += len(chunk)
        self.digest.update(chunk)

    def finish(self, *, sha256: str, size: int | None, source: str) -> Path:
        """Check length and hash, then rename the part to its destination.

        Raises IntegrityError, having removed the part, where it is not what was pinned.
        """
        found = self.digest.hexdigest()
        if size is not None and self.size != size:
            self.refuse("truncated-file", f"{self.size} bytes instead of {size}", source)
        if found != sha256.lower():
            self.refuse("wrong-hash", f"sha256 {found}\nexpected {sha256.lower()}", source)
        with disk_errors(self.destination):
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.path.replace(self.destination)
        return self.destination

    def refuse(self, reference: str, difference: str, source: str) -> NoReturn:
        """Remove the part and say why, as IntegrityError."""
        self.path.unlink(missing_ok=True)
        raise IntegrityError(
            f"{self.destination.name} is not the file that was pinned",
            context=f"{difference}\nfrom {source}",
            hint="run it again; if it stays so, the index or a proxy on the way serves another file: name a mirror",
            reference=reference,
        )


def part_path(destination: Path) -> Path:
    """Where the unfinished download of `destination` is kept."""
    return destination.with_name(destination.name + ".part")


@contextmanager
def open_part(destination: Path) -> Iterator[PartFile]:
    """Open the part of `destination`, waiting for another process that is at it, and read what is there.

    Raises DiskError where it cannot be written.
    """
    path = part_path(destination)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = _locked(path)
    with stream:
        part = PartFile(destination=destination, stream=stream)
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            part.size += len(chunk)
            part.digest.update(chunk)
        try:
            yield part
        finally:
            if part.size == 0 and _is_at(stream, path):
                path.unlink()


def _locked(path: Path) -> IO[bytes]:
    """Open and lock; once more where the file we locked was renamed or removed while we waited."""
    while True:
        stream = path.open("a+b")
        fcntl.flock(stream, fcntl.LOCK_EX)
        if _is_at(stream, path):
            return stream
        stream.close()


def _is_at(stream: IO[bytes], path: Path) -> bool:
    """Tell whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
