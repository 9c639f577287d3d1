"""The first sound early: `kokoro_spark.stream(pipeline, text, voice=...)`.

KPipeline hands out sound when a stretch of up to 510 phonemes, half a minute, is done. Here it is handed out sentence
by sentence, or the first clause before that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SENTENCE_ENDS = frozenset("!.?…")
CLAUSE_ENDS = frozenset(",;:—")
FIRST_PHONEMES = 12
"""A first clause shorter than this is spoken with what follows: alone it would have a sentence's melody."""
_SENTENCES = re.compile(r"(?<=[.!?…।])\s+|\n+")


def stream(pipeline: Any, text: str, *, voice: Any, speed: float = 1.0, by: str = "sentence") -> Iterator[Any]:
    """Speak a text sentence by sentence; give a KPipeline.Result for each as soon as it is spoken.

    `by` is "sentence", or "clause": as sentences, but of the first sentence its first clause alone first. `voice` is
    what KPipeline takes. A sentence of more than 510 phonemes comes in several stretches, as KPipeline parts it.

    Raises ValueError for another `by`, and what KPipeline raises.
    """
    if by not in {"sentence", "clause"}:
        raise ValueError(f'by is "sentence" or "clause", not {by!r}')
    return _stream(pipeline, text, voice, speed, by)


def _stream(pipeline: Any, text: str, voice: Any, speed: float, by: str) -> Iterator[Any]:
    if pipeline.lang_code not in "ab":  # of other languages KPipeline has no tokens
        yield from pipeline(text, voice=voice, speed=speed, split_pattern=_SENTENCES.pattern)
        return
    first = by == "clause"
    for paragraph in filter(str.strip, text.split("\n")):
        _, tokens = pipeline.g2p(paragraph)
        for sentence in parts(tokens, SENTENCE_ENDS):
            pieces = _first_clause(sentence) if first else [sentence]
            first = False
            for piece in pieces:
                yield from pipeline.generate_from_tokens(tokens=piece, voice=voice, speed=speed)


def parts(tokens: list[Any], ends: frozenset[str]) -> list[list[Any]]:
    """Part misaki's tokens after those whose phonemes are one of `ends`, at the next space: marks that close stay."""
    found: list[list[Any]] = [[]]
    ended = False
    for token in tokens:
        found[-1].append(token)
        ended = ended or (token.phonemes or "") in ends
        if ended and token.whitespace:
            found.append([])
            ended = False
    return [part for part in found if part]


def _first_clause(sentence: list[Any]) -> list[list[Any]]:
    """Part a sentence after its first clause that is long enough, if something follows it."""
    count = 0
    for place, token in enumerate(sentence[:-1], start=1):
        count += len(token.phonemes or "")
        if count >= FIRST_PHONEMES and (token.phonemes or "") in CLAUSE_ENDS:
            rest = sentence[place:]
            spoken = any(letter.isalnum() for token in rest for letter in token.phonemes or "")
            return [sentence[:place], rest] if spoken else [sentence]
    return [sentence]
