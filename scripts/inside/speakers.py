"""Kokoro in one of its modes, ready to speak phonemes: what `sound` compares and `bench` times.

A speaker holds its model. `speak` takes lines and gives their samples; only `batched` speaks several at once, the
others one after the other.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from scripts.inside.failure import ProbeFailure
from scripts.inside.modes import prepare, restore

_PATCHES = {"bridge": "bridged", "bridge-transform-only": "transform_only", "disable_complex": "disable_complex"}
"""What modes.prepare calls a mode that is a patch, or runs other code of kokoro's; the others are stock below."""
TORCH_MODES = ("stock", *_PATCHES, "tuned", "batched")
ONNX_MODES = ("onnx",)


@dataclass(frozen=True)
class Line:
    """What is to be spoken."""

    phonemes: str
    """Symbols of Kokoro's vocabulary only, at most 510."""
    voice: str
    """A voice's name."""
    speed: float = 1.0
    seed: int = 0
    """Of the noise that the model adds. ONNX draws none."""


class Speaker(Protocol):
    """Kokoro in one mode on one device."""

    mode: str
    device: str
    dtype: str

    def speak(self, lines: Sequence[Line]) -> list[Any]:
        """Give each line's samples: float32, 1-D, 24 kHz, numpy."""
        ...


def open_speaker(mode: str, weights: dict[str, Any], *, device: str = "cpu", dtype: str = "float32") -> Speaker:
    """Load Kokoro for a mode. `weights` is loading.py's for torch, onnx_loading.py's for onnx.

    Raises ProbeFailure for an unknown mode, weights of the other engine, and what loading raises.
    """
    engine = "onnx" if weights["kind"] == "onnx" else "torch"
    known = ONNX_MODES if engine == "onnx" else TORCH_MODES
    if mode not in known:
        raise ProbeFailure(f"no mode {mode!r} with these weights; known: {', '.join(known)}")
    return OnnxSpeaker(weights, device) if engine == "onnx" else TorchSpeaker(mode, weights, device, dtype)


class TorchSpeaker:
    """A mode of PyTorch's. Several may live in one process: a patch is in place only while its speaker speaks."""

    def __init__(self, mode: str, weights: dict[str, Any], device: str, dtype: str) -> None:
        from scripts.inside.loading import load_model

        importlib.import_module("kokoro")
        self.mode, self.device, self.dtype = mode, device, dtype
        self._patch = _PATCHES.get(mode, "stock")
        self._weights = weights
        self._voices: dict[str, Any] = {}
        self.model = load_model(weights, disable_complex=mode == "disable_complex").to(device)
        self._batched: Any = None
        if mode in {"tuned", "batched"}:
            package = runtime()
            self.model = package.tuned(self.model, dtype=dtype)
            self._batched = package.batched(self.model) if mode == "batched" else None

    def voice(self, name: str) -> Any:
        """Give a voice's pack, float32 (510, 1, 256), on the device."""
        if name not in self._voices:
            from scripts.inside.loading import load_voice

            self._voices[name] = load_voice(self._weights, name).to(self.device)
        return self._voices[name]

    def speak(self, lines: Sequence[Line]) -> list[Any]:
        """Give each line's samples, float32, on the CPU. The GPU has finished when this returns."""
        with self._patched():
            if self._batched is not None:
                return self._speak_at_once(lines)
            return [self._speak_one(line) for line in lines]

    def _speak_one(self, line: Line) -> Any:
        import torch

        torch.manual_seed(line.seed)
        return self.model(line.phonemes, self._style(line), line.speed).float().numpy()

    def _speak_at_once(self, lines: Sequence[Line]) -> list[Any]:
        utterance = runtime().Utterance
        batch = [
            utterance(phonemes=line.phonemes, style=self._style(line), speed=line.speed, seed=line.seed)
            for line in lines
        ]
        return [output.audio.float().numpy() for output in self._batched.forward_batch(batch)]

    def _style(self, line: Line) -> Any:
        return self.voice(line.voice)[len(line.phonemes) - 1]

    @contextmanager
    def _patched(self) -> Iterator[None]:
        prepare(self._patch, {})
        try:
            yield
        finally:
            restore(self._patch)


class OnnxSpeaker:
    """kokoro-onnx, whose graph draws no random numbers."""

    mode = "onnx"

    def __init__(self, weights: dict[str, Any], device: str) -> None:
        from scripts.inside.onnx_loading import load_voice, make_kokoro, require_kokoro
        from scripts.inside.onnx_session import load_runtime, open_session

        onnxruntime, build = load_runtime()
        self.device, self.dtype = device, "float32" if "float32" in os.path.basename(weights["model"]) else "int8"  # noqa: PTH119
        self._weights, self._load_voice = weights, load_voice
        session = open_session(onnxruntime, weights["model"], device, build=build)
        require_kokoro(session, weights["model"])
        self._kokoro = make_kokoro(session, load_voice(weights, None)[0])
        self._voices: dict[str, Any] = {}

    def speak(self, lines: Sequence[Line]) -> list[Any]:
        """Give each line's samples, float32, untrimmed."""
        return [
            self._kokoro.create(line.phonemes, self._voice(line.voice), line.speed, is_phonemes=True, trim=False)[0]
            for line in lines
        ]

    def _voice(self, name: str) -> Any:
        if name not in self._voices:
            self._voices[name] = self._load_voice(self._weights, name)[1]
        return self._voices[name]


def runtime() -> Any:
    """Give the environment's `kokoro_spark`, or the checkout's in an environment that is not ours.

    Raises ProbeFailure where the installed one is older than the modes asked for.
    """
    try:
        package = importlib.import_module("kokoro_spark")
    except ModuleNotFoundError:
        return importlib.import_module("scripts.runtime")
    if not hasattr(package, "tuned"):
        raise ProbeFailure(
            f"this environment's kokoro_spark {package.__version__} has no tuned model: set it up again",
            {"cause": "old-runtime"},
        )
    return package
