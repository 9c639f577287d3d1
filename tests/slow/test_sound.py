"""The sound of the modes, really: what is measured of sounds that are made up, and `invoke sound` on real weights."""

from __future__ import annotations

import json
import math
import os
import random
from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode
from scripts.home import Home
from scripts.model.evidence import Outcome
from scripts.model.sound import Measures, SoundKind, SoundReport
from scripts.model.weights import WeightsFolder
from scripts.probing import ask
from scripts.serial import from_data
from scripts.shell import run
from scripts.verification.fidelity import judge, limits_of
from scripts.weights.request import to_request
from tests.slow.conftest import Invoke, document, invoke_in
from tests.support.sounds import mode

pytestmark = pytest.mark.slow

RATE = 24_000
Measure = Callable[[Sequence[float], Sequence[float]], dict[str, Any]]


def voice(seconds: float = 2.0, pitch: float = 131.0, *, bright: float = 1.0) -> list[float]:
    """A buzz with a syllable a quarter of a second, and silence at both ends."""
    count = round(seconds * RATE)
    samples = []
    for place in range(count):
        time = place / RATE
        envelope = max(0.0, math.sin(2 * math.pi * 2 * time)) * (0.2 < time < seconds - 0.2)
        harmonics = (math.sin(2 * math.pi * pitch * n * time) * bright ** (n - 1) / n for n in range(1, 40))
        samples.append(0.2 * envelope * sum(harmonics))
    return samples


