"""The hub's own checkpoint and voices, at a pinned revision, every file by its pinned hash."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from scripts.disk import disk_errors
from scripts.errors import NetworkError
from scripts.model.plan import WeightsSource
from scripts.model.weights import CONFIG_NAME, WeightsFolder
from scripts.partfile import sha256_of
from scripts.progress import say
from scripts.redaction import redact
from scripts.weights.means import Means
from scripts.weights.pins import CONFIG, HubPins
from scripts.weights.store import publish, staging

_TRUE = frozenset({"1", "ON", "YES", "TRUE"})


def fetch(pins: HubPins, means: Means) -> WeightsFolder:
    """Fetch what is missing and publish it: about 355 MB, resumed where an earlier fetch broke off.

    A file that the hub's own cache on this machine (HF_HOME) holds with the right hash is copied from there.

    Raises NetworkError, IntegrityError (wrong-hash), DiskError.
    """
    folder = staging(means.home, pins.name)
    caches = cached_snapshots(pins, means.environ)
    for count, (path, sha256) in enumerate(pins.files, 1):
        destination = folder / path
        if path == CONFIG_NAME:
            with disk_errors(destination):
                shutil.copyfile(CONFIG, destination)
        elif not _copy_cached(path, sha256, destination, caches):
            require_online(means.environ)
            means.web.download(
                file_url(pins, path, means.environ),
                destination,
                sha256=sha256,
                description=f"Kokoro {path} ({count}/{len(pins.files)})",
                headers=headers(pins, means.environ),
            )
    return publish(means.home, pins.name, source=WeightsSource.HUB, label=pins.label, licences=pins.licences)


def why_unreachable(pins: HubPins, means: Means) -> str:
    """Ask the hub for its smallest file. Empty: it answers. Else why not, in words (within some three seconds)."""
    if all(_cached(path, sha256, cached_snapshots(pins, means.environ)) for path, sha256 in pins.files[:1]):
        return ""
    try:
        require_online(means.environ)
        reply = means.web.get(file_url(pins, CONFIG_NAME, means.environ), headers=headers(pins, means.environ))
    except NetworkError as error:
        return error.message
    return "" if reply.status == 200 else f"{redact(endpoint(pins, means.environ))} answers {reply.status}"


def require_online(environ: Mapping[str, str]) -> None:
    """Raise NetworkError (hub-offline) where HF_HUB_OFFLINE forbids the hub."""
    if environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE:
        raise NetworkError(
            "HF_HUB_OFFLINE is set, so the hub is not asked",
            hint="unset it, or take --weights registry",
            reference="hub-offline",
        )


def endpoint(pins: HubPins, environ: Mapping[str, str]) -> str:
    """Give the hub's address, or its mirror's (HF_ENDPOINT)."""
    return (environ.get("HF_ENDPOINT") or pins.endpoint).rstrip("/")


def file_url(pins: HubPins, path: str, environ: Mapping[str, str]) -> str:
    """Give the address of one file at the pinned revision."""
    return f"{endpoint(pins, environ)}/{pins.repository}/resolve/{pins.revision}/{quote(path)}"


def headers(pins: HubPins, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the token (HF_TOKEN) to the hub itself, over TLS, and to nobody else: not to a mirror."""
    token = environ.get("HF_TOKEN", "").strip()
    asked, own = urlsplit(endpoint(pins, environ)), urlsplit(pins.endpoint)
    if token and (asked.scheme, asked.netloc) == (own.scheme, own.netloc):
        return {"Authorization": f"Bearer {token}"}
    return {}


def cached_snapshots(pins: HubPins, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Find what huggingface_hub has kept of the repository: every snapshot, the pinned revision's first."""
    home = environ.get("HF_HOME")
    if not home:
        general = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
        home = str(Path(general) / "huggingface")
    hub = Path(environ.get("HF_HUB_CACHE") or Path(home).expanduser() / "hub").expanduser()
    snapshots = hub / f"models--{pins.repository.replace('/', '--')}" / "snapshots"
    if not snapshots.is_dir():
        return ()
    return tuple(sorted(snapshots.iterdir(), key=lambda path: (path.name != pins.revision, path.name)))


def _cached(path: str, sha256: str, snapshots: tuple[Path, ...]) -> Path | None:
    for snapshot in snapshots:
        candidate = snapshot / path
        if candidate.is_file() and sha256_of(candidate) == sha256:
            return candidate
    return None


def _copy_cached(path: str, sha256: str, destination: Path, snapshots: tuple[Path, ...]) -> bool:
    candidate = _cached(path, sha256, snapshots)
    if candidate is None:
        return False
    say(f"Kokoro {path}: from the hub's cache on this machine")
    part = destination.with_name(destination.name + ".copy")
    with disk_errors(destination):
        shutil.copyfile(candidate, part)
        part.replace(destination)
    return True
