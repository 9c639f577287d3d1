"""Where an environment's programs run, and how its files are read from here: one Protocol for venv and container."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.shell import Runner


class Place(Protocol):
    """A place that an environment runs in."""

    @property
    def python(self) -> Path:
        """The environment's interpreter, as it is called there."""
        ...

    @property
    def run(self) -> Runner:
        """Run a command there. Paths are the same there as here for the folders that were named with the place."""
        ...

    def fetch(self, path: Path, folder: Path) -> Path:
        """Make a file of the environment readable here; what must be copied for it goes into `folder`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Here:
    """A venv, or any interpreter of this machine."""

    python: Path
    run: Runner

    def fetch(self, path: Path, folder: Path) -> Path:
        """It is here."""
        del folder
        return path
