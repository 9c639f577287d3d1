"""Weights that the user has: a folder as the hub has it, or a .pth file with its voices beside it.

They are copied, so that an environment does not change when the original does, and named by what they hold.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import DiskError, UsageError
from scripts.model.plan import WeightsSource
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME, VOICES_NAME, WeightsFolder
from scripts.partfile import sha256_of
from scripts.progress import step
from scripts.weights.checking import check
from scripts.weights.means import Means
from scripts.weights.pins import CONFIG, digest
from scripts.weights.store import find, publish, staged

_EXPECTED = f"{CHECKPOINT_NAME} (or one .pth file), {VOICES_NAME}/*.pt and, if it is not the hub's, {CONFIG_NAME}"


@dataclass(frozen=True, kw_only=True)
class Given:
    """The files that a path stands for."""

    checkpoint: Path
    config: Path
    voices: tuple[Path, ...]


def locate(path: Path) -> Given:
    """Find checkpoint, configuration and voices of a folder or a .pth file.

    Raises UsageError (no-checkpoint, no-voices), which says what was expected.
    """
    folder = path if path.is_dir() else path.parent
    voices = tuple(sorted((folder / VOICES_NAME).glob("*.pt")))
    if path.is_dir():
        named = folder / CHECKPOINT_NAME
        candidates = [named] if named.is_file() else sorted(folder.glob("*.pth"))
    else:
        candidates = [path] if path.suffix == ".pth" else []
    if len(candidates) != 1:
        found = ", ".join(item.name for item in candidates) or "none"
        raise UsageError(
            f"{path} is no Kokoro checkpoint, and no folder with one",
            context=f"checkpoints found: {found}",
            hint=f"a folder holds {_EXPECTED}",
            reference="no-checkpoint",
        )
    if not voices:
        raise UsageError(
            f"there are no voices in {folder / VOICES_NAME}",
            hint=f"put the hub's voices/*.pt there: a folder holds {_EXPECTED}",
            reference="no-voices",
        )
    config = folder / CONFIG_NAME
    return Given(checkpoint=candidates[0], config=config if config.is_file() else CONFIG, voices=voices)


def take(path: Path, means: Means) -> WeightsFolder:
    """Copy, check key by key, publish; what was taken before is found again by its content.

    Raises UsageError (see locate), IntegrityError (wrong-checkpoint), DiskError.
    """
    given = locate(path)
    sources = {CHECKPOINT_NAME: given.checkpoint, CONFIG_NAME: given.config}
    sources |= {f"{VOICES_NAME}/{voice.name}": voice for voice in given.voices}
    hashes = hashes_of(path, sources)
    name = f"{WeightsSource.PATH}-{digest(*(f'{item} {sha256}' for item, sha256 in hashes.items()))}"
    if found := find(means.home, name):
        return found
    with staged(means.home, name) as folder:
        for item, source in sources.items():
            with disk_errors(folder / item):
                shutil.copyfile(source, folder / item)
        request = {
            "kind": "folder",
            "label": str(path),
            "config": str(folder / CONFIG_NAME),
            "checkpoint": str(folder / CHECKPOINT_NAME),
            "voices": str(folder / VOICES_NAME),
        }
        content = check(request, means)
    return publish(
        means.home,
        name,
        source=WeightsSource.PATH,
        label=f"your own {given.checkpoint.name} (sha256 {hashes[CHECKPOINT_NAME][:8]})",
        licences=(),
        content_sha256=content,
    )


def hashes_of(path: Path, sources: Mapping[str, Path]) -> dict[str, str]:
    """Hash the files that a path stands for, by name. Raises DiskError (not-readable)."""
    with step(f"reading {path}"):
        try:
            return {name: sha256_of(source) for name, source in sources.items()}
        except OSError as error:
            raise DiskError(
                f"{error.filename} cannot be read: {error.strerror}",
                hint="give yourself the right to read it",
                reference="not-readable",
            ) from error
