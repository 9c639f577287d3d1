"""What is installed in an environment, read from its dist-info folders: no process, no import."""

from __future__ import annotations

import hashlib
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from packaging.utils import canonicalize_name

from scripts.model.environment import InstalledFileSet
from scripts.strategies.locks import NVRTC_NAMES

WATCHED = (
    *("torch", *NVRTC_NAMES, "kokoro", "kokoro-spark", "misaki"),
    *("onnxruntime", "onnxruntime-gpu", "kokoro-onnx"),
)
"""The distributions whose files verify checks."""


def site_packages(folder: Path) -> Path | None:
    """Find an environment's site-packages folder."""
    return next(iter(sorted(folder.glob("lib/python3.*/site-packages"))), None)


def distribution(folder: Path, name: str) -> Distribution | None:
    """Find one installed distribution."""
    site = site_packages(folder)
    if site is None:
        return None
    wanted = canonicalize_name(name)
    for path in site.glob("*.dist-info"):
        if canonicalize_name(path.name.split("-")[0]) == wanted:
            return PathDistribution(path)
    return None


def installed_file_sets(folder: Path) -> tuple[InstalledFileSet, ...]:
    """Hash the RECORD of every watched distribution."""
    site = site_packages(folder)
    if site is None:
        return ()
    found = []
    for path in sorted(site.glob("*.dist-info")):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        record = path / "RECORD"
        if canonicalize_name(name) in WATCHED and record.is_file():
            digest = hashlib.sha256(record.read_bytes()).hexdigest()
            found.append(InstalledFileSet(name=canonicalize_name(name), version=version, record_sha256=digest))
    return tuple(found)
