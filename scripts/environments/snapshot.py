"""The files of an installed package as they are: what its RECORD names, and all that stands in its own folders."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.disk import disk_errors
from scripts.environments.foreign import info_folders
from scripts.model.repair import SavedEntry, SavedKind

_SHARED = "nvidia"
"""The folder that all of NVIDIA's packages have in common: each has one of its own below it."""


def snapshot(site: Path, package: str, *, with_folders: bool = True) -> tuple[SavedEntry, ...]:
    """List what belongs to an installed package: what its RECORD names, and all that stands in its own folders."""
    infos = info_folders(site, package)
    recorded = [path for info in infos for path in _recorded(info)]
    paths = {path for path in recorded if os.path.lexists(site / path)}
    for folder in own_folders(site, (*recorded, *(info.name for info in infos))):
        paths |= {str(path.relative_to(site)) for path in (site / folder).rglob("*")} | {folder}
    parents = {str(parent) for path in paths for parent in Path(path).parents if not _leads_out(str(parent))}
    every = sorted(paths | (parents - {"."}))
    with disk_errors(site):
        entries = [_entry(site, path) for path in every if os.path.lexists(site / path)]
    return tuple(one for one in entries if with_folders or one.kind is not SavedKind.FOLDER)


def own_names(paths: Iterable[str]) -> frozenset[str]:
    """Name the folders that are a package's alone, by its files: below NVIDIA's common one, and dist-info."""
    found = set()
    for path in paths:
        parts = Path(path).parts
        if parts[0].endswith(".dist-info"):
            found.add(parts[0])
        elif parts[0] == _SHARED and len(parts) > 2 and parts[1] != "__pycache__":
            found.add("/".join(parts[:2]))
    return frozenset(found)


def own_folders(site: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Name those of them that are there. What a link leads to is not the package's."""
    return tuple(sorted(one for one in own_names(paths) if (site / one).is_dir() and not (site / one).is_symlink()))


def changes(expected: Iterable[SavedEntry], found: Iterable[SavedEntry]) -> tuple[str, ...]:
    """Say how files differ from what they were, by content and by name. What Python compiled of them is no change."""
    before, now = (
        {one.path: (one.kind, one.sha256, one.target) for one in entries if "__pycache__" not in Path(one.path).parts}
        for entries in (expected, found)
    )
    gone = [f"{path}: is gone" for path in sorted(before.keys() - now.keys())]
    new = [f"{path}: was not there" for path in sorted(now.keys() - before.keys())]
    both = sorted(before.keys() & now.keys())
    return (*gone, *new, *(f"{path}: was changed" for path in both if before[path] != now[path]))


def _recorded(info: Path) -> Iterator[str]:
    """Give the paths of a RECORD, those that lead out of the environment left out."""
    try:
        text = (info / "RECORD").read_text(encoding="utf-8")
    except OSError:
        return
    for row in csv.reader(text.splitlines()):
        if row and row[0] and not Path(row[0]).is_absolute() and not _leads_out(row[0]):
            yield str(Path(row[0]))


def _leads_out(path: str) -> bool:
    return ".." in Path(path).parts


def _entry(site: Path, path: str) -> SavedEntry:
    whole = site / path
    status = whole.lstat()
    mode, kind, sha256, target = stat.S_IMODE(status.st_mode), SavedKind.FOLDER, "", ""
    if whole.is_symlink():
        kind, target = SavedKind.LINK, str(whole.readlink())
    elif not whole.is_dir():
        kind, sha256 = SavedKind.FILE, sha256_of(whole.read_bytes())
    return SavedEntry(path=path, kind=kind, mode=mode, mtime_ns=status.st_mtime_ns, sha256=sha256, target=target)


def sha256_of(data: bytes) -> str:
    """Hash a file's content, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
