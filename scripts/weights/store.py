"""The folders below `weights/`: found, made whole or not at all, checked."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import IntegrityError, NoCandidateError
from scripts.home import Home
from scripts.model.plan import WeightsSource
from scripts.model.weights import (
    CHECKPOINT_NAME,
    CONFIG_NAME,
    SYNTHETIC_NAME,
    VOICES_NAME,
    WEIGHTS_RECORD,
    WEIGHTS_SCHEMA,
    SyntheticWeights,
    Weights,
    WeightsFile,
    WeightsFolder,
    WeightsRecord,
)
from scripts.partfile import sha256_of
from scripts.progress import say
from scripts.serial import from_data, to_json
from scripts.weights.pins import CONFIG, load_pins

TOOL = "kokoro-spark"
_VOICE_SUFFIXES = frozenset({".pt", ".npy"})
DAMAGED = "damaged-weights"
_REMEDY = "remove that folder and run `invoke setup` again"


def synthetic() -> SyntheticWeights:
    """Weights that need nothing."""
    pins = load_pins()
    return SyntheticWeights(label=pins.synthetic_label, config=CONFIG, seed=pins.synthetic_seed, voices=pins.voices)


def stored(home: Home, name: str) -> Weights:
    """Read the weights that an environment's record names.

    Raises NoCandidateError (no-weights) where they are gone, IntegrityError (see find).
    """
    if name == SYNTHETIC_NAME:
        return synthetic()
    found = find(home, name)
    if found is None:
        raise NoCandidateError(
            f"the weights {name} are not there",
            context=str(home.weights / name),
            hint="fetch them again: `invoke setup --weights auto`",
            reference="no-weights",
        )
    return found


def find(home: Home, name: str) -> WeightsFolder | None:
    """Read one folder below `weights/`; None where there is none. Files are checked for presence and size only.

    Raises IntegrityError (bad-record, record-schema, damaged-weights).
    """
    folder = home.weights / name
    if not folder.exists():
        return None
    path = folder / WEIGHTS_RECORD
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path} cannot be read: {error}", hint=_REMEDY, reference="bad-record") from error
    if not isinstance(data, dict) or data.get("tool") != TOOL:
        raise IntegrityError(f"{path} is not ours", hint=_REMEDY, reference="bad-record")
    if data.get("schema") != WEIGHTS_SCHEMA:
        raise IntegrityError(
            f"{path} is of schema {data.get('schema')}, this version reads {WEIGHTS_SCHEMA}",
            hint=_REMEDY,
            reference="record-schema",
        )
    found = WeightsFolder(path=folder, record=from_data(WeightsRecord, data, what=str(path)))
    _require(found, [file.path for file in found.record.files if _size(folder / file.path) != file.size])
    return found


def find_whole(home: Home, name: str) -> WeightsFolder | None:
    """Find as `find` does; None also for one whose files are not what its record says."""
    try:
        return find(home, name)
    except IntegrityError as error:
        if error.reference != DAMAGED:
            raise
        return None


def found_or_dropped(home: Home, name: str) -> WeightsFolder | None:
    """Find as `find` does; one whose files are not what its record says is removed, to be fetched again."""
    try:
        return find(home, name)
    except IntegrityError as error:
        if error.reference != DAMAGED:
            raise
        say(f"{error.message}: fetching them again")
        discard(home.weights / name)
        return None


def verify_files(weights: WeightsFolder) -> None:
    """Hash every file (about a second).

    Raises IntegrityError (damaged-weights) naming those that are not what the record says.
    """
    files = weights.record.files
    _require(weights, [file.path for file in files if sha256_of(weights.path / file.path) != file.sha256])


@contextmanager
def locked(home: Home) -> Iterator[int]:
    """One process at a time fetches weights; another waits, and is told. The value is the lock's descriptor."""
    path = home.locks / "weights.lock"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is fetching the weights: waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()


def staging(home: Home, name: str) -> Path:
    """Name the folder where `name` is put together. A killed fetch leaves it, and the next one goes on in it."""
    folder = home.weights / f".{name}.part"
    with disk_errors(folder):
        (folder / VOICES_NAME).mkdir(parents=True, exist_ok=True)
    return folder


def publish(
    home: Home,
    name: str,
    *,
    source: WeightsSource,
    label: str,
    licences: tuple[str, ...],
    content_sha256: str | None = None,
    model: tuple[str, ...] = (CHECKPOINT_NAME, CONFIG_NAME),
) -> WeightsFolder:
    """Write the record into the staging folder of `name`, then give the folder its name.

    `model` names the files beside the voices.
    """
    folder, final = staging(home, name), home.weights / name
    voices = sorted(path for path in (folder / VOICES_NAME).iterdir() if path.suffix in _VOICE_SUFFIXES)
    files = (*(folder / one for one in model), *voices)
    record = WeightsRecord(
        schema=WEIGHTS_SCHEMA,
        tool=TOOL,
        source=source,
        label=label,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files=tuple(
            WeightsFile(path=path.relative_to(folder).as_posix(), sha256=sha256_of(path), size=path.stat().st_size)
            for path in files
        ),
        licences=licences,
        content_sha256=content_sha256,
    )
    with disk_errors(folder):
        (folder / WEIGHTS_RECORD).write_text(to_json(record, indent=2) + "\n", encoding="utf-8")
        os.sync()  # the name must not outlive the bytes in a power cut
        folder.rename(final)
    return WeightsFolder(path=final, record=record)


@contextmanager
def staged(home: Home, name: str) -> Iterator[Path]:
    """Give an empty staging folder of `name`. A conversion is not gone on with: where it fails the space is freed."""
    discard(staging(home, name))
    folder = staging(home, name)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def discard(folder: Path) -> None:
    """Delete a folder of ours that is not whole, or damaged."""
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)


def _require(weights: WeightsFolder, wrong: list[str]) -> None:
    if wrong:
        raise IntegrityError(
            f"the weights {weights.name} are damaged",
            context="missing or changed: " + ", ".join(wrong) + f"\nin {weights.path}",
            hint=_REMEDY,
            reference=DAMAGED,
        )


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
