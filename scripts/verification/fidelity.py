"""Does a mode of Kokoro sound as the reference does? Thresholds with their reasons. Pure.

The reference is stock Kokoro on the CPU in float32; scripts/inside/measure.py defines the figures. What `verify` asks
of one sentence on a GPU is sound.py's; where one rule serves both, it is taken from there.

Measured, where nothing else is said: x86_64, torch 2.15.0, int8-derived weights, 8 utterances; nothing ran on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.model.modes import Engine, Mode
from scripts.model.sound import Heard, Measures, ModeSound, SoundKind, SoundRow
from scripts.verification.figures import spreads
from scripts.verification.sound import BRIDGE_SNR_DB, GAIN_DB, GPU_SNR_DB, LENGTH_FRACTION

REWRITTEN_SNR_DB = 60.0
"""Code that computes the same in another order (tuned, batched), float32, one CPU, as many threads.
tuned was measured 95 to 105 dB. Where the predicted pitch is rounded otherwise it is less: stock Kokoro itself differs
from stock Kokoro by 49 to 72 dB between one thread and two, and nobody hears it."""

LOG_MEL_DB = 5.0
"""Largest log-mel distance of the same words in the same voice. The int8 ONNX export, whose phase is another, was
measured 1.1 to 2.9 dB; another voice and other words 10.8 dB each."""

WRONG_LOG_MEL_DB = 8.0
"""From here on it is another voice or other words: half-way from the above to what those were measured at."""

TILT_DB = 1.0
"""Largest change of colour. disable_complex was measured -3.2 to -3.4 dB, the ONNX export -0.3 to 0.3 dB."""

ONNX_GAIN_DB = 4.0
"""The ONNX export is 3.1 to 3.2 dB louder, which a volume knob takes away: it is allowed for, and shown."""

LENGTH_SAMPLES = 1200
"""Two frames, of 600 samples each: what a rounded duration may shift in a sound too short for sound.py's fraction."""

SILENCE = 0.2
"""Largest gain in the share of silence: a sound whose second half is missing has more."""

LONGEST_SILENCE_S = 0.5
"""By how much the longest silence may grow. A pause at a full stop is 0.3 to 0.6 s."""

CLIPPED = 0.001
"""Largest share of samples at full scale. The reference has none; 0.1 % is heard as crackling in loud vowels."""

WORD_ERROR_RATE = 0.1
"""Over all words of a mode; where the reference's own rate is above it, that one: what the recogniser cannot hear in
the reference tells nothing of a mode."""

LOST_WORDS, LOST_RATE = 3, 0.34
"""Errors in one utterance beyond the reference's, in words and as a rate: both at once mean that a part of it is lost.
A recogniser's slip is one word, of which a short sentence has few."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What holds for one mode on one device in one dtype."""

    same_snr_db: float
    expected: SoundKind
    gain_db: float = GAIN_DB


def limits_of(mode: Mode, *, device: str, dtype: str) -> Limits:
    """Tell from when on a mode is `same`, and what it must at least be.

    In other arithmetic (int8, bfloat16), and on a GPU, the predicted pitch is rounded otherwise, which drifts the phase
    of the harmonics: samples cannot be compared, words and spectra can.
    """
    if mode.engine is Engine.ONNX:
        return Limits(same_snr_db=REWRITTEN_SNR_DB, expected=SoundKind.ALIKE, gain_db=ONNX_GAIN_DB)
    if dtype != "float32":
        return Limits(same_snr_db=REWRITTEN_SNR_DB, expected=SoundKind.ALIKE)
    if device != "cpu":
        return Limits(same_snr_db=GPU_SNR_DB, expected=SoundKind.ALIKE)
    rewritten = mode.name in {"tuned", "batched"}
    return Limits(same_snr_db=REWRITTEN_SNR_DB if rewritten else BRIDGE_SNR_DB, expected=SoundKind.SAME)


