"""tuned, batched and stream on the real architecture, and on a reduced one many times over."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.home import CHECKOUT
from scripts.model.weights import WeightsFolder
from scripts.weights.request import to_request

pytestmark = pytest.mark.slow

Ask = Callable[..., dict[str, Any]]
CHILD = Path(__file__).with_name("speaking_models.py")
ALIKE_DB = 60.0
FOX = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˌOvəɹ ðə lˈAzi dˈɔɡ."
LETTERS = "abdfhijklmnopstuvwzæðŋɑɔəɛɜɡɪɹɾʃʊʌʒʤʧˈ ,."
VOICES = ("af_heart", "am_michael", "bf_emma", "bm_george")
TEXT = (
    "Dr. Smith left the harbor before dawn, while the town was still asleep. The water was dark and cold! "
    '"Was it?" she asked.'
)


@pytest.fixture(scope="module")
def ask(python: Path, weights: WeightsFolder) -> Iterator[Ask]:
    """One process for all questions: importing kokoro takes longer than most answers."""
    command = [str(python), str(CHILD), str(CHECKOUT), json.dumps(to_request(weights))]
    environ = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def ask(name: str, *, full: bool, **request: Any) -> dict[str, Any]:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps({"ask": name, "full": full, **request}) + "\n")
            child.stdin.flush()
            line = child.stdout.readline()
            assert line, "the models' process has ended; its traceback is on stderr"
            answer: dict[str, Any] = json.loads(line)
            return answer

        yield ask
        child.stdin.close()


def alike(values: list[float | None]) -> bool:
    return all(value is None or value >= ALIKE_DB for value in values)


def utterances(
    voices: st.SearchStrategy[Any], *, longest: int, most: int, slowest: float
) -> st.SearchStrategy[list[Any]]:
    one = st.tuples(
        st.text(LETTERS, min_size=1, max_size=longest),
        voices,
        st.floats(slowest, 4 * slowest),
        st.integers(0, 2**31),
    )
    return st.lists(one.map(list), min_size=1, max_size=most)


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@examples(25)
@given(batch=utterances(st.integers(0, 9), longest=6, most=5, slowest=2.0))
@pytest.mark.parametrize("how", ["each", "together"])
def test_in_company_as_alone_on_a_reduced_model(ask: Ask, how: str, batch: list[Any]) -> None:
    found = ask("compare_batched", full=False, utterances=batch, how=how)["snr"]
    assert len(found) == len(batch)
    assert alike(found), found


@examples(3)
@given(batch=utterances(st.sampled_from(VOICES), longest=30, most=3, slowest=0.6))
@pytest.mark.parametrize("how", ["each", "together"])
def test_in_company_as_alone_on_the_full_model(ask: Ask, how: str, batch: list[Any]) -> None:
    found = ask("compare_batched", full=True, utterances=batch, how=how)["snr"]
    assert alike(found), found


@examples(25)
@given(batch=utterances(st.integers(0, 9), longest=6, most=2, slowest=2.0))
def test_tuned_is_the_same_sound_on_a_reduced_model(ask: Ask, batch: list[Any]) -> None:
    for answer in ask("compare_tuned", full=False, utterances=batch, options={})["answers"]:
        assert alike([answer["snr"]]), answer
        assert answer["durations"]
        assert answer["random_state"]
        assert answer["changeable"]


MIXED = [[FOX, "af_heart", 1.0, 0], [FOX[:20], "bm_george", 0.8, 1], [FOX * 6, "am_michael", 1.1, 2]]


def test_tuned_is_the_same_sound(ask: Ask) -> None:
    answers = ask("compare_tuned", full=True, utterances=MIXED, options={})["answers"]
    assert alike([answer["snr"] for answer in answers]), answers
    assert all(answer["durations"] and answer["random_state"] for answer in answers)


def test_folded_alone_is_the_same_to_the_last_bit(ask: Ask) -> None:
    answers = ask("compare_tuned", full=True, utterances=MIXED, options={"rows": False})["answers"]
    assert [answer["snr"] for answer in answers] == [None] * len(MIXED)


def test_bfloat16_keeps_durations_and_is_near(ask: Ask) -> None:
    answers = ask("compare_tuned", full=True, utterances=MIXED, options={"dtype": "bfloat16"})["answers"]
    assert all(answer["durations"] for answer in answers)
    # 40 dB and more were measured; the words are judged by `invoke sound`.
    assert all(answer["snr"] is not None and answer["snr"] >= 30 for answer in answers), answers


def test_the_given_model_is_left_as_it_was(ask: Ask) -> None:
    assert ask("untouched", full=True)["same"]


REFUSALS = [
    ("no model", "TypeError", "takes a kokoro.KModel, not Linear"),
    ("dtype", "ValueError", "unknown dtype 'float16'"),
    ("twice", "ValueError", "tuned already"),
    ("disable_complex", "ValueError", "disable_complex"),
    ("no phonemes", "ValueError", "utterance 1: the model knows none of its phonemes ''"),
    ("unknown phonemes", "ValueError", "utterance 0: the model knows none"),
    ("too many", "ValueError", "utterance 0: 511 phonemes, at most 510"),
    ("shape", "ValueError", "a style of shape (1, 128)"),
    ("not finite", "ValueError", "not finite"),
    ("speed", "ValueError", "0.0 is no speed"),
]


@pytest.mark.parametrize(("what", "kind", "told"), REFUSALS)
def test_what_is_refused(ask: Ask, what: str, kind: str, told: str) -> None:
    found = ask("refusal", full=False, what=what)
    assert found["kind"] == kind
    assert told in found["text"]


def test_a_thousand_utterances_take_no_more_memory(ask: Ask) -> None:
    batch = [["hˈɛl", 1, 16.0, 0], ["wˈɜ", 2, 12.0, 1], ["a", 3, 8.0, 2]]
    early, late = ask("growth", full=False, count=1000, utterances=batch)["marks"]
    assert late - early < 20, (early, late)


def test_a_hundred_utterances_of_the_full_model_take_no_more_memory(ask: Ask) -> None:
    batch = [["hˈɛlO.", "af_heart", 2.0, 0], ["jˈɛs.", "bm_george", 2.0, 1]]
    early, late = ask("growth", full=True, count=100, utterances=batch)["marks"]
    assert late - early < 50, (early, late)


def test_stream_hands_out_sentences(ask: Ask) -> None:
    found = ask("streamed", full=True, text=TEXT, by="sentence")
    texts = [text for text, _, _ in found["parts"]]
    assert len(found["whole"]) == 1
    assert texts[0].endswith("asleep.")
    assert texts[1].endswith("cold!")
    assert len(texts) >= 3
    joined = "".join(texts)
    assert joined.replace(" ", "") == found["whole"][0][0].replace(" ", "")
    assert found["parts"][0][2] < found["whole"][0][2]


def test_stream_hands_out_the_first_clause_first(ask: Ask) -> None:
    found = ask("streamed", full=True, text=TEXT, by="clause")
    assert found["parts"][0][0].endswith("dawn,")
    assert found["parts"][1][0].endswith("asleep.")
