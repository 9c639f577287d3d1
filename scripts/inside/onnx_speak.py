"""Probe `onnx-speak`: text to a WAV file, as an application would do it with kokoro-onnx.

Request and answer are those of speak.py; `bridge` is left unread: there is no Jiterator. The answer has `onnxruntime`
and `provider` instead of `torch`. Failures that the caller should tell apart carry `cause`: "no-gpu", "provider" (there
is a GPU, and ONNX Runtime does not use it), "nothing-spoken", "synthesis", "not-writable".
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from scripts.inside.cuda_driver import first_device
from scripts.inside.failure import ProbeFailure
from scripts.inside.onnx_loading import SAMPLE_RATE, load_voice, make_kokoro, require_kokoro
from scripts.inside.onnx_session import load_runtime, open_session, why_no_cuda
from scripts.inside.speak import write_wav

LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
"""espeak-ng's name for each of Kokoro's languages."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Speak `request["text"]` into `request["out"]`."""
    start = time.perf_counter()
    onnxruntime, build = load_runtime()
    notes: list[str] = []
    weights = request["weights"]
    session, device = _session(onnxruntime, weights["model"], str(request["device"]), build, notes)
    require_kokoro(session, weights["model"])
    voice_file, voice = load_voice(weights, request["voice"])
    kokoro = make_kokoro(session, voice_file)
    loaded = time.perf_counter()
    stretches = _speak(kokoro, request["text"], voice, float(request["speed"]), request["language"], device=device)
    samples = write_wav(request["out"], stretches)
    done = time.perf_counter()
    found, _ = first_device() if device == "cuda" else (None, "")
    return {
        "samples": samples,
        "seconds_audio": samples / SAMPLE_RATE,
        "seconds_load": loaded - start,
        "seconds_synthesis": done - loaded,
        "device": device,
        "device_name": found["name"] if found else None,
        "provider": session.get_providers()[0],
        "bridge": None,
        "onnxruntime": onnxruntime.__version__,
        "notes": notes,
    }


def _session(onnxruntime: Any, model: str, wanted: str, build: str | None, notes: list[str]) -> tuple[Any, str]:
    """Open the model on the device that was asked for; `auto` takes the GPU where it can, and says where it could not.

    Raises ProbeFailure as open_session does: "cuda" is never answered with the CPU.
    """
    if wanted != "auto":
        return open_session(onnxruntime, model, wanted, build=build), wanted
    why = why_no_cuda(onnxruntime, build)
    if not why:
        try:
            return open_session(onnxruntime, model, "cuda", build=build), "cuda"
        except ProbeFailure as failure:
            why = failure.message
    if build is not None:
        notes.append(f"this ONNX Runtime is built for CUDA {build}, but {why}: spoken on the CPU")
    return open_session(onnxruntime, model, "cpu", build=build), "cpu"


def _speak(kokoro: Any, text: str, voice: Any, speed: float, language: str, *, device: str) -> Iterator[Any]:
    """Give the samples, 1-D float32, checked to be finite."""
    import numpy as np

    try:
        phonemes = kokoro.tokenizer.phonemize(" ".join(text.split()), LANGUAGES[language])  # it would drop line ends
        samples = kokoro.create(phonemes, voice, speed, is_phonemes=True)[0] if phonemes else np.empty(0, np.float32)
    except Exception as error:  # ONNX Runtime's and espeak-ng's share no base but this
        raise ProbeFailure(f"synthesis failed on {device}: {error}", {"cause": "synthesis"}) from error
    if len(samples) == 0:
        raise ProbeFailure("nothing of the text could be turned into phonemes", {"cause": "nothing-spoken"})
    if not np.isfinite(samples).all():
        raise ProbeFailure(f"synthesis on {device} gave sound that is not finite", {"cause": "synthesis"})
    yield samples
