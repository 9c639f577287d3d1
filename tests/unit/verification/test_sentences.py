from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import IntegrityError
from scripts.model.sound import ENGLISH
from scripts.verification.sentences import load_sentences
from scripts.verification.words import spelt, words_of
from scripts.weights.pins import load_pins

TABLE = load_sentences()


def test_there_is_enough_to_say() -> None:
    ids = [one.id for one in TABLE.sentences]
    assert len(set(ids)) == len(ids) >= 25
    assert len([one for one in TABLE.sentences if one.language == ENGLISH]) >= 20
    assert len(TABLE.voices[ENGLISH]) == 4
    assert {voice[0] for voice in TABLE.voices[ENGLISH]} == {"a", "b"}
    tags = {tag for one in TABLE.sentences for tag in one.tags}
    assert tags >= {"numbers", "date", "time", "money", "names", "abbreviations", "question", "short", "long"}


def test_the_first_ones_are_english_and_short() -> None:
    """Continuous integration speaks the first four."""
    assert all(one.language == ENGLISH and len(one.text) < 60 for one in TABLE.sentences[:4])


def test_every_voice_exists_and_speaks_its_language() -> None:
    known = load_pins().voices
    for one in TABLE.sentences:
        assert TABLE.voices[one.language]
        assert all(one.is_spoken_by(voice) and voice in known for voice in TABLE.voices[one.language])


@pytest.mark.parametrize("sentence", TABLE.sentences, ids=lambda one: one.id)
def test_words_are_said_as_words(sentence: object) -> None:
    one = next(each for each in TABLE.sentences if each is sentence)
    expected = spelt(words_of(one.words), one.spellings)
    assert expected
    assert not any(map(str.isdigit, "".join(expected)))
    for spelling, words in one.spellings.items():
        assert words_of(spelling) != words_of(words), "it is no other spelling"
        assert spelt(words_of(words), one.spellings) == words_of(words), "what it stands for is replaced again"


def test_the_long_one_is_longer_than_one_pass() -> None:
    """Letters are fewer than phonemes: 510 of them are more than one pass."""
    assert any(len(one.text) > 600 for one in TABLE.sentences if "long" in one.tags)


@pytest.mark.parametrize("text", ["", "[voices]\nen = 3\n", '[[sentence]]\nid = "x"\n[voices]\n'])
def test_a_table_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "sentences.toml").write_text(text)
    with pytest.raises(IntegrityError):
        load_sentences(tmp_path / "sentences.toml")