def judge(measures: Measures, heard: Heard | None, limits: Limits) -> tuple[SoundKind, tuple[str, ...]]:
    """Judge one utterance, and say why it is not `same`."""
    if wrong := [*_unusable(measures), *_lost(measures, heard)]:
        return SoundKind.WRONG, tuple(wrong)
    if measures.identical:
        return SoundKind.SAME, ()
    coloured = _coloured(measures, limits)
    snr, length = measures.snr_db, measures.samples - measures.samples_reference
    if not length and not coloured and snr is not None and snr >= limits.same_snr_db:
        return SoundKind.SAME, ()
    if coloured:
        return SoundKind.DIFFERENT, tuple(coloured)
    other = f"{length:+d} samples" if length else f"{snr:.1f} dB SNR" if snr is not None else "no SNR"
    return SoundKind.ALIKE, (other,)


def judge_mode(
    mode: Mode, rows: Sequence[SoundRow], *, device: str, dtype: str, seconds: float | None = None
) -> ModeSound:
    """Judge a mode by its utterances, of which there is at least one: by the worst, and by all words together."""
    order = list(SoundKind)
    worst = max((row.kind for row in rows), key=order.index)
    why = [f"{row.sentence}-{row.voice}: {', '.join(row.why)}" for row in rows if row.kind is worst and row.why]
    rate, reference = error_rates(rows)
    if rate is not None and reference is not None and rate > max(WORD_ERROR_RATE, reference):
        worst = SoundKind.WRONG
        why = [f"word error rate {rate:.2f}, of the reference {reference:.2f}", *why]
    return ModeSound(
        mode=mode.name,
        device=device,
        dtype=dtype,
        offered=mode.offered,
        kind=worst,
        expected=limits_of(mode, device=device, dtype=dtype).expected,
        why=tuple(why),
        utterances=len(rows),
        spreads=spreads(rows),
        word_error_rate=rate,
        word_error_rate_reference=reference,
        seconds=seconds,
    )


def error_rates(rows: Sequence[SoundRow]) -> tuple[float | None, float | None]:
    """Give the word error rates over all words, of the mode and of its reference; None: no words were counted."""
    heard = [row.heard for row in rows if row.heard is not None]
    words = sum(one.words for one in heard)
    if not words:
        return None, None
    rates = sum(one.errors for one in heard) / words, sum(one.errors_reference for one in heard) / words
    return round(rates[0], 4), round(rates[1], 4)


def _unusable(measures: Measures) -> list[str]:
    """Say what needs no comparison."""
    if not measures.finite:
        return ["not finite"]
    found = []
    length, expected = measures.samples - measures.samples_reference, measures.samples_reference
    if abs(length) > max(LENGTH_SAMPLES, LENGTH_FRACTION * expected):
        found.append(f"{measures.samples} samples instead of {expected}")
    if measures.silence > measures.silence_reference + SILENCE:
        found.append(f"{measures.silence:.0%} of it silent, of the reference {measures.silence_reference:.0%}")
    if measures.longest_silence_s > measures.longest_silence_reference_s + LONGEST_SILENCE_S:
        found.append(f"silent for {measures.longest_silence_s:.1f} s")
    return found


def _lost(measures: Measures, heard: Heard | None) -> list[str]:
    """Say what tells other words, or another voice."""
    found = []
    if heard is not None:
        more = heard.errors - heard.errors_reference
        if more >= LOST_WORDS and heard.rate - heard.rate_reference > LOST_RATE:
            found.append(f"{heard.errors} of {heard.words} words wrong: {heard.text!r}")
    if measures.identical:
        return found
    if measures.log_mel_db is None:
        found.append("too little sound to compare")
    elif measures.log_mel_db >= WRONG_LOG_MEL_DB:
        found.append(f"log-mel distance {measures.log_mel_db:.1f} dB")
    return found


def _coloured(measures: Measures, limits: Limits) -> list[str]:
    """Say what is heard as another sound."""
    found = []
    if measures.log_mel_db is not None and measures.log_mel_db > LOG_MEL_DB:
        found.append(f"log-mel distance {measures.log_mel_db:.1f} dB")
    if measures.tilt_db is not None and abs(measures.tilt_db) > TILT_DB:
        found.append(f"tilt {measures.tilt_db:+.1f} dB")
    if measures.gain_db is not None and abs(measures.gain_db) > limits.gain_db:
        found.append(f"gain {measures.gain_db:+.1f} dB")
    if measures.clipped > CLIPPED:
        found.append(f"{measures.clipped:.1%} of it clipped")
    return found
