"""A place that is an image, but for its engine: its files are a folder of the test's, and are copied when asked for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from scripts.shell import Runner


@dataclass
class ImagePlace:
    """`now` is the id that the engine gives the tag; None: it has no such image any more."""

    python: Path
    run: Runner
    image: str = "kokoro-spark/ngc:1"
    now: str | None = "sha256:ab"
    shared: list[Path] = field(default_factory=list)
    fetched: list[Path] = field(default_factory=list)

    def sharing(self, folder: Path) -> ImagePlace:
        self.shared.append(folder)
        return self

    def find(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        return tuple(sorted(folder.glob(pattern)))

    def fetch(self, path: Path, folder: Path) -> Path:
        self.fetched.append(path)
        return Path(shutil.copy(path, folder))

    def image_id(self) -> str | None:
        return self.now

    def uv_python(self) -> tuple[str, ...]:
        return ("--python-version", "3.12")
