"""Does the bridge fit a release of kokoro? Its wheel is fetched (32 kB) and one file of it is compiled, never run."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.version import Version

from scripts.errors import IntegrityError, NetworkError
from scripts.model.drift import BridgeFit
from scripts.model.evidence import Outcome
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.drift_findings import version_of
from scripts.operations.fetching import fetch_wheel
from scripts.probing import ask
from scripts.wheels.archive import open_archive, read_text

_MEMBER = "kokoro/istftnet.py"
_LARGEST = 32 << 20
"""Bytes of a wheel that is worth fetching for one file; kokoro 0.9.4's has 32 thousand."""
_TIMEOUT = 60.0


def bridge_fit(
    version: str, files: Sequence[IndexFile], context: Context, *, hashes: frozenset[str] | None
) -> BridgeFit:
    """Judge one release by its wheel. `hashes` (sha256): those that are pinned; None: it is not the pinned release.

    Raises DiskError where the cache cannot be written. Whatever else goes wrong is `fits` None, with the reason.
    """
    fits, why = _judge(_wheel(version, files, hashes), context)
    return BridgeFit(kokoro=version, pinned=hashes is not None, fits=fits, why=why)


def _judge(wheel: IndexFile | None, context: Context) -> tuple[bool | None, str]:
    """Fetch the wheel and have its file judged: whether the bridge fits, and why not or why nobody knows."""
    if wheel is None or wheel.sha256 is None:
        return None, "the index has no wheel of it with a sha256 that is known"
    if (wheel.size or 0) > _LARGEST:
        return None, f"{wheel.filename} has {wheel.size:,} bytes"
    try:
        source = _source(fetch_wheel(wheel, context), wheel)
    except (NetworkError, IntegrityError) as error:
        return None, error.message
    if source is None:
        return False, f"it has no {_MEMBER}"
    return _ask(source, context)


def _ask(source: str, context: Context) -> tuple[bool | None, str]:
    """Have a Python of ours compile the source, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-drift-") as folder:
        path = Path(folder) / "istftnet.py"
        path.write_text(source, encoding="utf-8")
        request = {"path": str(path)}
        found = ask(
            Path(sys.executable), "bridge-fit", request, run=context.run, environ=context.environ, timeout=_TIMEOUT
        )
    if found.outcome is not Outcome.PASSED or not isinstance(found.detail.get("fits"), bool):
        return None, found.error or "the probe answered something else"
    return found.detail["fits"], str(found.detail.get("why", ""))


def _wheel(version: str, files: Sequence[IndexFile], hashes: frozenset[str] | None) -> IndexFile | None:
    for file in files:
        sha256 = (file.sha256 or "").lower()
        known = re.fullmatch("[0-9a-f]{64}", sha256) if hashes is None else sha256 in hashes
        if known and file.filename.endswith(".whl") and version_of(file.filename) == Version(version):
            return file
    return None


def _source(path: Path, wheel: IndexFile) -> str | None:
    """Read the one file out of the wheel; None: it has none. Raises IntegrityError (bad-wheel)."""
    with path.open("rb") as stream, open_archive(stream, name=wheel.filename, where=str(path)) as archive:
        member = next((one for one in archive.infolist() if one.filename == _MEMBER), None)
        return None if member is None else read_text(archive, member)
