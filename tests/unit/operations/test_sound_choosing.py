from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.errors import NoCandidateError, UsageError
from scripts.model.sound import SentenceTable
from scripts.operations.context import Context
from scripts.operations.sound_choosing import Order, choose, choose_utterances, foreseen_lines, parse_order
from scripts.verification.sentences import load_sentences
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import plan, put, record
from tests.support.sounds import FOX, HOLA

TABLE = SentenceTable(voices={"en": ("af_heart", "bf_emma"), "e": ("ef_dora",)}, sentences=(FOX, HOLA))
THERE = ("af_heart", "am_adam", "bf_emma", "ef_dora", "em_alex")


def order(**changes: Any) -> Order:
    said = {"modes": "", "device": "auto", "sentences": "", "voices": "", "words": True, "env": "", **changes}
    return parse_order(**said)


@pytest.fixture
def world(tmp_path: Path) -> Context:
    made = context(tmp_path, PC)
    put(made.store, record("cpu-0123456789ab", weights="synthetic"))
    made.store.use("cpu-0123456789ab")
    return made


def names(given: Order, there: tuple[str, ...] = THERE) -> list[str]:
    return [one.name for one in choose_utterances(given, TABLE, there)]


def test_everything_is_the_default() -> None:
    assert order() == Order()
    assert order().whole
    assert names(order()) == ["fox-af_heart", "fox-bf_emma", "hola-ef_dora"]


def test_a_subset() -> None:
    chosen = order(modes="tuned, stock,stock", sentences="1", voices="bf_emma,em_alex,bf_emma")
    assert [mode.name for mode in chosen.modes] == ["stock", "tuned"]
    assert names(chosen) == ["fox-bf_emma"]
    assert names(order(voices="em_alex")) == ["hola-em_alex"]
    assert names(order(), ("af_heart",)) == ["fox-af_heart"]
    assert not chosen.whole
    assert not order(words=False).whole


@pytest.mark.parametrize(
    ("said", "reference", "told"),
    [
        ({"modes": "stock,fast"}, "unknown-mode", "'fast'"),
        ({"device": "tpu"}, "unknown-device", "'tpu'"),
        ({"sentences": "0"}, "bad-count", "'0'"),
        ({"sentences": "-1"}, "bad-count", "'-1'"),
        ({"sentences": "all"}, "bad-count", "'all'"),
        ({"sentences": "²"}, "bad-count", "'²'"),
    ],
)
def test_bad_input(said: dict[str, str], reference: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        order(**said)
    assert caught.value.reference == reference
    assert caught.value.hint


@pytest.mark.parametrize(
    ("said", "reference"),
    [
        ({"voices": "af_heart,nobody"}, "unknown-voice"),
        ({"voices": "jf_alpha"}, "voice-language"),
        ({"voices": "ef_dora", "sentences": "1"}, "nothing-to-say"),
    ],
)
def test_voices_that_cannot_speak(world: Context, said: dict[str, str], reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose(order(**said), load_sentences(), world)
    assert caught.value.reference == reference


def test_synthetic_weights_speak_no_words(world: Context) -> None:
    chosen = choose(order(), load_sentences(), world)
    assert not chosen.words
    assert any("synthetic" in note for note in chosen.notes)
    assert chosen.onnx is None
    assert len(chosen.utterances) == 85
    assert [(mode.name, dtype) for mode, dtype in chosen.modes if mode.name == "tuned"] == [
        ("tuned", "float32"),
        ("tuned", "bfloat16"),
    ]
    lines = "\n".join(foreseen_lines(chosen, Path("report")))
    assert "85 utterances" in lines
    assert "for onnx: none" in lines
    assert "report into report" in lines


def test_a_current_environment_without_torch_is_passed_over(world: Context) -> None:
    put(world.store, record("onnx-0123456789ab", weights="synthetic", plan=plan(strategy="onnx")))
    put(world.store, record("cpu-00aaaaaaaaaa", weights="synthetic", created="2026-01-01T12:00:00+00:00"))
    world.store.use("onnx-0123456789ab")
    chosen = choose(order(), load_sentences(), world)
    assert chosen.torch.entry.name == "cpu-0123456789ab"
    assert chosen.onnx is not None
    assert chosen.onnx.entry.name == "onnx-0123456789ab"
    with pytest.raises(NoCandidateError) as caught:
        choose(order(env="onnx"), load_sentences(), world)
    assert caught.value.reference == "needs-torch"


def test_no_environment(tmp_path: Path) -> None:
    with pytest.raises(NoCandidateError) as caught:
        choose(order(), load_sentences(), context(tmp_path, PC))
    assert caught.value.reference == "no-environment"


def test_an_environment_without_weights(tmp_path: Path) -> None:
    made = context(tmp_path, PC)
    put(made.store, record("cpu-0123456789ab"))
    made.store.use("cpu-0123456789ab")
    with pytest.raises(NoCandidateError) as caught:
        choose(order(), load_sentences(), made)
    assert caught.value.reference == "no-weights"


def test_a_sentence_knows_who_speaks_it() -> None:
    assert FOX.is_spoken_by("bm_george")
    assert not FOX.is_spoken_by("ef_dora")
