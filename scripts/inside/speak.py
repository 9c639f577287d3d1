"""Probe `speak`: text to a WAV file, as an application would do it with Kokoro, and offline.

Request: `text`, `weights` (see loading), `voice` (name), `language` (KPipeline's letter), `speed`, `device` ("auto",
"cpu", "cuda"), `bridge` (bool), `out` (the file to write: 16-bit PCM, mono, 24 kHz). Answer: `samples`,
`seconds_audio`, `seconds_load` (imports and model), `seconds_synthesis` (wall, from text to samples, the first kernel
of each kind compiled within it), `device`, `device_name`, `bridge`, `torch`, `notes`. Failures that the caller should
tell apart carry `cause`: "no-gpu", "no-spacy-model", "nothing-spoken", "bridge", "synthesis", "not-writable".
"""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from scripts.inside.bridging import bridged_by_hook, enable_bridge
from scripts.inside.failure import ProbeFailure
from scripts.inside.loading import REPOSITORY, load_model, load_voice

SAMPLE_RATE = 24_000
SEED = 0
SPACY_MODEL = "en_core_web_sm"
_PHONEME_LIMIT = 510  # of one pass; Kokoro cuts off what is longer


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Speak `request["text"]` into `request["out"]`."""
    import torch

    start = time.perf_counter()
    device = choose_device(request["device"])
    pipeline = make_pipeline(request["weights"], language=request["language"], device=device)
    voice = load_voice(request["weights"], request["voice"])
    bridge = enable_bridge() if request["bridge"] else None
    loaded = time.perf_counter()
    torch.manual_seed(SEED)  # the model adds noise: the same text gives the same sound
    notes: list[str] = []
    stretches = _speak(pipeline, request["text"], voice, float(request["speed"]), device=device, notes=notes)
    samples = write_wav(request["out"], stretches)
    done = time.perf_counter()
    if request["device"] == "auto" and device == "cpu" and torch.version.cuda is not None:
        notes.append("this torch is built for CUDA, but finds no GPU that it can use: spoken on the CPU")
    if bridge is None and bridged_by_hook():
        notes.append("the bridge was active: this environment carries its hook (`invoke bridge.status`)")
    if samples == 0:
        raise ProbeFailure("nothing of the text could be turned into phonemes", {"cause": "nothing-spoken"})
    if request["language"] in "ab" and pipeline.g2p.fallback is None:
        notes.append("espeak-ng could not be loaded: words that are not in Kokoro's dictionary were left out")
    return {
        "samples": samples,
        "seconds_audio": samples / SAMPLE_RATE,
        "seconds_load": loaded - start,
        "seconds_synthesis": done - loaded,
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else None,
        "bridge": bridge,
        "torch": torch.__version__,
        "notes": notes,
    }


def choose_device(wanted: str) -> str:
    """Give "cuda" or "cpu"; "auto" takes the GPU where torch can use one.

    Raises ProbeFailure (no-gpu) where "cuda" was asked for and there is none.
    """
    import torch

    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        why = "it is a CPU-only build" if torch.version.cuda is None else "there is no GPU that it can use"
        raise ProbeFailure(f"torch {torch.__version__} has no CUDA device: {why}", {"cause": "no-gpu"})
    if wanted == "auto":
        return "cuda" if available else "cpu"
    return wanted


def make_pipeline(weights: dict[str, Any], *, language: str, device: str) -> Any:
    """Build a KPipeline around checked weights. Nothing is fetched.

    misaki would run `pip install` for a missing spaCy model; so it is looked for first, and missing is a failure.
    """
    model = load_model(weights, disable_complex=False).to(device)
    from kokoro import KPipeline

    if language in "ab" and not installed(SPACY_MODEL):
        raise ProbeFailure(f"spaCy's model {SPACY_MODEL} is not installed", {"cause": "no-spacy-model"})
    try:
        return KPipeline(lang_code=language, repo_id=REPOSITORY, model=model)
    except ImportError as error:
        raise ProbeFailure(f"the language {language!r} needs a package that is not installed: {error}") from error


def write_wav(path: str, stretches: Iterator[Any]) -> int:
    """Write stretches of samples (1-D float arrays, full scale 1) one after the other. Returns how many samples."""
    import numpy as np

    count = 0
    try:
        with wave.open(path, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(SAMPLE_RATE)
            for samples in stretches:
                sound.writeframes(np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
                count += len(samples)
    except OSError as error:
        raise ProbeFailure(f"{path} cannot be written: {error.strerror}", {"cause": "not-writable"}) from error
    return count


def installed(distribution: str) -> bool:
    """Ask as spacy.util.is_package does."""
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _speak(pipeline: Any, text: str, voice: Any, speed: float, *, device: str, notes: list[str]) -> Iterator[Any]:
    """Give the samples of each stretch, 1-D float32, checked to be finite. Adds what was left out to `notes`."""
    import numpy as np

    results = iter(pipeline(text, voice=voice, speed=speed))
    while True:
        try:
            result = next(results, None)
        except RuntimeError as error:  # torch's own: NVRTC, no kernel image, out of memory
            raise ProbeFailure(f"synthesis failed on {device}: {error}", {"cause": "synthesis"}) from error
        if result is None:
            return
        samples = result.audio.numpy()
        if not np.isfinite(samples).all():
            raise ProbeFailure(f"synthesis on {device} gave sound that is not finite", {"cause": "synthesis"})
        notes += _left_out(result)
        yield samples


def _left_out(result: Any) -> list[str]:
    """Say what of a stretch was not spoken: words without phonemes, and what exceeds one pass of the model."""
    silent = [token.text for token in result.tokens or () if not token.phonemes and any(map(str.isalnum, token.text))]
    notes = [f"not spoken, no pronunciation found: {', '.join(silent)}"] if silent else []
    if len(result.phonemes) >= _PHONEME_LIMIT:
        shown = " ".join(result.graphemes.split())[:40]
        notes.append(f"cut off after {_PHONEME_LIMIT} phonemes, break the text with full stops: {shown}...")
    return notes
