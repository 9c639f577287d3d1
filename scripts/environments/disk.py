"""Writing files whole or not at all, and what the operating system says when it cannot."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.errors import DiskError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def as_disk_error(path: Path) -> Iterator[None]:
    """Turn an OSError into a DiskError that names `path`."""
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        raise DiskError(
            f"{error.filename or path} cannot be written: {os.strerror(error.errno or 0)}",
            reference="disk-full" if full else "not-writable",
            hint="free some space, or name another place with KOKORO_SPARK_HOME"
            if full
            else "give yourself the right to write there, or name another place with KOKORO_SPARK_HOME",
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    with as_disk_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
