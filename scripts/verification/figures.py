"""The figures of a sound over many utterances: median and worst. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from scripts.model.sound import Measures, SoundRow, Spread


@dataclass(frozen=True)
class Figure:
    """One figure: how a table heads it, its value, and how bad that is."""

    title: str
    of: Callable[[Measures], float | None]
    digits: int = 1
    badness: Callable[[float], float] = abs
    signed: bool = False

    def write(self, value: float) -> str:
        """Write a value as tables do."""
        text = f"{value:+.{self.digits}f}" if self.signed else f"{value:.{self.digits}f}"
        return text.replace("-", "+") if self.signed and not float(text) else text


def _less_is_worse(value: float) -> float:
    return -value


FIGURES = {
    "snr_db": Figure("SNR, dB", lambda one: one.snr_db, badness=_less_is_worse),
    "log_mel_db": Figure("log-mel, dB", lambda one: one.log_mel_db, digits=2),
    "log_mel_correlation": Figure("correlation", lambda one: one.log_mel_correlation, digits=4, badness=_less_is_worse),
    "gain_db": Figure("gain, dB", lambda one: one.gain_db, digits=2, signed=True),
    "tilt_db": Figure("tilt, dB", lambda one: one.tilt_db, digits=2, signed=True),
    "clipped": Figure("clipped, %", lambda one: 100 * one.clipped, digits=2),
    "silence": Figure("silence, %", lambda one: 100 * (one.silence - one.silence_reference), signed=True),
    "length": Figure("length, ms", lambda one: (one.samples - one.samples_reference) / 24, digits=0, signed=True),
}
"""By name. Silence and length are what they are more or less than the reference's; a frame is 25 ms."""


def spreads(rows: Sequence[SoundRow]) -> dict[str, Spread]:
    """Give each figure's median and worst value; one that has no value in any row is left out."""
    found = {}
    for name, figure in FIGURES.items():
        values = [(value, row) for row in rows if (value := figure.of(row.measures)) is not None]
        if values:
            worst, row = max(values, key=lambda one: figure.badness(one[0]))
            found[name] = Spread(
                median=round(median(value for value, _ in values), 5),
                worst=round(worst, 5),
                worst_at=f"{row.sentence}-{row.voice}",
            )
    return found


def worst_row(rows: Sequence[SoundRow]) -> SoundRow:
    """Find the utterance that differs most: by verdict, then by log-mel distance, then by SNR. There is at least one.

    The reference's own recogniser errors are no difference.
    """

    def badness(row: SoundRow) -> tuple[int, float, float]:
        measures = row.measures
        distance = measures.log_mel_db if measures.log_mel_db is not None else 0.0 if measures.identical else 99.0
        return (
            list(type(row.kind)).index(row.kind),
            distance,
            -(measures.snr_db if measures.snr_db is not None else 999.0),
        )

    return max(rows, key=badness)
