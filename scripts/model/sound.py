"""How the modes of Kokoro sound: what is spoken, what was measured, what it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

ENGLISH = "en"
"""A sentence's language that American and British voices speak; the others are KPipeline's letters."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One text of constraints/sentences.toml, which says what each field is for."""

    id: str
    language: str
    text: str
    spoken: str = ""
    """Empty: the text's own words."""
    spellings: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The words as they are said."""
        return self.spoken or self.text

    def is_spoken_by(self, voice: str) -> bool:
        """Tell whether a voice is of this language: its name's first letter says which it speaks."""
        return voice[:1] in ("ab" if self.language == ENGLISH else self.language)


@dataclass(frozen=True, kw_only=True)
class SentenceTable:
    """constraints/sentences.toml. `voices` maps a language to those that speak it, the first ones first."""

    voices: dict[str, tuple[str, ...]]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """A sentence in a voice."""

    sentence: Sentence
    voice: str

    @property
    def name(self) -> str:
        """Name its files."""
        return f"{self.sentence.id}-{self.voice}"


@dataclass(frozen=True, kw_only=True)
class Measures:
    """A sound beside its reference, as scripts/inside/measure.py defines each figure; None: it has no value."""

    samples: int
    """At 24 kHz."""
    samples_reference: int
    finite: bool
    identical: bool
    snr_db: float | None
    gain_db: float | None
    tilt_db: float | None
    log_mel_db: float | None
    log_mel_correlation: float | None
    clipped: float
    """Share of the samples at full scale."""
    silence: float
    """Share of the time."""
    silence_reference: float
    longest_silence_s: float
    longest_silence_reference_s: float


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the recogniser heard, and how many of the words it got wrong (substituted, left out, put in)."""

    words: int
    errors: int
    errors_reference: int
    """In the reference's sound: the recogniser's own, or the voice's."""
    text: str
    """As it was heard; empty in docs/sound.json where no word of it was wrong."""

    @property
    def rate(self) -> float:
        """Word error rate: errors over words said."""
        return self.errors / self.words

    @property
    def rate_reference(self) -> float:
        """The same of the reference."""
        return self.errors_reference / self.words


class SoundKind(StrEnum):
    """What a comparison with the reference comes to, from good to bad."""

    SAME = "same"
    """The same samples, but for rounding."""
    ALIKE = "alike"
    """Other samples, the same words in the same voice: what is heard is the same."""
    DIFFERENT = "different"
    """The words hold, but it sounds otherwise: louder, softer, darker, sharper."""
    WRONG = "wrong"
    """Not the words, not finite, silent, too long or too short; or nothing at all."""
    NOT_MEASURED = "not measured here"


@dataclass(frozen=True, kw_only=True)
class SoundRow:
    """One utterance in one mode."""

    mode: str
    device: str
    dtype: str
    sentence: str
    voice: str
    measures: Measures
    heard: Heard | None
    """None: no words were counted (another language, synthetic weights, --no-words)."""
    kind: SoundKind
    why: tuple[str, ...] = ()
    """What keeps it from being `same`."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A figure over all utterances of a mode."""

    median: float
    worst: float
    worst_at: str
    """`sentence-voice`."""


@dataclass(frozen=True, kw_only=True)
class ModeSound:
    """One mode on one device in one dtype, over all its utterances."""

    mode: str
    device: str
    dtype: str
    offered: bool
    kind: SoundKind
    expected: SoundKind
    """What it must at least be."""
    why: tuple[str, ...]
    utterances: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)
    """By the name of the figure in Measures; those without any value are left out."""
    word_error_rate: float | None = None
    """Over all words; None: none were counted."""
    word_error_rate_reference: float | None = None
    seconds: float | None = None
    """Wall time of the process that spoke; no measure of speed, see `invoke bench`."""

    @property
    def name(self) -> str:
        """`tuned bfloat16`."""
        return f"{self.mode} {self.dtype}"

    @property
    def accepted(self) -> bool:
        """Tell whether it is what it must be; what is not measured is not refused."""
        order = (SoundKind.SAME, SoundKind.ALIKE, SoundKind.DIFFERENT, SoundKind.WRONG)
        return self.kind is SoundKind.NOT_MEASURED or order.index(self.kind) <= order.index(self.expected)


@dataclass(frozen=True, kw_only=True)
class SoundReport:
    """A whole run."""

    schema: int
    created: str
    """ISO date."""
    reference: str
    """What all is compared with, in words."""
    weights: str
    """Their label."""
    machine: str
    """Architecture and processors, in words."""
    recogniser: str
    """Which; empty: none."""
    sentences: tuple[Sentence, ...]
    voices: tuple[str, ...]
    modes: tuple[ModeSound, ...]
    rows: tuple[SoundRow, ...]
    notes: tuple[str, ...] = ()
