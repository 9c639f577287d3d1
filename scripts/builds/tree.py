"""A folder of sources: named by what it holds, and copied, so that nothing is ever built in the user's own."""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import UsageError

_NOT_SOURCE = frozenset({".git", ".hg", "__pycache__", "build", "dist", ".eggs", ".tox", ".venv", "venv"})
_NOT_SOURCE_SUFFIXES = (".egg-info", ".pyc")


def tree_digest(folder: Path) -> str:
    """Hash names, modes and contents, and links by where they lead. What a build leaves there is left out.

    Raises UsageError (not-readable, link-leads-out).
    """
    digest = hashlib.sha256()
    try:
        for path in _files(folder):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink():
                _require_inside(path, folder)
                kind, content = "link", str(path.readlink()).encode()
            else:
                kind = "program" if path.stat().st_mode & stat.S_IXUSR else "file"
                with path.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").digest()
            digest.update(f"{kind}\0{name}\0".encode() + content + b"\n")
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder} cannot be read",
            context=error.strerror or str(error),
            reference="not-readable",
            hint="check its mode",
        ) from error
    return digest.hexdigest()


def copy_tree(folder: Path, to: Path) -> None:
    """Copy the sources. Raises DiskError."""
    with disk_errors(to):
        to.mkdir(parents=True)
        for path in _files(folder):
            target = to / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)


def _files(folder: Path) -> Iterator[Path]:
    """Give every file and link, in one order."""
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in _NOT_SOURCE or name.endswith(_NOT_SOURCE_SUFFIXES):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_symlink() or path.is_file():
            yield path


def _require_inside(link: Path, folder: Path) -> None:
    if not link.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{link.relative_to(folder)} is a link that leads out of {folder}",
            context=f"it leads to {link.readlink()}",
            reference="link-leads-out",
            hint="put the file itself there: what it leads to is in no stamp",
        )
