"""Raw samples as sound that a page can hold."""

from __future__ import annotations

import base64
import io
import math
import sys
import wave
from array import array
from pathlib import Path

RATE = 24_000
LONGEST_SECONDS = 12.0
"""Of a player: a page of megabytes is slow to open."""


def audio_url(samples: Path, *, seconds: float = LONGEST_SECONDS) -> str:
    """Give the first seconds of a file of raw float32 samples as a data: URL: WAV, 16-bit, mono, 24 kHz.

    What is not finite is silent. Raises OSError where the file cannot be read.
    """
    return "data:audio/wav;base64," + base64.b64encode(to_wav(read_samples(samples), seconds=seconds)).decode("ascii")


def read_samples(path: Path) -> array[float]:
    """Read little-endian float32 samples."""
    found = array("f")
    data = path.read_bytes()
    found.frombytes(data[: len(data) // 4 * 4])
    if sys.byteorder == "big":
        found.byteswap()
    return found


def to_wav(samples: array[float], *, seconds: float = LONGEST_SECONDS) -> bytes:
    """Write samples (full scale 1) as a WAV file; what is louder is cut off, as any player would."""
    kept = samples[: round(seconds * RATE)]
    whole = array("h", (round(max(-1.0, min(1.0, one)) * 32767) if math.isfinite(one) else 0 for one in kept))
    if sys.byteorder == "big":
        whole.byteswap()
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(whole.tobytes())
    return stream.getvalue()
