"""A wheel's libraries, one after the other, as files: their headers are spread over half a gigabyte."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.disk import SPACE_HINT, disk_errors
from scripts.errors import DiskError
from scripts.wheels.archive import is_library
from scripts.wheels.devicecode import DeviceCode, read_device_code

_CHUNK = 1 << 20


@contextmanager
def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Iterator[Path]:
    """Unpack one member into a temporary file of its base name below `folder`; it is gone afterwards.

    Raises DiskError, and what reading a zip raises (see open_archive): a member that grows beyond its claim is refused.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    if member.file_size > free:
        raise DiskError(
            f"no space to unpack {member.filename}",
            context=f"{member.file_size:,} bytes, {free:,} bytes free in {folder}",
            hint=SPACE_HINT,
            reference="disk-full",
        )
    with tempfile.TemporaryDirectory(prefix="library-", dir=folder) as name:
        path = Path(name) / (member.filename.rpartition("/")[2] or "member")
        left = member.file_size
        with archive.open(member) as source, path.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise ValueError(f"{member.filename} is larger than it claims")
                with disk_errors(path):
                    copy.write(chunk)
        yield path


def read_libraries(archive: zipfile.ZipFile, folder: Path) -> tuple[DeviceCode, ...]:
    """Read the device code of every library of a wheel. Raises IntegrityError (bad-library) and as `unpacked` does."""
    found = []
    for member in archive.infolist():
        if is_library(member.filename):
            with unpacked(archive, member, folder) as path:
                found.append(read_device_code(path, hint="the wheel is damaged: fetch it again"))
    return tuple(found)
