"""A hub for applications, in files: our weights where huggingface_hub looks for what it has fetched before.

Kokoro's command line, and most applications, ask the hub for `hexgrad/Kokoro-82M`. With HF_HUB_OFFLINE=1 its library
asks its cache alone, so a folder of that shape gives them ours:

    models--hexgrad--Kokoro-82M/refs/main                        names a revision
    models--hexgrad--Kokoro-82M/snapshots/REVISION/config.json   and the checkpoint and voices/: links to the weights

The revision is the hub's own only where the weights are the hub's. Others go by our name for them, `registry-...`, for
they are not what the hub would give; ABOUT.txt says what they are.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scripts.disk import disk_errors
from scripts.home import Home
from scripts.model.plan import WeightsSource
from scripts.model.weights import WeightsFolder
from scripts.weights.pins import load_pins

CACHE = "HF_HUB_CACHE"
OFFLINE = "HF_HUB_OFFLINE"
PLACES = (CACHE, "HF_HOME", "HUGGINGFACE_HUB_CACHE")
"""Each of them chooses huggingface_hub's cache: where one is set, the user has chosen."""
_ONLINE = frozenset({"0", "off", "no", "false"})
_ABOUT = "ABOUT.txt"


def offline_hub(home: Home, weights: WeightsFolder) -> Path:
    """Give the folder for HF_HUB_CACHE, made where it is not there or not whole. Raises DiskError."""
    folder = home.cache / "hub" / weights.name
    wanted = _content(weights)
    if _holds(folder, wanted):
        return folder
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{weights.name}."))
        try:
            _fill(part, wanted)
            if folder.exists():
                shutil.rmtree(folder)
            part.chmod(0o755)
            part.rename(folder)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            if not _holds(folder, wanted):  # another process may have been quicker
                raise
    return folder


def hub_variables(environ: Mapping[str, str], home: Home, weights: WeightsFolder) -> dict[str, str]:
    """Give the variables with which an application finds the weights offline; none where the user chose otherwise.

    That is: a cache of their own, or HF_HUB_OFFLINE=0, with which huggingface_hub would write into ours. Weights for
    ONNX Runtime are no checkpoint, and give none. Raises DiskError.
    """
    if weights.is_onnx or any(environ.get(name) for name in PLACES):
        return {}
    if environ.get(OFFLINE, "").strip().lower() in _ONLINE:
        return {}
    return {CACHE: str(offline_hub(home, weights)), OFFLINE: environ.get(OFFLINE) or "1"}


def revision_of(weights: WeightsFolder) -> str:
    """Name the revision: the hub's pinned one for the hub's files, else our own name, which is none of the hub's."""
    return load_pins().hub.revision if weights.source is WeightsSource.HUB else weights.name


def _content(weights: WeightsFolder) -> dict[str, str | Path]:
    """Say what the folder holds, by relative path: text, or the file that a link leads to.

    Links are absolute: parts of a data root may be links themselves, and one that was moved is made anew.
    """
    repository = f"models--{load_pins().hub.repository.replace('/', '--')}"
    revision = revision_of(weights)
    files = {file.path: weights.path / file.path for file in weights.record.files}
    linked = {f"{repository}/snapshots/{revision}/{name}": path for name, path in files.items()}
    about = f"{weights.label}\nMade by kokoro-spark, of links to {weights.path}.\n"
    return {_ABOUT: about, f"{repository}/refs/main": revision, **linked}


def _fill(folder: Path, wanted: Mapping[str, str | Path]) -> None:
    for name, what in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, str):
            path.write_text(what, encoding="utf-8")
        else:
            path.symlink_to(what)


def _holds(folder: Path, wanted: Mapping[str, str | Path]) -> bool:
    for name, what in wanted.items():
        path = folder / name
        try:
            same = path.read_text(encoding="utf-8") == what if isinstance(what, str) else path.samefile(what)
        except (OSError, UnicodeDecodeError):
            return False
        if not same:
            return False
    return True
