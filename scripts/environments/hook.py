"""The bridge's hook in an environment's folder: one file, written whole or not at all, and what it will find there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.environments.contents import distribution, site_packages
from scripts.model.hook import HOOK_FILE, HOOK_TEXT

_HOOK = "kokoro_spark/hook.py"
_KNOWN = "kokoro_spark/known_sources.json"
_SOURCE = "kokoro/istftnet.py"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What of an environment the hook is about. None: it is not there, or cannot be read."""

    has_runtime: bool
    """Its kokoro_spark has the hook."""
    kokoro: str | None
    """The release."""
    sha256: str | None
    """Of kokoro/istftnet.py."""
    known: tuple[str, ...]
    """The hashes that its kokoro_spark knows."""

    @property
    def is_known(self) -> bool:
        """Tell whether the hook would enable the bridge."""
        return self.sha256 is not None and self.sha256 in self.known


def look(folder: Path) -> Subject:
    """Read what an environment's hook would find. Nothing is started."""
    site = site_packages(folder)
    found = distribution(folder, "kokoro")
    return Subject(
        has_runtime=site is not None and (site / _HOOK).is_file(),
        kokoro=None if found is None else found.version,
        sha256=None if site is None else _sha256(site / _SOURCE),
        known=() if site is None else _known(site / _KNOWN),
    )


def has_hook(folder: Path) -> bool:
    """Tell whether the environment in this folder carries the hook, as we write it."""
    path = _path(folder)
    try:
        return path is not None and path.read_text(encoding="utf-8") == HOOK_TEXT
    except (OSError, UnicodeDecodeError):
        return False


def write_hook(folder: Path) -> None:
    """Put the hook in place. Raises DiskError."""
    path = _path(folder)
    assert path is not None, "whoever calls this has looked"
    write_whole(path, HOOK_TEXT)


def remove_hook(folder: Path) -> bool:
    """Take the hook away, whatever its file holds; True: it was there. Raises DiskError."""
    path = _path(folder)
    if path is None or not (path.is_symlink() or path.exists()):
        return False
    with disk_errors(path):
        path.unlink(missing_ok=True)
    return True


def _path(folder: Path) -> Path | None:
    site = site_packages(folder)
    return None if site is None else site / HOOK_FILE


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _known(path: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(json.loads(path.read_text(encoding="utf-8"))["sources"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()