@pytest.fixture(scope="module")
def measure(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Measure:
    folder = tmp_path_factory.mktemp("sounds")

    def measure(reference: Sequence[float], candidate: Sequence[float]) -> dict[str, Any]:
        paths = folder / "reference.f32", folder / "candidate.f32"
        for path, samples in zip(paths, (reference, candidate), strict=True):
            path.write_bytes(array("f", samples).tobytes())
        pair = {"name": "x", "reference": str(paths[0]), "candidate": str(paths[1])}
        found = ask(python, "measure", {"pairs": [pair]}, run=run)
        assert found.outcome is Outcome.PASSED, found
        measures: dict[str, Any] = found.detail["pairs"]["x"]
        from_data(Measures, measures, what="what was measured")
        return measures

    return measure


SOUND = voice()


def test_the_same_samples(measure: Measure) -> None:
    found = measure(SOUND, SOUND)
    assert (found["identical"], found["log_mel_db"], found["log_mel_correlation"]) == (True, 0, 1)
    assert (found["gain_db"], found["tilt_db"], found["clipped"]) == (0, 0, 0)


def test_louder_is_gain_and_nothing_else(measure: Measure) -> None:
    found = measure(SOUND, [2 * one for one in SOUND])
    assert found["gain_db"] == pytest.approx(6.02, abs=0.01)
    assert (found["log_mel_db"], found["tilt_db"]) == (pytest.approx(0, abs=0.01), pytest.approx(0, abs=0.01))
    assert found["snr_db"] == pytest.approx(0, abs=0.01)


def test_noise_is_the_ratio_that_it_was_made_with(measure: Measure) -> None:
    source = random.Random(1)
    power = math.sqrt(sum(one * one for one in SOUND) / len(SOUND))
    noisy = [one + source.gauss(0, power / 100) for one in SOUND]
    assert measure(SOUND, noisy)["snr_db"] == pytest.approx(40, abs=0.1)


def test_darker_is_a_negative_tilt(measure: Measure) -> None:
    darker = [SOUND[0], *(0.5 * (one + before) for before, one in pairwise(SOUND))]
    darker = [darker[0], *(0.5 * (one + before) for before, one in pairwise(darker))]
    found = measure(SOUND, darker)
    assert found["tilt_db"] < -0.1
    brighter = [one - 0.5 * before for before, one in pairwise(SOUND)]
    assert measure(SOUND[1:], brighter)["tilt_db"] > 1


def test_a_pause_that_is_a_frame_longer_is_no_other_sound(measure: Measure) -> None:
    middle = len(SOUND) // 2
    longer = [*SOUND[:middle], *[0.0] * 600, *SOUND[middle:]]
    found = measure(SOUND, longer)
    assert found["samples"] - found["samples_reference"] == 600
    assert found["snr_db"] < 3
    assert found["log_mel_db"] < 2
    assert found["log_mel_correlation"] > 0.98


def test_another_voice_is(measure: Measure) -> None:
    assert measure(SOUND, voice(pitch=210.0, bright=0.9))["log_mel_db"] > 5


def test_what_is_not_finite_silent_or_clipped(measure: Measure) -> None:
    hole = [*SOUND[:20_000], math.nan, *SOUND[20_001:]]
    assert measure(SOUND, hole)["finite"] is False
    silent = measure(SOUND, [0.0] * len(SOUND))
    assert (silent["silence"], silent["longest_silence_s"], silent["log_mel_db"]) == (1.0, 2.0, None)
    assert measure(SOUND, [])["samples"] == 0
    assert measure(SOUND, [3.0 if one > 0.1 else one for one in SOUND])["clipped"] > 0.01
    for wrong in (hole, [0.0] * len(SOUND), []):
        kind, _ = judge(
            Measures(**measure(SOUND, wrong)), None, limits_of(mode("tuned"), device="cpu", dtype="float32")
        )
        assert kind is SoundKind.WRONG


def test_a_voice_pack_that_is_not_finite_is_refused(python: Path, weights: WeightsFolder, tmp_path: Path) -> None:
    code = "import sys, torch; pack = torch.load(sys.argv[1]); pack[7] = float('nan'); torch.save(pack, sys.argv[2])"
    (tmp_path / "voices").mkdir()
    (tmp_path / "sounds").mkdir()
    source = weights.voices_folder / "af_heart.pt"
    done = run([str(python), "-I", "-c", code, str(source), str(tmp_path / "voices" / "af_heart.pt")])
    assert done.ok, done.stderr
    request = {
        "mode": "stock",
        "dtype": "float32",
        "device": "cpu",
        "weights": {**to_request(weights), "voices": str(tmp_path / "voices")},
        "folder": str(tmp_path / "sounds"),
        "utterances": [{"name": "x", "voice": "af_heart", "stretches": ["hˈIə."]}],
    }
    found = ask(python, "sound", request, run=run, bytecode=Home.find().bytecode)
    assert found.outcome is Outcome.FAILED
    assert "is no voice" in found.error
    assert list((tmp_path / "sounds").iterdir()) == []


@pytest.fixture(scope="module")
def invoke() -> Invoke:
    return invoke_in(Home.find().root)


@pytest.mark.skipif("KOKORO_SPARK_TEST_PYTHON" in os.environ, reason="it takes environments of ours")
def test_four_sentences_in_two_voices(invoke: Invoke, tmp_path: Path) -> None:
    modes = "stock,bridge,disable_complex"
    done = invoke(
        *("sound", "--sentences", "4", "--voices", "af_heart,bm_george", "--modes", modes),
        *("--report", str(tmp_path / "report"), "--json"),
    )
    assert done.returncode == ExitCode.OK, done.stderr
    report = from_data(SoundReport, document(done), what="what invoke sound printed")
    found = {one.mode: one for one in report.modes}
    assert {name: one.kind for name, one in found.items()} == {
        "stock": SoundKind.SAME,
        "bridge": SoundKind.SAME,
        "disable_complex": SoundKind.DIFFERENT,
    }
    assert found["bridge"].spreads["snr_db"].worst >= 100
    assert -4 < found["disable_complex"].spreads["tilt_db"].median < -2
    assert all(row.measures.identical for row in report.rows if row.mode == "stock")
    for one in report.modes:
        assert one.utterances == 8
        assert one.word_error_rate is not None
        assert one.word_error_rate <= 0.1
    assert json.loads((tmp_path / "report" / "sound.json").read_text())["rows"]
    assert (tmp_path / "report" / "sound.html").read_text().count("<audio") >= 6


@pytest.mark.skipif("KOKORO_SPARK_TEST_PYTHON" in os.environ, reason="it takes environments of ours")
def test_an_unknown_voice_is_told_before_anything_is_spoken(invoke: Invoke) -> None:
    done = invoke("sound", "--voices", "af_hearts", "--json")
    assert (done.returncode, document(done)["error"]) == (ExitCode.USAGE, "unknown-voice")
    assert "af_heart" in document(done)["hint"]
