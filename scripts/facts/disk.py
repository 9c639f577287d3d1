"""The file system that holds the data root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scripts.model.facts import DiskFacts


def nearest_existing(path: Path) -> Path:
    """Climb from a path that may not exist yet to the folder in which it would be made."""
    for folder in (path, *path.parents):
        if folder.is_dir():
            return folder
    return Path(path.anchor or ".")


def disk_facts(root: Path) -> DiskFacts:
    """Measure the file system of `root`, made or not. `free` is what this user may still fill, in bytes."""
    folder = nearest_existing(root)
    usage = shutil.disk_usage(folder)
    return DiskFacts(
        path=str(folder), total=usage.total, free=usage.free, writable=os.access(folder, os.W_OK | os.X_OK)
    )
