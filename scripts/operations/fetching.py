"""Wheels that are needed whole: downloaded into the cache, by their hash; and room to take them apart."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import IntegrityError
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_STALE_SECONDS = 3600.0
"""No run that is alive keeps a scratch folder for so long."""


def fetch_wheel(file: IndexFile, context: Context) -> Path:
    """Download a file of an index, or find it in the cache.

    Raises IntegrityError (no-hash) where the index names no hash for it, for then nobody knows what came, or what is
    none, for it is part of a path; and what downloading raises.
    """
    if file.sha256 is None or not _SHA256.fullmatch(file.sha256):
        raise IntegrityError(
            f"the index names no sha256 for {file.filename}: it is not downloaded",
            reference="no-hash",
            hint="name an index that has hashes (every mirror of the default one does)",
        )
    place = cached_wheel(file.sha256, file.filename, context)
    description = f"downloading {file.filename}"
    return context.web.download(file.url, place, sha256=file.sha256, size=file.size, description=description)


def cached_wheel(sha256: str, filename: str, context: Context) -> Path:
    """Name the place of a wheel in the cache: by its hash, for two indexes may have two files of one name."""
    return context.home.cache / "wheels" / sha256[:16] / filename


def forget_wheel(path: Path) -> None:
    """Remove a wheel from the cache again."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something else is there too
        path.parent.rmdir()


@contextlib.contextmanager
def scratch(context: Context) -> Iterator[Path]:
    """Make a folder for what is unpacked, on the data root's disk, and remove it afterwards.

    What killed runs left behind is removed first: they may have been at a library of half a gigabyte. Raises DiskError.
    """
    place = context.home.cache / "scratch"
    with disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        for left in place.iterdir():
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        folder = tempfile.TemporaryDirectory(dir=place)
    with folder as name:
        yield Path(name)
