"""How alike two sounds are. Needs numpy alone."""

from __future__ import annotations

import math
from typing import Any


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Compare each of `pairs` ({name, reference, candidate}: paths of raw float32 samples) and answer by name."""
    return {"pairs": {pair["name"]: compare(pair["reference"], pair["candidate"]) for pair in request["pairs"]}}


def compare(reference: str, candidate: str) -> dict[str, Any]:
    """Measure `snr_db` and `gain_db` of a candidate against its reference, over what both have.

    `snr_db` is None for identical samples, for a silent reference and where anything is not finite; the other
    fields say which.
    """
    import numpy as np

    expected = np.fromfile(reference, dtype="<f4").astype(np.float64)
    found = np.fromfile(candidate, dtype="<f4").astype(np.float64)
    finite = bool(np.isfinite(expected).all() and np.isfinite(found).all())
    count = min(len(expected), len(found))
    result: dict[str, Any] = {
        "samples": len(found),
        "samples_reference": len(expected),
        "finite": finite,
        "identical": bool(np.array_equal(expected, found)),
        "snr_db": None,
        "gain_db": None,
    }
    if finite and count:
        expected, found = expected[:count], found[:count]
        signal, noise = float(expected @ expected), float((expected - found) @ (expected - found))
        result["snr_db"] = _decibels(signal, noise)
        result["gain_db"] = _decibels(float(found @ found), signal)
    return result


def _decibels(above: float, below: float) -> float | None:
    """Give a ratio of energies in dB; None where it has no finite value."""
    return round(10 * math.log10(above / below), 2) if above > 0 and below > 0 else None
