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

    def sharing(self, folder: Path) -> Place:
        """Give the same place with another folder that is the same there as here, and can be written."""
        ...

    def find(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """List the files of one of the environment's folders whose name fits the pattern, by name."""
        ...

    def fetch(self, path: Path, folder: Path) -> Path:
        """Make a file of the environment readable here; what must be copied for it goes into `folder`."""
        ...

    @property
    def image(self) -> str | None:
        """The tag of the container image that it is; None: it is none."""
        ...

    def image_id(self) -> str | None:
        """Give the id that this tag names now; None: none any more."""
        ...

    def uv_python(self) -> tuple[str, ...]:
        """Give uv's options that say, from here, which Python packages are to be unpacked for."""
        ...


@dataclass(frozen=True, kw_only=True)
class Here:
    """A venv, or any interpreter of this machine."""

    python: Path
    run: Runner
    image: None = None

    def sharing(self, folder: Path) -> Here:
        """Every folder is."""
        del folder
        return self

    def find(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """List them."""
        return tuple(sorted(folder.glob(pattern)))

    def fetch(self, path: Path, folder: Path) -> Path:
        """It is here."""
        del folder
        return path

    def image_id(self) -> None:
        """It is no image."""

    def uv_python(self) -> tuple[str, ...]:
        """Name the interpreter."""
        return ("--python", str(self.python))
