"""Is one sound the other? Thresholds with their reasons. Pure; the comparing itself is scripts/inside/compare.py."""

from __future__ import annotations

from enum import StrEnum

from scripts.model.evidence import Observation, Outcome

BRIDGE_SNR_DB = 100.0
"""Bridged against stock, both on one CPU. Measured: 125.6 dB (x86_64, torch 2.15.0; atan2 is within 2.4e-7, the rest
bit-exact). 25 dB are left for another libm; a wrong formula gives less than 20 dB."""

GPU_SNR_DB = 20.0
"""GPU against CPU, float32, same random numbers, TF32 off. Not measured on a GB10: reasoned. A relative rounding error
e of the predicted pitch drifts a harmonic of f Hz by 2 pi f t e radians in t seconds; 1e-5 (convolutions by FFT or
Winograd), 2000 Hz and 1 s make 0.13 rad, 18 dB for that harmonic alone and more for the sum. disable_complex, which is
another sound, reaches 15.4 dB at most (measured on speech), so 20 dB tells the same sound from a similar one."""

WRONG_SNR_DB = 10.0
"""Below this it is not the same sound: disable_complex, audibly tilted, was measured at 4 to 15 dB, another seed of
the same model at 0.3 dB."""

GAIN_DB = 1.0
"""Largest difference of loudness. Rounding makes none; disable_complex was measured
1.3 dB louder on speech, 2.7 dB quieter with synthetic weights."""

LENGTH_FRACTION = 0.05
"""A predicted duration that lies on the edge of rounding may differ by a frame: the sounds then cannot be compared,
but neither is wrong. More than this is."""


class Sound(StrEnum):
    """What a comparison means."""

    RIGHT = "right"
    DOUBTFUL = "doubtful"
    """Neither clearly the same nor clearly another."""
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """Not compared."""


def quality(comparison: Observation | None, *, threshold_db: float) -> Sound:
    """Judge one comparison against the threshold that holds for it."""
    if comparison is None or comparison.outcome is not Outcome.PASSED:
        return Sound.UNKNOWN
    detail = comparison.detail
    if not detail["finite"]:
        return Sound.WRONG
    if detail["identical"]:
        return Sound.RIGHT
    length, expected = detail["samples"], detail["samples_reference"]
    if length != expected:
        return Sound.DOUBTFUL if abs(length - expected) <= LENGTH_FRACTION * expected else Sound.WRONG
    snr, gain = detail["snr_db"], detail["gain_db"]
    if snr is None or gain is None or snr < WRONG_SNR_DB:
        return Sound.WRONG
    return Sound.RIGHT if snr >= threshold_db and abs(gain) <= GAIN_DB else Sound.DOUBTFUL


def describe(comparison: Observation) -> str:
    """Say a comparison in words: `125.6 dB SNR, gain 0.0 dB`."""
    if comparison.outcome is not Outcome.PASSED:
        return comparison.error or str(comparison.outcome)
    detail = comparison.detail
    if detail["identical"]:
        return "identical samples"
    if not detail["finite"]:
        return "not finite"
    words = "no SNR" if detail["snr_db"] is None else f"{detail['snr_db']:.1f} dB SNR"
    words += "" if detail["gain_db"] is None else f", gain {detail['gain_db']:+.1f} dB"
    if detail["samples"] != detail["samples_reference"]:
        words += f", {detail['samples']} samples instead of {detail['samples_reference']}"
    return words
