"""What obtaining weights needs of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scripts.home import Home
from scripts.shell import Runner
from scripts.web import Reply


class Downloads(Protocol):
    """The part of scripts.web.Web that is used here."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Fetch a page."""
        ...

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str,
        size: int | None = None,
        description: str,
        headers: Mapping[str, str] | None = None,
    ) -> Path:
        """Fetch a file whose hash is known; resumes."""
        ...


@dataclass(frozen=True, kw_only=True)
class Means:
    """The effects: the data root, processes, HTTP, the environment's interpreter, uv."""

    home: Home
    run: Runner
    web: Downloads
    python: Path
    """Of the environment that the weights are for: it checks and converts them, started by `run`."""
    here: Runner
    """Starts this machine's own programs, uv and npm; `run` may start everything in a container."""
    uv_python: tuple[str, ...]
    """uv's options for unpacking packages that this environment can import."""
    uv: str
    environ: Mapping[str, str] = field(repr=False)
    """As uv is to see it: mirrors, proxies and tokens are read from it."""
