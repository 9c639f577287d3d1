"""How many words were heard wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from scripts.model.sound import Heard, Sentence

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_SIGNS = {"%": " percent ", "&": " and "}


def words_of(text: str) -> list[str]:
    """Split a text into words: lower case, no punctuation but the apostrophe within a word; 1,250 is 1250."""
    plain = _THOUSANDS.sub("", text.casefold().replace("\u2019", "'"))
    for sign, word in _SIGNS.items():
        plain = plain.replace(sign, word)
    found = re.sub(r"[^\w']|_", " ", plain).split()
    return [word for one in found if (word := one.strip("'"))]


def spelt(words: Sequence[str], spellings: Mapping[str, str]) -> list[str]:
    """Replace every spelling by the words that it stands for, the longest that fits first."""
    rules = sorted(((words_of(key), words_of(value)) for key, value in spellings.items()), key=lambda one: -len(one[0]))
    result: list[str] = []
    place = 0
    while place < len(words):
        for key, value in rules:
            if key and list(words[place : place + len(key)]) == key:
                result += value
                place += len(key)
                break
        else:
            result.append(words[place])
            place += 1
    return result


def word_errors(expected: Sequence[str], found: Sequence[str]) -> int:
    """Count the words substituted, left out and put in: Levenshtein's distance over words."""
    row = list(range(len(found) + 1))
    for i, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def word_error_rate(text: str, heard: str, spellings: Mapping[str, str] | None = None) -> float:
    """Give the word error rate of what was heard: errors over the words of the text, which has at least one."""
    expected = spelt(words_of(text), spellings or {})
    return word_errors(expected, spelt(words_of(heard), spellings or {})) / len(expected)


def hear(sentence: Sentence, text: str, reference: str) -> Heard:
    """Compare what was heard of a sentence, and of its reference, with its words."""
    expected = spelt(words_of(sentence.words), sentence.spellings)
    errors, errors_reference = (
        word_errors(expected, spelt(words_of(one), sentence.spellings)) for one in (text, reference)
    )
    return Heard(words=len(expected), errors=errors, errors_reference=errors_reference, text=text)
