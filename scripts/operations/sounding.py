"""invoke sound: every mode of Kokoro says the same sentences, and is compared with stock Kokoro on the CPU."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scripts.disk import disk_errors
from scripts.model.evidence import Observation, Outcome
from scripts.model.modes import Engine, Mode, mode_named
from scripts.model.sound import ENGLISH, ModeSound, SoundKind, SoundReport, SoundRow, Utterance
from scripts.operations.context import Context
from scripts.operations.recogniser import recognise, recogniser_python
from scripts.operations.sound_choosing import Chosen
from scripts.operations.sound_work import Work, broken
from scripts.operations.speech import NO_ONNX, Speech
from scripts.progress import say
from scripts.verification.fidelity import judge, judge_mode, limits_of
from scripts.verification.words import hear

SCHEMA = 1
ABOUT_REFERENCE = "stock Kokoro, float32, CPU"
REFERENCE = "reference"
"""The folder of the reference's samples."""
_NOT_HERE = frozenset({"old-runtime", "no-gpu", "provider"})
"""Causes that say that a mode cannot run here, and nothing about how it sounds."""


@dataclass(frozen=True, kw_only=True)
class Sounded:
    """A run's report, and the samples it rests on while its folder is there."""

    report: SoundReport
    folder: Path

    def sound(self, mode: str, dtype: str, name: str) -> Path:
        """Name the samples of an utterance (`sentence-voice`) in a mode; of the reference: REFERENCE and no dtype."""
        return self.folder / f"{mode} {dtype}".strip() / f"{name}.f32"


@contextmanager
def sounding(chosen: Chosen, context: Context) -> Iterator[Sounded]:
    """Speak, measure, listen and judge. The samples (some 50 MB a mode) are there as long as the block lasts.

    Raises NoCandidateError (no-gpu), NetworkError (the recogniser cannot be fetched), BrokenError (the reference cannot
    be spoken), DiskError, UsageError. A mode that fails is a verdict, not an error.
    """
    python = recogniser_python(context) if chosen.words else None  # before minutes of work: it may need the network
    with disk_errors(context.home.cache):
        context.home.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sound-", dir=context.home.cache) as name:
        work = Work(chosen=chosen, context=context, folder=Path(name))
        yield _Run(work=work, recogniser=python).perform()


