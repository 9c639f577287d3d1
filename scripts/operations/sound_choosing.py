"""What `invoke sound` is asked: which modes, which utterances, which environments. Nothing is run here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError
from scripts.model.modes import MODES, Engine, Mode, mode_named
from scripts.model.sound import Sentence, SentenceTable, Utterance
from scripts.model.weights import SyntheticWeights
from scripts.operations.context import Context
from scripts.operations.say import check_device
from scripts.operations.speech import Speech, onnx_speech, torch_speech
from scripts.weights.voices import choose_voice

_SECONDS_PER_WORD = 0.4
"""Of speech, roughly, with the silence around a sentence."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """The options, read. An empty `voices` means the table's."""

    modes: tuple[Mode, ...] = MODES
    device: str = "auto"
    sentences: int | None = None
    voices: tuple[str, ...] = ()
    words: bool = True
    env: str | None = None

    @property
    def whole(self) -> bool:
        """Tell whether nothing was left out of the run."""
        return self.modes == MODES and self.sentences is None and not self.voices and self.words


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Everything that is to be spoken, and by what."""

    torch: Speech
    onnx: Speech | None
    utterances: tuple[Utterance, ...]
    modes: tuple[tuple[Mode, str], ...]
    """Each with a dtype."""
    device: str
    words: bool
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Each once, in order."""
        return tuple({one.sentence.id: one.sentence for one in self.utterances}.values())

    @property
    def voices(self) -> tuple[str, ...]:
        """Each once, in order."""
        return tuple(dict.fromkeys(one.voice for one in self.utterances))


def parse_order(*, modes: str, device: str, sentences: str, voices: str, words: bool, env: str) -> Order:
    """Read the options. Raises UsageError: unknown-mode, unknown-device, bad-count."""
    count = None
    if sentences:
        count = int(sentences) if sentences.isascii() and sentences.isdigit() else 0
        if count < 1:
            raise UsageError(
                f"{sentences!r} is no number of sentences",
                hint="give 1 or more: the first so many of constraints/sentences.toml; without it, all",
                reference="bad-count",
            )
    return Order(
        modes=parse_modes(modes) or MODES,
        device=check_device(device),
        sentences=count,
        voices=tuple(dict.fromkeys(listed(voices))),
        words=words,
        env=env or None,
    )


def choose(order: Order, table: SentenceTable, context: Context) -> Chosen:
    """Decide what is spoken by which environments.

    Raises UsageError (unknown-voice, voice-language, nothing-to-say), NoCandidateError (no-environment,
    environment-not-ready, no-weights, needs-torch).
    """
    torch = torch_speech(order.env, context)
    notes = []
    for voice in order.voices:
        choose_voice(torch.weights.voices, voice)
    utterances = choose_utterances(order, table, torch.weights.voices)
    missing = {voice for voices in table.voices.values() for voice in voices} - set(torch.weights.voices)
    if missing and not order.voices:
        notes.append(f"left out, these weights have no such voice: {', '.join(sorted(missing))}")
    if not utterances:
        raise UsageError(
            "no sentence is left to speak",
            context=f"of the first {order.sentences} sentences" if order.sentences else "",
            hint="these voices speak none of these sentences' languages: choose others, or more sentences",
            reference="nothing-to-say",
        )
    if isinstance(torch.weights, SyntheticWeights):
        notes.append("synthetic weights speak no words: only samples and spectra are compared")
    return Chosen(
        torch=torch,
        onnx=onnx_speech(context) if any(mode.engine is Engine.ONNX for mode in order.modes) else None,
        utterances=utterances,
        modes=tuple((mode, dtype) for mode in order.modes for dtype in mode.dtypes),
        device=order.device,
        words=order.words and not isinstance(torch.weights, SyntheticWeights),
        notes=tuple(notes),
    )


def choose_utterances(order: Order, table: SentenceTable, there: Sequence[str]) -> tuple[Utterance, ...]:
    """Pair every sentence with the voices of its language: the chosen ones, else the table's that are `there`."""
    sentences = table.sentences[: order.sentences]
    return tuple(
        Utterance(sentence=sentence, voice=voice)
        for sentence in sentences
        for voice in order.voices or table.voices.get(sentence.language, ())
        if voice in there and sentence.is_spoken_by(voice)
    )


def foreseen_lines(chosen: Chosen, report: Path | None) -> list[str]:
    """Say what would be done: for --dry-run."""
    modes = ", ".join(f"{mode.name} {dtype}" for mode, dtype in chosen.modes)
    onnx = chosen.onnx.entry.name if chosen.onnx else "none"
    words = sum(len(one.sentence.words.split()) for one in chosen.utterances)
    minutes = words * _SECONDS_PER_WORD / 60
    return [
        f"would speak {len(chosen.utterances)} utterances, some {minutes:.0f} minutes of sound, in each of:",
        f"  {modes}",
        f"  and once more as the reference: stock float32 on the CPU; device of the modes: {chosen.device}",
        f"  environments {chosen.torch.entry.name}; for onnx: {onnx}",
        f"  words: {'counted by a speech recogniser' if chosen.words else 'not counted'}",
        *(f"note: {note}" for note in chosen.notes),
        *([f"  report into {report}"] if report else []),
    ]


def parse_modes(text: str) -> tuple[Mode, ...]:
    """Read names of modes, with commas between them; in the order of MODES. Raises UsageError (unknown-mode)."""
    names = listed(text)
    unknown = [name for name in names if mode_named(name) is None]
    if unknown:
        raise UsageError(
            f"unknown mode {unknown[0]!r}",
            hint=f"choose from: {', '.join(mode.name for mode in MODES)}",
            reference="unknown-mode",
        )
    return tuple(mode for mode in MODES if mode.name in names)


def listed(text: str) -> list[str]:
    """Part what has commas between it."""
    return [name.strip() for name in text.split(",") if name.strip()]
