from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.model.sound import Sentence
from scripts.verification.words import hear, spelt, word_error_rate, word_errors, words_of

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The dog's bone, isn't it?", ["the", "dog's", "bone", "isn't", "it"]),
        ("'Quoted' words\u2019 end", ["quoted", "words", "end"]),
        ("$12.50 at 7:45", ["12", "50", "at", "7", "45"]),
        ("1,250 and 3,5 and 1,250,000", ["1250", "and", "3", "5", "and", "1250000"]),
        ("3.5% & more", ["3", "5", "percent", "and", "more"]),
        ("Días", ["días"]),
        ("...", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_spellings_stand_for_words_the_longest_first() -> None:
    spellings = {"24": "twenty four", "24th": "twenty fourth", "7:45": "seven forty five", "7": "seven"}
    assert spelt(words_of("May 24th, 7:45, 7 and 24"), spellings) == (
        ["may", "twenty", "fourth", "seven", "forty", "five", "seven", "and", "twenty", "four"]
    )


@pytest.mark.parametrize(
    ("expected", "found", "errors"),
    [("a b c d", "a b c d", 0), ("a b c d", "a x c", 2), ("a b", "", 2), ("a", "b c d", 3), ("", "a", 1)],
)
def test_word_errors(expected: str, found: str, errors: int) -> None:
    assert word_errors(expected.split(), found.split()) == errors


def test_word_error_rate() -> None:
    assert word_error_rate("a b c d", "A, b. c d!") == 0
    assert word_error_rate("a b c d", "a x c") == 0.5
    assert word_error_rate("twelve dollars", "$12", {"$12": "twelve dollars"}) == 0


@given(WORDS, WORDS, WORDS)
def test_word_errors_are_a_distance(one: list[str], other: list[str], third: list[str]) -> None:
    assert (word_errors(one, other) == 0) == (one == other)
    assert word_errors(one, other) == word_errors(other, one)
    assert word_errors(one, third) <= word_errors(one, other) + word_errors(other, third)
    assert abs(len(one) - len(other)) <= word_errors(one, other) <= max(len(one), len(other))


def test_what_was_heard_beside_what_was_heard_of_the_reference() -> None:
    sentence = Sentence(id="x", language="en", text="Dr. Smith", spoken="doctor smith", spellings={"Dr": "doctor"})
    heard = hear(sentence, "Dr. Smyth", "Doctor Smith")
    assert (heard.words, heard.errors, heard.errors_reference) == (2, 1, 0)
    assert (heard.rate, heard.rate_reference) == (0.5, 0.0)
