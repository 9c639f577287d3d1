"""The folder of --report: made and tried before the work, and what cannot be written there told as what it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.errors import DiskError

_HINT = "choose another folder for --report, or leave it out"


def require_report_folder(folder: Path) -> None:
    """Make the folder, and try it: an answer that took minutes must not be lost at the very end.

    Raises DiskError (not-writable).
    """
    if folder.exists() and not folder.is_dir():
        raise DiskError(f"{folder} is a file, and no folder for reports", reference="not-writable", hint=_HINT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DiskError(
            f"no report can be written into {folder}: {error.strerror}", reference="not-writable", hint=_HINT
        ) from error


@contextmanager
def report_errors() -> Iterator[None]:
    """Give a DiskError of the report a hint that is about --report: another data root would not help."""
    try:
        yield
    except DiskError as error:
        raise DiskError(error.message, context=error.context, hint=_HINT, reference=error.reference) from error
