from __future__ import annotations

from typing import Any

import pytest

from scripts.model.evidence import Outcome
from scripts.verification.sound import BRIDGE_SNR_DB, GPU_SNR_DB, WRONG_SNR_DB, Sound, describe, quality
from tests.unit.verification.cases import GARBAGE, RIGHT, ended, passed

CASES: dict[str, tuple[dict[str, Any], Sound]] = {
    "the same": (RIGHT, Sound.RIGHT),
    "identical": (RIGHT | {"identical": True, "snr_db": None}, Sound.RIGHT),
    "at the threshold": (RIGHT | {"snr_db": GPU_SNR_DB}, Sound.RIGHT),
    "below it": (RIGHT | {"snr_db": GPU_SNR_DB - 0.1}, Sound.DOUBTFUL),
    "disable_complex, measured": (RIGHT | {"snr_db": 15.4, "gain_db": -2.7}, Sound.DOUBTFUL),
    "another seed, measured": (RIGHT | {"snr_db": 0.3}, Sound.WRONG),
    "garbage": (GARBAGE, Sound.WRONG),
    "just wrong": (RIGHT | {"snr_db": WRONG_SNR_DB - 0.1}, Sound.WRONG),
    "too loud": (RIGHT | {"gain_db": 1.1}, Sound.DOUBTFUL),
    "too soft": (RIGHT | {"gain_db": -1.1}, Sound.DOUBTFUL),
    "not finite": (RIGHT | {"finite": False, "snr_db": None}, Sound.WRONG),
    "silence": (RIGHT | {"snr_db": 0.0, "gain_db": None}, Sound.WRONG),
    "a frame longer": (RIGHT | {"samples": 17400}, Sound.DOUBTFUL),
    "twice as long": (RIGHT | {"samples": 33600}, Sound.WRONG),
}


@pytest.mark.parametrize(("detail", "sound"), CASES.values(), ids=CASES.keys())
def test_quality(detail: dict[str, Any], sound: Sound) -> None:
    assert quality(passed("sound.stock.cuda", **detail), threshold_db=GPU_SNR_DB) is sound


def test_what_was_not_compared_is_unknown() -> None:
    assert quality(None, threshold_db=GPU_SNR_DB) is Sound.UNKNOWN
    assert quality(ended("sound.stock.cuda", Outcome.SKIPPED), threshold_db=GPU_SNR_DB) is Sound.UNKNOWN


def test_the_bridge_as_measured_is_right_and_a_wrong_formula_is_not() -> None:
    assert quality(passed("sound", **(RIGHT | {"snr_db": 125.6})), threshold_db=BRIDGE_SNR_DB) is Sound.RIGHT
    assert quality(passed("sound", **RIGHT), threshold_db=BRIDGE_SNR_DB) is Sound.DOUBTFUL


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        (RIGHT, "62.0 dB SNR, gain +0.0 dB"),
        (RIGHT | {"identical": True}, "identical samples"),
        (RIGHT | {"finite": False}, "not finite"),
        (RIGHT | {"snr_db": None, "gain_db": None}, "no SNR"),
        (RIGHT | {"samples": 17400}, "62.0 dB SNR, gain +0.0 dB, 17400 samples instead of 16800"),
    ],
)
def test_describe(detail: dict[str, Any], text: str) -> None:
    assert describe(passed("sound.stock.cuda", **detail)) == text
