from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.runtime import streaming
from scripts.runtime.streaming import SENTENCE_ENDS, parts, stream


@dataclass
class Token:
    """As misaki's: phonemes may be None."""

    phonemes: str | None
    whitespace: str = " "


class Pipeline:
    """Takes letters for phonemes and remembers what it is to speak."""

    def __init__(self, lang_code: str = "a") -> None:
        self.lang_code = lang_code
        self.split: str | None = None

    def g2p(self, text: str) -> tuple[str, list[Token]]:
        tokens = []
        for word in text.split():
            end = word[-1] if not word[-1].isalnum() else ""
            tokens.append(Token(word.removesuffix(end), "" if end else " "))
            tokens += [Token(end)] if end else []
        return text, tokens

    def generate_from_tokens(self, tokens: list[Token], voice: Any, speed: float) -> Iterator[str]:
        yield "".join((token.phonemes or "") + token.whitespace for token in tokens).strip()

    def __call__(self, text: str, *, voice: Any, speed: float, split_pattern: str) -> Iterator[str]:
        self.split = split_pattern
        yield text


def said(text: str, by: str = "sentence") -> list[str]:
    return list(stream(Pipeline(), text, voice="af_heart", by=by))


def test_each_sentence_comes_by_itself() -> None:
    text = "The town slept. Nobody spoke!\n\nWas it cold?\nYes"
    assert said(text) == ["The town slept.", "Nobody spoke!", "Was it cold?", "Yes"]


def test_the_first_clause_comes_first_where_it_is_long_enough() -> None:
    assert said("The fishing boats left, while the town slept. It was dark, and cold.", "clause") == [
        "The fishing boats left,",
        "while the town slept.",
        "It was dark, and cold.",
    ]
    assert said("Well, the town slept. Yes.", "clause") == ["Well, the town slept.", "Yes."]


def test_nothing_comes_of_nothing() -> None:
    assert said(" \n ") == []


def test_other_languages_have_no_tokens_and_are_parted_by_their_marks() -> None:
    pipeline = Pipeline("e")
    assert list(stream(pipeline, "Hola.", voice="ef_dora")) == ["Hola."]
    assert pipeline.split == streaming._SENTENCES.pattern


def test_another_way_of_streaming_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="not 'word'"):
        stream(Pipeline(), "Hello.", voice="af_heart", by="word")


TOKENS = st.lists(
    st.builds(Token, st.sampled_from(["a", "be", ".", "!", ",", "”", "", None]), st.sampled_from(["", " "]))
)


@given(tokens=TOKENS)
def test_parts_lose_nothing_and_end_at_a_space_after_a_mark(tokens: list[Token]) -> None:
    found = parts(tokens, SENTENCE_ENDS)
    assert [token for part in found for token in part] == tokens
    for part in found[:-1]:
        assert part[-1].whitespace
        assert any(token.phonemes in SENTENCE_ENDS for token in part)
    assert all(found)
