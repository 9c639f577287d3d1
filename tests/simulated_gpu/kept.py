"""What is made once: whole or not at all, by one process at a time."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from scripts.disk import disk_errors
from scripts.environments.locking import locked
from scripts.home import Home
from scripts.progress import say

WAIT_SECONDS = 1800.0
"""How long a second process waits for the one that makes the same."""


def shelf_of(home: Home) -> Path:
    """Give the folder of all that is made once for the simulated GPU. Raises DiskError."""
    place = home.cache / "simulated-gpu" / "made"
    with disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    return place


def kept(name: str, recipe: str, home: Home, make: Callable[[Path], None]) -> Path:
    """Give the folder `name`, made by `make` where it is not there yet; another `recipe` is another folder.

    Raises what made_once raises.
    """
    full_name = f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    return made_once(shelf_of(home) / full_name, home.locks / f"simulated-{full_name}", make)


def made_once(place: Path, lock: Path, make: Callable[[Path], None]) -> Path:
    """Give the folder `place`, made by `make` where it is not there yet; its parent is there.

    `make` fills the folder that it is given, which gets its name only after. Where it fails, nothing is left of it;
    what a killed process left goes when the same is made the next time.

    Raises what `make` raises, BusyError, and DiskError.
    """
    if place.is_dir():
        return place
    with locked(
        lock, wait_seconds=WAIT_SECONDS, waiting=lambda holder: say(f"waiting for {holder}, which makes {place.name}")
    ):
        if not place.is_dir():
            _sweep(place)
            # A name of its own: programs that a killed process started may still be writing to that one's.
            part = place.with_name(f"{place.name}.{os.getpid()}.part")
            try:
                with disk_errors(part):
                    part.mkdir()
                    make(part)
                    part.rename(place)
            finally:
                _sweep(place)
    return place


def _sweep(place: Path) -> None:
    for left in place.parent.glob(f"{place.name}.*.part"):
        shutil.rmtree(left, ignore_errors=True)
