"""How alike two sounds are, by their log-mel spectra. Run by an interpreter that has numpy: REFERENCE CANDIDATE.

Both are files of raw float32 samples at 24 kHz. Prints {samples, samples_reference, correlation, gain_db} as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

RATE, WINDOW, HOP, BANDS = 24_000, 1024, 256, 80
FLOOR = 1e-3
"""Magnitude below which nothing is heard: keeps silence from deciding."""


def log_mel(samples: Any) -> Any:
    """Give the log-mel spectrogram, (windows, BANDS), in dB."""
    window = np.hanning(WINDOW)
    starts = range(0, len(samples) - WINDOW, HOP)
    magnitudes = np.array([np.abs(np.fft.rfft(samples[start : start + WINDOW] * window)) for start in starts])
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2) / 2595) - 1)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return 20 * np.log10(magnitudes @ np.clip(np.minimum(rising, falling), 0, None).T + FLOOR)


def main(reference: str, candidate: str) -> None:
    expected, found = (np.fromfile(path, dtype="<f4").astype(np.float64) for path in (reference, candidate))
    count = min(len(expected), len(found))
    spectra = [log_mel(samples[:count]).ravel() for samples in (expected, found)]
    answer = {
        "samples": len(found),
        "samples_reference": len(expected),
        "correlation": float(np.corrcoef(*spectra)[0, 1]),
        "gain_db": float(10 * np.log10((found @ found / len(found)) / (expected @ expected / len(expected)))),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
