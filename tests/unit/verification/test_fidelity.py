from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.model.modes import MODES
from scripts.model.sound import Heard, Measures, SoundKind
from scripts.verification.fidelity import judge, judge_mode, limits_of
from scripts.verification.figures import FIGURES, worst_row
from tests.support.sounds import CLOSE, IDENTICAL, ONNX, TILTED, heard, mode, row

CPU: Any = {"device": "cpu", "dtype": "float32"}
CASES: dict[str, tuple[str, Measures, Heard | None, SoundKind]] = {
    "identical": ("stock", IDENTICAL, None, SoundKind.SAME),
    "the bridge, measured": ("bridge", CLOSE, heard(), SoundKind.SAME),
    "a worse bridge": ("bridge", replace(CLOSE, snr_db=90.0), heard(), SoundKind.ALIKE),
    "tuned": ("tuned", replace(CLOSE, snr_db=90.0), heard(), SoundKind.SAME),
    "tuned, below": ("tuned", replace(CLOSE, snr_db=59.9), heard(), SoundKind.ALIKE),
    "disable_complex, measured": ("disable_complex", TILTED, heard(), SoundKind.DIFFERENT),
    "onnx, measured": ("onnx", ONNX, heard(), SoundKind.ALIKE),
    "as loud, but not onnx": ("tuned", ONNX, heard(), SoundKind.DIFFERENT),
    "another voice, measured": ("onnx", replace(ONNX, log_mel_db=10.8), heard(), SoundKind.WRONG),
    "between": ("onnx", replace(ONNX, log_mel_db=6.0), heard(), SoundKind.DIFFERENT),
    "clipped": ("onnx", replace(ONNX, clipped=0.01), heard(), SoundKind.DIFFERENT),
    "not finite": ("tuned", replace(CLOSE, finite=False, snr_db=None, log_mel_db=None), None, SoundKind.WRONG),
    "silent": ("tuned", replace(CLOSE, silence=1.0, longest_silence_s=3.0), None, SoundKind.WRONG),
    "a hole": ("tuned", replace(CLOSE, longest_silence_s=1.0), None, SoundKind.WRONG),
    "nothing to compare": ("tuned", replace(CLOSE, log_mel_db=None), None, SoundKind.WRONG),
    "two frames longer": ("onnx", replace(ONNX, samples=73_200), heard(), SoundKind.ALIKE),
    "longer": ("onnx", replace(ONNX, samples=76_000), heard(), SoundKind.WRONG),
    "one word": ("onnx", ONNX, heard(1), SoundKind.ALIKE),
    "words lost": ("onnx", ONNX, heard(5), SoundKind.WRONG),
    "lost in the reference too": ("onnx", ONNX, heard(5, 4), SoundKind.ALIKE),
    "words lost in the same samples": ("stock", IDENTICAL, heard(9), SoundKind.WRONG),
}


@pytest.mark.parametrize(("name", "measures", "words", "kind"), CASES.values(), ids=CASES.keys())
def test_judge(name: str, measures: Measures, words: Heard | None, kind: SoundKind) -> None:
    found, why = judge(measures, words, limits_of(mode(name), **CPU))
    assert found is kind
    assert bool(why) is (kind is not SoundKind.SAME)


def test_what_each_mode_must_be() -> None:
    for one in MODES:
        for dtype in one.dtypes:
            exact = one.engine == "torch" and dtype == "float32"
            for device in ("cpu", "cuda"):
                expected = SoundKind.SAME if exact and device == "cpu" else SoundKind.ALIKE
                assert limits_of(one, device=device, dtype=dtype).expected is expected


def test_a_mode_is_its_worst_utterance() -> None:
    rows = [row("tuned", CLOSE, heard()), row("tuned", replace(CLOSE, snr_db=40.0), heard(), voice="bf_emma")]
    found = judge_mode(mode("tuned"), rows, **CPU)
    assert (found.kind, found.accepted) == (SoundKind.ALIKE, False)
    assert found.why == ("fox-bf_emma: 40.0 dB SNR",)
    assert (found.spreads["snr_db"].median, found.spreads["snr_db"].worst) == (78.0, 40.0)
    assert found.spreads["snr_db"].worst_at == "fox-bf_emma"
    assert worst_row(rows) is rows[1]


def test_words_are_counted_over_the_whole_mode() -> None:
    rows = [row("onnx", ONNX, heard(1), dtype="int8") for _ in range(9)]
    found = judge_mode(mode("onnx"), rows, device="cpu", dtype="int8")
    assert found.kind is SoundKind.WRONG
    assert found.why[0] == "word error rate 0.11, of the reference 0.00"
    rows = [row("onnx", ONNX, heard(1, 1), dtype="int8") for _ in range(9)]
    assert judge_mode(mode("onnx"), rows, device="cpu", dtype="int8").accepted


def test_without_words_none_are_counted() -> None:
    found = judge_mode(mode("stock"), [row("stock", IDENTICAL)], **CPU)
    assert (found.word_error_rate, found.word_error_rate_reference, found.accepted) == (None, None, True)
    assert "snr_db" not in found.spreads


def test_figures_are_written_without_minus_zero() -> None:
    assert FIGURES["gain_db"].write(-0.001) == "+0.00"
    assert FIGURES["gain_db"].write(-1.234) == "-1.23"
    assert FIGURES["snr_db"].write(-4.25) == "-4.2"


NUMBER = st.floats(-150, 150)
MEASURES = st.builds(
    Measures,
    samples=st.integers(0, 10**6),
    samples_reference=st.integers(0, 10**6),
    finite=st.booleans(),
    identical=st.booleans(),
    snr_db=st.none() | NUMBER,
    gain_db=st.none() | NUMBER,
    tilt_db=st.none() | NUMBER,
    log_mel_db=st.none() | st.floats(0, 100),
    log_mel_correlation=st.none() | st.floats(-1, 1),
    clipped=st.floats(0, 1),
    silence=st.floats(0, 1),
    silence_reference=st.floats(0, 1),
    longest_silence_s=st.floats(0, 100),
    longest_silence_reference_s=st.floats(0, 100),
)
ORDER = list(SoundKind)


@given(MEASURES, st.sampled_from(MODES), st.sampled_from(["cpu", "cuda"]), st.floats(0, 100))
def test_a_better_ratio_is_never_judged_worse(measures: Measures, one: object, device: str, more: float) -> None:
    chosen = next(each for each in MODES if each is one)
    limits = limits_of(chosen, device=device, dtype=chosen.dtypes[0])
    kind, why = judge(measures, None, limits)
    assert kind is not SoundKind.NOT_MEASURED
    assert bool(why) is (kind is not SoundKind.SAME)
    if not measures.finite:
        assert kind is SoundKind.WRONG
    if measures.snr_db is not None:
        better, _ = judge(replace(measures, snr_db=measures.snr_db + more), None, limits)
        assert ORDER.index(better) <= ORDER.index(kind)


@given(MEASURES, st.integers(0, 9), st.integers(0, 9))
def test_more_errors_are_never_judged_better(measures: Measures, errors: int, more: int) -> None:
    limits = limits_of(mode("tuned"), **CPU)
    kind, _ = judge(measures, heard(errors), limits)
    worse, _ = judge(measures, heard(errors + more), limits)
    assert ORDER.index(kind) <= ORDER.index(worse)
