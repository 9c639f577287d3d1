"""The processes of `invoke sound`: phonemes, one process for each mode, figures. Samples lie in one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from scripts.disk import disk_errors
from scripts.errors import BrokenError, NoCandidateError, SparkError, UsageError
from scripts.model.evidence import Observation, Outcome
from scripts.model.sound import Measures, Utterance
from scripts.operations.context import Context
from scripts.operations.sound_choosing import Chosen
from scripts.operations.speech import Speech
from scripts.probing import ask
from scripts.progress import build_bar, step
from scripts.serial import from_data
from scripts.weights.request import to_request

_SYMBOLS_PER_SECOND = 12.0
_SLOWEST_RTF = 8.0
"""Real-time factor of a busy machine of two cores, and some."""
_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Phonemes:
    """What is spoken, and where."""

    stretches: dict[str, list[str]]
    """By utterance."""
    left_out: dict[str, str]
    """Why an utterance has none."""
    device: str
    about: str
    """torch and machine, in words."""


@dataclass(kw_only=True)
class Work:
    """Runs probes in the environments, with their samples in `folder`."""

    chosen: Chosen
    context: Context
    folder: Path
    phonemes: Phonemes = field(init=False)

    def ask(self, speech: Speech, probe: str, request: Mapping[str, Any], *, timeout: float = 900.0) -> Observation:
        """Ask an environment."""
        place = self.context.place(speech.entry, folders=(self.folder,))
        return ask(
            place.python,
            probe,
            request,
            run=place.run,
            environ=self.context.environ,
            bytecode=self.context.home.bytecode,
            timeout=timeout,
        )

    def find_phonemes(self) -> Phonemes:
        """Turn every sentence into phonemes, for American and British voices apart.

        Raises NoCandidateError (no-gpu) where CUDA was asked for and there is none, UsageError, BrokenError.
        """
        texts = {_text_name(one): one for one in self.chosen.utterances}
        asked = [
            {"name": name, "text": one.sentence.text.strip(), "language": one.voice[0]} for name, one in texts.items()
        ]
        with step(f"turning {len(asked)} texts into phonemes"):
            found = self.ask(self.chosen.torch, "phonemes", {"texts": asked, "device": self.chosen.device})
        if found.outcome is not Outcome.PASSED:
            raise _unspeakable(found)
        stretches, left_out = found.detail["stretches"], found.detail["left_out"]
        named = {one.name: _text_name(one) for one in self.chosen.utterances}
        where = found.detail["device_name"] or f"{found.detail['processors']} processors"
        self.phonemes = Phonemes(
            stretches={name: stretches[text] for name, text in named.items() if text in stretches},
            left_out={name: left_out[text] for name, text in named.items() if text in left_out},
            device=found.detail["device"],
            about=f"torch {found.detail['torch']}, {where}",
        )
        return self.phonemes

    def speak(
        self, speech: Speech, utterances: Sequence[Utterance], *, mode: str, dtype: str, device: str, name: str
    ) -> Observation:
        """Have one process speak all utterances in a mode, into a folder of that name below ours."""
        target = self.folder / name
        with disk_errors(target):
            target.mkdir()
        stretches = self.phonemes.stretches
        request = {
            "mode": mode,
            "dtype": dtype,
            "device": device,
            "weights": to_request(speech.weights),
            "folder": str(target),
            "utterances": [
                {"name": one.name, "voice": one.voice, "stretches": stretches[one.name]} for one in utterances
            ],
        }
        symbols = sum(len(stretch) for one in utterances for stretch in stretches[one.name])
        timeout = 600.0 + symbols / _SYMBOLS_PER_SECOND * _SLOWEST_RTF
        with counted(target, len(utterances), f"speaking: {name}"):
            return self.ask(speech, "sound", request, timeout=timeout)

    def measure(self, reference: str, candidate: str, utterances: Sequence[Utterance]) -> dict[str, Measures]:
        """Compare the sounds of two folders, by utterance. Raises BrokenError."""
        pairs = [
            {
                "name": one.name,
                "reference": str(self.sound(reference, one)),
                "candidate": str(self.sound(candidate, one)),
            }
            for one in utterances
        ]
        with step(f"measuring: {candidate}"):
            found = self.ask(self.chosen.torch, "measure", {"pairs": pairs}, timeout=300.0 + 10.0 * len(pairs))
        if found.outcome is not Outcome.PASSED:
            raise broken("the sounds could not be measured", found)
        return {name: from_data(Measures, data, what="a measure") for name, data in found.detail["pairs"].items()}

    def sound(self, name: str, utterance: Utterance) -> Path:
        """Name a file of raw float32 samples at 24 kHz."""
        return self.folder / name / f"{utterance.name}.f32"


@contextmanager
def counted(folder: Path, total: int, description: str) -> Iterator[None]:
    """Show how many files a process has written, as long as the block lasts."""
    over = Event()
    with build_bar(description) as tell:

        def count() -> int:
            return len(list(folder.glob("*.f32")))

        def watch() -> None:
            while not over.wait(_POLL_SECONDS) and (done := count()) < total:
                tell(done, total, None, "utterances")

        watcher = Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            tell(count(), total, None, "utterances")


def broken(message: str, observation: Observation) -> BrokenError:
    """Make the error of a probe that did not pass."""
    lines = [observation.error, str(observation.detail.get("stderr_tail", ""))[-600:]]
    return BrokenError(
        message,
        context="\n".join(line for line in lines if line.strip()),
        hint="`invoke verify` says what is wrong with the environment",
        reference="speech-failed",
    )


def _text_name(utterance: Utterance) -> str:
    """Name a text as it is read: the voice's first letter says the language, or the English."""
    return f"{utterance.sentence.id}-{utterance.voice[0]}"


def _unspeakable(observation: Observation) -> SparkError:
    match observation.detail.get("cause"):
        case "no-gpu":
            return NoCandidateError(
                "there is no GPU to speak on",
                context=observation.error,
                hint="leave --device out, or say cpu",
                reference="no-gpu",
            )
        case "nothing-spoken":
            return UsageError(observation.error, hint="mend constraints/sentences.toml", reference="nothing-to-say")
    return broken("the sentences could not be turned into phonemes", observation)
