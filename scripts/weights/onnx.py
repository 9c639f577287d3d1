"""Weights for ONNX Runtime: the registry's export as it is (int8) or in float32, or the user's own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from scripts.disk import disk_errors
from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.model.evidence import Outcome
from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import ONNX_NAME, VOICES_NAME, WeightsFolder
from scripts.partfile import sha256_of
from scripts.weights.checking import asked, probe_failed, require_content
from scripts.weights.local import hashes_of
from scripts.weights.means import Means
from scripts.weights.pins import ONNX, OnnxPins, RegistryPins, digest, load_onnx_pins, load_pins
from scripts.weights.registry import fetched, guarded
from scripts.weights.store import find_whole, found_or_dropped, locked, publish, staged

_EXPECTED = f"one .onnx file and {VOICES_NAME}/*.npy (float32, 510 x 1 x 256), or kokoro-onnx's one .bin or .npz of all"


def obtain_onnx(choice: WeightsChoice, means: Means, *, float32: bool) -> WeightsFolder:
    """Give the weights, fetching what is not there yet; `float32` for a build that runs on a GPU.

    `means.python` is the environment's: ONNX Runtime in it checks and converts them.

    Raises NoCandidateError (no-onnx-from-there) for sources that have no ONNX model, UsageError (see locate_onnx),
    NetworkError, IntegrityError, DiskError; BrokenError where the environment cannot check them.
    """
    require_onnx(choice)
    if choice.source is WeightsSource.PATH:
        with locked(means.home):
            return _own(Path(choice.path or ""), means)
    return _from_registry(load_pins().registry, load_onnx_pins(float32=float32), means, float32=float32)


def require_onnx(choice: WeightsChoice) -> None:
    """Refuse what has no ONNX model, before anything is installed for it.

    Raises NoCandidateError (no-onnx-from-there), UsageError (see locate_onnx).
    """
    match choice.source:
        case WeightsSource.AUTO | WeightsSource.REGISTRY:
            return
        case WeightsSource.PATH:
            locate_onnx(Path(choice.path or ""))
        case WeightsSource.HUB:
            raise _refused("the hub's ONNX files are not pinned here, so they are not taken")
        case WeightsSource.SYNTHETIC:
            raise _refused("there are no synthetic weights in ONNX's form")
        case _:
            assert_never(choice.source)


def _refused(why: str) -> NoCandidateError:
    return NoCandidateError(
        f"strategy onnx: {why}",
        reference="no-onnx-from-there",
        hint="take --weights auto or registry (the int8 export), or the path of a folder with a model of your own",
    )


def _from_registry(registry: RegistryPins, pins: OnnxPins, means: Means, *, float32: bool) -> WeightsFolder:
    if found := find_whole(means.home, pins.name):
        return found
    with locked(means.home) as descriptor:
        # Again: another process may have fetched them while we waited.
        found = found_or_dropped(means.home, pins.name)
        return found or _fetch(registry, pins, guarded(means, descriptor), float32=float32)


def _fetch(registry: RegistryPins, pins: OnnxPins, means: Means, *, float32: bool) -> WeightsFolder:
    with fetched(registry, means) as given, staged(means.home, pins.name) as folder:
        doing = "turning the int8 graph into float32" if float32 else "checking the int8 model"
        if not float32:
            with disk_errors(folder):
                shutil.copyfile(given.model, folder / ONNX_NAME)
        model, packages = (given.model, given.packages) if float32 else (folder / ONNX_NAME, None)
        _make(means, model=model, voices=given.voices, folder=folder, packages=packages, doing=doing)
        require_content("the model", "sha256", sha256_of(folder / ONNX_NAME), pins.model_sha256)
    return publish(
        means.home,
        pins.name,
        source=WeightsSource.REGISTRY,
        label=pins.label,
        licences=registry.licences,
        model=(ONNX_NAME,),
    )


def _make(means: Means, *, model: Path, voices: Path, folder: Path, packages: Path | None, doing: str) -> None:
    """Have the environment convert and check; `packages` None: the model stays as it is. Raises probe_failed's."""
    request: dict[str, Any] = {
        "model": str(model),
        "voices": str(voices),
        "out": str(folder),
        "packages": None if packages is None else str(packages),
    }
    made = asked("onnx-weights", request, means, doing=doing)
    known = "exception" not in made.detail and made.detail.get("cause") in {None, "model"}
    if made.outcome is Outcome.FAILED and known:
        raise IntegrityError(
            f"{doing}: it is no ONNX model of Kokoro with its voices",
            context=made.error,
            hint="take another file, or --weights auto",
            reference="wrong-checkpoint",
        )
    if made.outcome is not Outcome.PASSED:
        raise probe_failed(made, doing=doing)


@dataclass(frozen=True, kw_only=True)
class GivenOnnx:
    """The files that a path stands for."""

    model: Path
    voices: Path
    """A folder of voices, or the one file of all."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them, sorted."""
        if self.voices.is_file():
            return (self.model, self.voices)
        return (self.model, *(path for path in sorted(self.voices.iterdir()) if path.suffix in {".npy", ".bin"}))


def locate_onnx(path: Path) -> GivenOnnx:
    """Find the model and the voices of a folder or an .onnx file.

    Raises UsageError (no-checkpoint, no-voices), which says what was expected.
    """
    folder = path if path.is_dir() else path.parent
    models = sorted(folder.glob("*.onnx")) if path.is_dir() else [path] if path.suffix == ".onnx" else []
    if len(models) != 1:
        raise UsageError(
            f"{path} is no ONNX model of Kokoro, and no folder with one",
            context=f"models found: {', '.join(item.name for item in models) or 'none'}",
            hint=f"strategy onnx takes a folder with {_EXPECTED}",
            reference="no-checkpoint",
        )
    voices = folder / VOICES_NAME
    packed = sorted(item for item in folder.iterdir() if item.suffix in {".bin", ".npz"})
    if any(voices.glob("*.npy")) or any(voices.glob("*.bin")):
        return GivenOnnx(model=models[0], voices=voices)
    if len(packed) == 1:
        return GivenOnnx(model=models[0], voices=packed[0])
    raise UsageError(
        f"there are no voices in {voices}",
        hint=f"strategy onnx takes a folder with {_EXPECTED}",
        reference="no-voices",
    )


def _own(path: Path, means: Means) -> WeightsFolder:
    """Copy, check, publish; what was taken before is found again by its content."""
    given = locate_onnx(path)
    hashes = hashes_of(path, {item.name: item for item in given.files})
    name = f"{ONNX}-{digest(*(f'{item} {sha256}' for item, sha256 in hashes.items()))}"
    if found := found_or_dropped(means.home, name):
        return found
    with staged(means.home, name) as folder:
        with disk_errors(folder / ONNX_NAME):
            shutil.copyfile(given.model, folder / ONNX_NAME)
        model = folder / ONNX_NAME
        _make(
            means, model=model, voices=given.voices, folder=folder, packages=None, doing=f"checking {given.model.name}"
        )
    return publish(
        means.home,
        name,
        source=WeightsSource.PATH,
        label=f"your own {given.model.name} (sha256 {hashes[given.model.name][:8]})",
        licences=(),
        model=(ONNX_NAME,),
    )