@dataclass(kw_only=True)
class _Run:
    """One run. `recogniser` is its interpreter; None: no words are counted."""

    work: Work
    recogniser: Path | None
    about_recogniser: str = ""

    def perform(self) -> Sounded:
        """Do all of it."""
        chosen, phonemes = self.work.chosen, self.work.find_phonemes()
        utterances = [one for one in chosen.utterances if one.name not in phonemes.left_out]
        options = {"mode": "stock", "dtype": "float32", "device": "cpu"}
        spoken = self.work.speak(chosen.torch, utterances, **options, name=REFERENCE)
        if spoken.outcome is not Outcome.PASSED:
            raise broken("the reference, stock Kokoro on the CPU, could not be spoken", spoken)
        texts = self._listen(REFERENCE, utterances)
        modes, rows = [], []
        for mode, dtype in chosen.modes:
            found, own = self._mode(mode, dtype, utterances, texts)
            say(f"{found.name}: {found.kind}{_reason(found)}")
            modes.append(found)
            rows += own
        report = SoundReport(
            schema=SCHEMA,
            created=datetime.now(UTC).date().isoformat(),
            reference=ABOUT_REFERENCE,
            weights=chosen.torch.weights.label,
            machine=f"{self.work.context.facts.host.architecture}, {phonemes.about}",
            recogniser=self.about_recogniser,
            sentences=chosen.sentences,
            voices=chosen.voices,
            modes=tuple(modes),
            rows=tuple(rows),
            notes=(*chosen.notes, *sorted({f"left out: {why}" for why in phonemes.left_out.values()})),
        )
        return Sounded(report=report, folder=self.work.folder)

    def _mode(
        self, mode: Mode, dtype: str, utterances: Sequence[Utterance], texts: dict[str, str]
    ) -> tuple[ModeSound, list[SoundRow]]:
        """Speak and judge one mode."""
        device = self.work.phonemes.device
        speech, why = self._speech(mode, utterances)
        if speech is None:
            return _unmeasured(mode, dtype, device, why), []
        name = f"{mode.name} {dtype}"
        spoken = self.work.speak(speech, utterances, mode=mode.name, dtype=dtype, device=device, name=name)
        if spoken.outcome is not Outcome.PASSED:
            return _failed(mode, dtype, device, spoken), []
        measures = self.work.measure(REFERENCE, name, utterances)
        heard = self._listen(name, utterances)
        rows = []
        for one in utterances:
            words = hear(one.sentence, heard[one.name], texts[one.name]) if one.name in heard else None
            kind, why_not = judge(measures[one.name], words, limits_of(mode, device=device, dtype=dtype))
            rows.append(
                SoundRow(
                    mode=mode.name,
                    device=device,
                    dtype=dtype,
                    sentence=one.sentence.id,
                    voice=one.voice,
                    measures=measures[one.name],
                    heard=words,
                    kind=kind,
                    why=why_not,
                )
            )
        seconds = round(float(spoken.detail["seconds"]), 1)
        return judge_mode(mode, rows, device=device, dtype=dtype, seconds=seconds), rows

    def _speech(self, mode: Mode, utterances: Sequence[Utterance]) -> tuple[Speech | None, str]:
        """Choose the environment that speaks a mode; without one, say why."""
        chosen, device = self.work.chosen, self.work.phonemes.device
        if mode.same_code_as is not None and device == "cpu":
            return None, f"on a CPU it runs the code of {mode.same_code_as}"
        if mode.engine is Engine.TORCH:
            return chosen.torch, ""
        if chosen.onnx is None:
            return None, NO_ONNX
        missing = sorted({one.voice for one in utterances} - set(chosen.onnx.weights.voices))
        return (None, f"its weights have no voice {', '.join(missing)}") if missing else (chosen.onnx, "")

    def _listen(self, name: str, utterances: Sequence[Utterance]) -> dict[str, str]:
        """Hear the English utterances of a folder; nothing without a recogniser."""
        files = {one.name: self.work.sound(name, one) for one in utterances if one.sentence.language == ENGLISH}
        if self.recogniser is None or not files:
            return {}
        texts, self.about_recogniser = recognise(files, self.recogniser, self.work.context)
        return texts


def judged_again(report: SoundReport) -> SoundReport:
    """Judge a kept report's rows by the thresholds of today."""
    rows, modes = [], []
    for row in report.rows:
        mode = mode_named(row.mode)
        if mode is not None:
            kind, why = judge(row.measures, row.heard, limits_of(mode, device=row.device, dtype=row.dtype))
            rows.append(replace(row, kind=kind, why=why))
    for one in report.modes:
        mode = mode_named(one.mode)
        own = [row for row in rows if (row.mode, row.device, row.dtype) == (one.mode, one.device, one.dtype)]
        if mode is not None and own:
            modes.append(judge_mode(mode, own, device=one.device, dtype=one.dtype, seconds=one.seconds))
        else:
            modes.append(one)
    return replace(report, rows=tuple(rows), modes=tuple(modes))


def _unmeasured(mode: Mode, dtype: str, device: str, why: str) -> ModeSound:
    return _without_rows(mode, dtype, device, SoundKind.NOT_MEASURED, why)


def _failed(mode: Mode, dtype: str, device: str, spoken: Observation) -> ModeSound:
    """Judge a mode that did not speak: not measured where the environment lacks what it needs, else wrong."""
    cause = spoken.detail.get("cause")
    kind = SoundKind.NOT_MEASURED if cause in _NOT_HERE else SoundKind.WRONG
    why = spoken.error if cause in _NOT_HERE else f"it does not speak: {spoken.error or spoken.outcome}"
    return _without_rows(mode, dtype, device, kind, why)


def _without_rows(mode: Mode, dtype: str, device: str, kind: SoundKind, why: str) -> ModeSound:
    return ModeSound(
        mode=mode.name,
        device=device,
        dtype=dtype,
        offered=mode.offered,
        kind=kind,
        expected=limits_of(mode, device=device, dtype=dtype).expected,
        why=(why,),
    )


def _reason(found: ModeSound) -> str:
    return f" ({found.why[0]})" if found.why else ""
