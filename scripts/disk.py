"""Writing files whole or not at all, and what the operating system says when it cannot."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.errors import DiskError

SPACE_HINT = "free some space, or set KOKORO_SPARK_HOME to a larger disk"
_RIGHT_HINT = "choose a place that you may write to: KOKORO_SPARK_HOME"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a write into a DiskError that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # requests' own errors are OSErrors too, without a number
            raise
        raise disk_error(error, path) from error


def disk_error(error: OSError, path: Path) -> DiskError:
    """Make the error that an OSError means: no space, or no right to write."""
    full = error.errno in _FULL
    return DiskError(
        f"{error.filename or path} cannot be written: {os.strerror(error.errno) if error.errno else error}",
        reference="disk-full" if full else "not-writable",
        hint=SPACE_HINT if full else _RIGHT_HINT,
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    with disk_errors(path):
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


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file unless it already holds this text; True: it was written."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text)
    return True
