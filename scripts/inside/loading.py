"""Stock Kokoro from weights on disk, checked key by key before use.

`weights` is what scripts.weights.request.to_request writes:

    {"kind": "synthetic", "config": PATH, "seed": 1234}
    {"kind": "folder", "label": TEXT, "config": PATH, "checkpoint": PATH, "voices": FOLDER}

KModel itself takes nearly any checkpoint: where a strict load fails it cuts seven characters off every key and loads
what still fits, silently (kokoro 0.9.4, model.py). A missing decoder then speaks noise, a missing text encoder babbles
at a plausible loudness. So the model is built empty, the checkpoint is compared with it, and only then loaded.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.inside.failure import ProbeFailure

if TYPE_CHECKING:
    import torch

REPOSITORY = "hexgrad/Kokoro-82M"
VOICE_SHAPE = (510, 1, 256)
DEFAULT_VOICE = "af_heart"
_PREFIX = "module."  # the checkpoint was saved from torch.nn.DataParallel
# A buffer that older releases of transformers saved; the present ones compute it.
_HARMLESS_EXTRA = frozenset({"bert.embeddings.position_ids"})


def load_model(weights: dict[str, Any], *, disable_complex: bool) -> torch.nn.Module:
    """Build the stock kokoro.KModel in eval mode on the CPU.

    Synthetic weights are the full architecture (81.8 M parameters) as torch initialises it after seeding with
    `seed`: the same on every run of one torch version. Nothing is downloaded and no bridge is applied.

    Raises ProbeFailure where a file cannot be read, or the checkpoint is not one of this architecture.
    """
    import torch

    if weights["kind"] == "synthetic":
        torch.manual_seed(int(weights["seed"]))
        return empty_model(weights["config"], disable_complex=disable_complex)
    state = read_checkpoint(Path(weights["checkpoint"]))
    model = empty_model(weights["config"], disable_complex=disable_complex)
    problems = check_state(model, state)
    if problems:
        raise ProbeFailure(
            "the checkpoint does not fit Kokoro: " + summary(problems),
            {"checkpoint": weights["checkpoint"], "problems": problems},
        )
    model.load_state_dict({key: state[key] for key in model.state_dict() if key in state}, strict=False)
    return model


def load_voice(weights: dict[str, Any], voice: str | None) -> torch.Tensor:
    """Load a voice: float32 of shape (510, 1, 256), one style for each count of phonemes.

    None: af_heart where there is one, else the first by name. Synthetic weights have one seeded random voice for
    every name.

    Raises ProbeFailure where there is no such voice, or its file is not of that shape or not finite.
    """
    import torch

    if weights["kind"] == "synthetic":
        generator = torch.Generator().manual_seed(int(weights["seed"]) + 1)
        return torch.randn(VOICE_SHAPE, generator=generator) * 0.1
    path = voice_path(weights, voice)
    pack = _read(path)
    if not isinstance(pack, torch.Tensor):
        raise ProbeFailure(f"{path} holds no tensor", {"voice": str(path)})
    if tuple(pack.shape) != VOICE_SHAPE or not pack.is_floating_point() or not bool(torch.isfinite(pack).all()):
        raise ProbeFailure(
            f"{path} is no voice: expected finite floats of shape {VOICE_SHAPE}, "
            f"found {str(pack.dtype).removeprefix('torch.')} of shape {tuple(pack.shape)}",
            {"voice": str(path)},
        )
    return pack.float()


def voice_path(weights: dict[str, Any], voice: str | None) -> Path:
    """Find the file of a voice of a weights folder (see load_voice)."""
    folder = Path(weights["voices"])
    names = sorted(path.stem for path in folder.glob("*.pt"))
    if voice is None and names:
        voice = DEFAULT_VOICE if DEFAULT_VOICE in names else names[0]
    if voice not in names:
        raise ProbeFailure(f"there is no voice {voice!r} in {folder}", {"voices": names})
    return folder / f"{voice}.pt"


def empty_model(config: str | dict[str, Any], *, disable_complex: bool) -> torch.nn.Module:
    """Build KModel from its configuration alone, its weights as torch initialises them.

    KModel insists on a checkpoint (it would fetch the hub's), so it gets an empty one.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # before kokoro's import: an unreachable hub costs 24 s of retries
    import torch
    from kokoro.model import KModel

    with tempfile.TemporaryDirectory(prefix="kokoro-spark-") as folder:
        checkpoint = Path(folder) / "empty.pth"
        torch.save({}, checkpoint)
        try:
            model: torch.nn.Module = KModel(
                repo_id=REPOSITORY, config=config, model=str(checkpoint), disable_complex=disable_complex
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProbeFailure(f"{config} is no configuration of Kokoro: {error!r}", {"config": str(config)}) from error
    return model.eval()


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read a checkpoint {part: {key: tensor}} into one flat state, keys as KModel names them.

    Raises ProbeFailure where the file cannot be read or is not of that form.
    """
    import torch

    parts = _read(path)
    if not isinstance(parts, dict) or not all(isinstance(part, dict) for part in parts.values()):
        raise ProbeFailure(f"{path} is no checkpoint of Kokoro: its parts are not dicts", {"checkpoint": str(path)})
    state: dict[str, torch.Tensor] = {}
    for name, part in parts.items():
        # The prefix is DataParallel's only when every key has it; else it is left, and reported as unexpected.
        cut = len(_PREFIX) if part and all(str(key).startswith(_PREFIX) for key in part) else 0
        for key, value in part.items():
            if not isinstance(value, torch.Tensor):
                raise ProbeFailure(f"{path}: {name}.{key} is no tensor", {"checkpoint": str(path)})
            state[f"{name}.{str(key)[cut:]}"] = value
    return state


def check_state(model: torch.nn.Module, state: dict[str, torch.Tensor]) -> dict[str, list[str]]:
    """Compare a flat state with the model's own, key by key. Empty: it fits.

    Legitimately absent: the affine parameters of InstanceNorm (kokoro added them for an ONNX exporter's sake; no
    checkpoint has them and their defaults 1 and 0 change nothing) and the tables that CustomSTFT computes.
    """
    import torch

    expected = model.state_dict()
    optional = _optional_keys(model)
    problems: dict[str, list[str]] = {
        "missing": sorted(key for key in expected if key not in state and key not in optional),
        "unexpected": sorted(key for key in state if key not in expected and key not in _HARMLESS_EXTRA),
        "wrong_shape": [],
        "wrong_type": [],
        "not_finite": [],
    }
    for key in sorted(expected.keys() & state.keys()):
        found = state[key]
        if found.shape != expected[key].shape:
            problems["wrong_shape"].append(f"{key}: {tuple(found.shape)} instead of {tuple(expected[key].shape)}")
        elif found.is_floating_point() != expected[key].is_floating_point():
            problems["wrong_type"].append(f"{key}: {found.dtype} instead of {expected[key].dtype}")
        elif not bool(torch.isfinite(found).all()):
            problems["not_finite"].append(key)
    return {kind: keys for kind, keys in problems.items() if keys}


def summary(problems: dict[str, list[str]]) -> str:
    """Say in one line what check_state found, naming the first keys of each kind."""
    shown = 3
    texts = []
    for kind, keys in problems.items():
        more = f" and {len(keys) - shown} more" if len(keys) > shown else ""
        texts.append(f"{kind.replace('_', ' ')}: {', '.join(keys[:shown])}{more}")
    return "; ".join(texts)


def _optional_keys(model: torch.nn.Module) -> frozenset[str]:
    import torch

    keys = set()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.InstanceNorm1d):
            keys |= {f"{name}.weight", f"{name}.bias"}
        elif type(module).__name__ == "CustomSTFT":
            keys |= {f"{name}.{key}" for key in module.state_dict()}
    return frozenset(keys)


def _read(path: Path) -> Any:
    import pickle

    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        first = (str(error).strip().splitlines() or [""])[0]
        raise ProbeFailure(f"{path} cannot be read: {first or type(error).__name__}", {"file": str(path)}) from error
