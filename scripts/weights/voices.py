"""Which voices there are, and which language each speaks: its first letter says it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from scripts.errors import UsageError

DEFAULT_VOICE = "af_heart"

LANGUAGES = {
    "a": "American English",
    "b": "British English",
    "e": "Spanish",
    "f": "French",
    "h": "Hindi",
    "i": "Italian",
    "j": "Japanese",
    "p": "Brazilian Portuguese",
    "z": "Mandarin Chinese",
}
"""kokoro 0.9.4, pipeline.py: LANG_CODES."""

_EXTRAS = {"j": "misaki[ja]", "z": "misaki[zh]"}


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A voice, and the language code that KPipeline takes for it."""

    name: str
    language: str

    @property
    def language_name(self) -> str:
        """In words."""
        return LANGUAGES[self.language]


def choose_voice(names: Iterable[str], wanted: str | None) -> Voice:
    """Pick a voice of those that the weights have; None: af_heart, else the first that can be spoken.

    Raises UsageError: unknown-voice lists close matches and all there are; voice-language for Japanese and Chinese,
    whose grapheme-to-phoneme packages no environment has.
    """
    available = sorted(names)
    if wanted is None:
        spoken = [name for name in available if name[:1] in LANGUAGES and name[:1] not in _EXTRAS]
        wanted = DEFAULT_VOICE if DEFAULT_VOICE in spoken or not spoken else spoken[0]
    if wanted not in available:
        close = difflib.get_close_matches(wanted.lower(), available, n=3, cutoff=0.6)
        meant = f"did you mean {' or '.join(close)}?" if close else "choose one of those above"
        raise UsageError(f"unknown voice {wanted!r}", context=listing(available), hint=meant, reference="unknown-voice")
    language = wanted[:1]
    if language not in LANGUAGES:
        raise UsageError(
            f"the voice {wanted!r} does not say its language",
            context="the first letter of its name must be one of "
            + ", ".join(f"{letter} ({name})" for letter, name in LANGUAGES.items()),
            hint="rename its file",
            reference="voice-language",
        )
    if extra := _EXTRAS.get(language):
        raise UsageError(
            f"the voice {wanted} speaks {LANGUAGES[language]}, which these environments cannot read",
            context=f"Kokoro needs {extra} for it, which is not among the pinned packages",
            hint="choose a voice of another language: a, b (English), e, f, h, i or p",
            reference="voice-language",
        )
    return Voice(name=wanted, language=language)


def listing(names: Iterable[str]) -> str:
    """List voices, one line for each language."""
    groups = groupby(sorted(names), key=lambda name: name[:1])
    return "\n".join(f"{LANGUAGES.get(letter, 'other')}: {', '.join(members)}" for letter, members in groups)
