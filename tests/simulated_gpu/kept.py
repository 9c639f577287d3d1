"""What is made once below the data root: whole or not at all, by one process at a time."""

from __future__ import annotations

import hashlib
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

    `make` fills the folder that it is given, which gets its name only after. Raises what `make` raises, BusyError, and
    DiskError.
    """
    full_name = f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    place = shelf_of(home) / full_name
    with locked(
        home.locks / f"simulated-{full_name}",
        wait_seconds=WAIT_SECONDS,
        waiting=lambda holder: say(f"waiting for {holder}, which makes {full_name}"),
    ):
        if not place.exists():
            part = place.with_name(full_name + ".part")
            with disk_errors(part):
                shutil.rmtree(part, ignore_errors=True)  # what a killed run left
                part.mkdir()
            make(part)
            with disk_errors(place):
                part.rename(place)
    return place
