"""What the verdicts and figures of `invoke sound` mean, in words."""

from __future__ import annotations

from scripts.model.sound import SoundKind, SoundReport
from scripts.verification.fidelity import (
    CLIPPED,
    LOG_MEL_DB,
    REWRITTEN_SNR_DB,
    TILT_DB,
    WORD_ERROR_RATE,
    WRONG_LOG_MEL_DB,
)
from scripts.verification.sound import BRIDGE_SNR_DB, GAIN_DB, GPU_SNR_DB

KINDS = {
    SoundKind.SAME: "the same samples but for rounding: "
    f"{BRIDGE_SNR_DB:g} dB SNR where the code is stock's or the bridge's, {REWRITTEN_SNR_DB:g} dB where it is "
    f"rewritten (tuned, batched), {GPU_SNR_DB:g} dB on a GPU",
    SoundKind.ALIKE: "other samples, heard as the same: the words hold, log-mel distance at most "
    f"{LOG_MEL_DB:g} dB, tilt within {TILT_DB:g} dB, gain within {GAIN_DB:g} dB (4 dB for onnx), at most "
    f"{CLIPPED:.1%} clipped",
    SoundKind.DIFFERENT: "the words hold, but it sounds otherwise: one of those limits is passed",
    SoundKind.WRONG: "not finite, silent, of another length, log-mel distance of "
    f"{WRONG_LOG_MEL_DB:g} dB or more, or words are lost: a word error rate above {WORD_ERROR_RATE:g} and above the "
    "reference's, or a part of one utterance",
    SoundKind.NOT_MEASURED: "what it needs is not here",
}
"""What each verdict means."""

LEGEND = [
    "## What the words mean",
    "",
    "| Verdict | Means |",
    "|---|---|",
    *(f"| {kind} | {words} |" for kind, words in KINDS.items()),
    "",
    "The figures are defined in [measure.py](../scripts/inside/measure.py), the thresholds and what they rest on in",
    "[fidelity.py](../scripts/verification/fidelity.py). Silence and length are the mode's less the reference's.",
    "A mode is judged by its worst utterance, and by all its words together.",
]
"""As Markdown."""


def spoken_about(report: SoundReport) -> str:
    """Say how much was spoken."""
    utterances = max((mode.utterances for mode in report.modes), default=0)
    seconds = sum(row.measures.samples_reference for row in report.rows) / 24_000
    modes = sum(1 for mode in report.modes if mode.utterances)
    minutes = seconds / 60 / max(modes, 1)
    return (
        f"{len(report.sentences)} sentences by {len(report.voices)} voices, {utterances} utterances, "
        f"{minutes:.1f} minutes of sound in each of {modes} modes."
    )
