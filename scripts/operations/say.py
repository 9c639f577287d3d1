"""Text to speech from an environment: check what is cheap to check, then speak, then put the file in place."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.disk import disk_errors
from scripts.errors import BrokenError, DiskError, NoCandidateError, SparkError, UsageError
from scripts.model.evidence import Observation, Outcome
from scripts.model.weights import Weights, WeightsFolder
from scripts.probing import ask
from scripts.progress import step
from scripts.shell import Runner
from scripts.weights.request import to_request
from scripts.weights.voices import Voice, choose_voice

TEXT_LIMIT = 20_000
"""Characters: some 20 minutes of sound."""
SPEEDS = (0.5, 2.0)
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What `say` did. Times are wall seconds; loading is not part of the real-time factor, the first kernels are."""

    path: str
    seconds_audio: float
    seconds_wall: float
    """Of the synthesis alone."""
    seconds_load: float
    rtf: float
    """Real-time factor: seconds_wall / seconds_audio. Below 1 is faster than speech."""
    label: str
    """What the weights are."""
    voice: str
    language: str
    device: str
    device_name: str | None
    bridge: bool
    notes: tuple[str, ...] = ()
    provider: str | None = None
    """ONNX Runtime's name for what it ran on, `CPUExecutionProvider`; None: torch ran Kokoro."""


def say(
    *,
    text: str | bytes,
    out: Path,
    voice: str | None = None,
    speed: str | float = 1.0,
    device: str = "auto",
    bridge: bool,
    python: Path,
    weights: Weights,
    run: Runner,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
    bytecode: Path | None = None,
) -> Spoken:
    """Speak `text` into the WAV file `out` (16-bit PCM, mono, 24 kHz); an existing one is replaced at the very end.

    `python` is the environment's interpreter, `bridge` whether its verdict asks for the bridge. `timeout` is in
    seconds (None: by the length of the text), `bytecode` a folder for compiled modules (None: none kept). No network is
    used.

    Raises UsageError for text, voice, speed, device and the name of `out`; DiskError where `out` cannot be written;
    NoCandidateError where there is no GPU but one was asked for; BrokenError where the environment fails.
    """
    probe = "onnx-speak" if isinstance(weights, WeightsFolder) and weights.is_onnx else "speak"
    words = check_text(text)
    chosen = choose_voice(weights.voices, voice)
    request = {
        "text": words,
        "weights": to_request(weights),
        "voice": chosen.name,
        "language": chosen.language,
        "speed": parse_speed(speed),
        "device": check_device(device),
        "bridge": bridge,
    }
    limit = timeout if timeout is not None else 600.0 + 0.6 * len(words)
    with _placed(out) as part, step(f"speaking {len(words):,} characters with {chosen.name} into {out}"):
        observation = ask(
            python, probe, {**request, "out": str(part)}, run=run, environ=environ, timeout=limit, bytecode=bytecode
        )
        if observation.outcome is not Outcome.PASSED:
            raise _failed(observation, out)
    return _spoken(observation.detail, out=out, weights=weights, voice=chosen, bridge=bridge)


def check_text(text: str | bytes) -> str:
    """Give the text to speak.

    Raises UsageError: bad-encoding names the first byte that is not UTF-8, empty-text, nothing-to-say (punctuation
    only), text-too-long.
    """
    if isinstance(text, str):
        # What the shell passed that was not UTF-8 stands in a str as lone surrogates (PEP 383); others came otherwise.
        escaped = not any("\ud800" <= letter <= "\udc7f" for letter in text)
        text = text.encode("utf-8", "surrogateescape" if escaped else "surrogatepass")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + (3 if text.startswith(b"\xef\xbb\xbf") else 0)
        raise UsageError(
            "the text is not UTF-8",
            context=f"byte {offset} is 0x{text[offset]:02x}",
            hint="convert it, e.g. with iconv -f ISO-8859-1 -t UTF-8",
            reference="bad-encoding",
        ) from None
    words = decoded.replace("\0", " ").strip()
    if not words:
        raise UsageError("the text is empty", hint='say what to speak: invoke say "Hello."', reference="empty-text")
    if not any(map(str.isalnum, words)):
        raise UsageError(
            "there is nothing to say in this text",
            context=f"it holds no letter and no digit: {words[:40]}",
            hint="write symbols as words",
            reference="nothing-to-say",
        )
    if len(words) > TEXT_LIMIT:
        raise UsageError(
            f"the text is too long: {len(words):,} characters, at most {TEXT_LIMIT:,} at a time",
            hint="split it into files (split -C 15000 book.txt part-) and speak each: invoke say @part-aa",
            reference="text-too-long",
        )
    return words


def parse_speed(speed: str | float) -> float:
    """Read `--speed`. Raises UsageError (bad-speed) for what is no number from 0.5 to 2.0."""
    slowest, fastest = SPEEDS
    try:
        value = float(speed)
    except ValueError:
        value = math.nan
    if not slowest <= value <= fastest:
        raise UsageError(
            f"{speed!r} is no speed",
            hint=f"give a number from {slowest} (slow) to {fastest} (fast); 1.0 is the voice's own",
            reference="bad-speed",
        )
    return value


def check_device(device: str) -> str:
    """Read `--device`. Raises UsageError (unknown-device)."""
    if device not in DEVICES:
        raise UsageError(
            f"unknown device {device!r}", hint=f"choose one of: {', '.join(DEVICES)}", reference="unknown-device"
        )
    return device


@contextmanager
def _placed(out: Path) -> Iterator[Path]:
    """Give a file beside `out` to write to; it becomes `out` where all went well, else it is removed.

    It is made at once, so that a folder that cannot be written is told before a model is loaded.
    """
    with _output_errors(out):
        is_folder = out.is_dir()
    if is_folder:
        raise UsageError(
            f"{out} is a folder", hint=f"name a file in it: --out {out / 'hello.wav'}", reference="bad-output"
        )
    if out.suffix.lower() != ".wav":
        raise UsageError(
            f"{out} is no name for a WAV file", hint="end it in .wav: --out hello.wav", reference="bad-output"
        )
    if not out.parent.is_dir():
        raise DiskError(
            f"there is no folder {out.parent}", hint=f"make it: mkdir -p {out.parent}", reference="no-folder"
        )
    part = out.absolute().with_name(f".{out.name}.{os.getpid()}.part")
    with _output_errors(out):
        part.touch()
    try:
        yield part
        with _output_errors(out):
            part.replace(out)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _output_errors(out: Path) -> Iterator[None]:
    try:
        with disk_errors(out):
            yield
    except DiskError as error:  # it speaks of the data root and of our part file, and this is the user's own file
        reason = error.message.rpartition(": ")[2]
        raise DiskError(
            f"{out} cannot be written: {reason}", hint="choose another place for --out", reference=error.reference
        ) from error


def _failed(observation: Observation, out: Path) -> SparkError:
    """Turn a probe that did not pass into the error it means."""
    cause, error = observation.detail.get("cause"), observation.error
    match cause:
        case "no-gpu":
            return NoCandidateError(
                "there is no GPU to speak on", context=error, hint="leave --device out, or say cpu", reference="no-gpu"
            )
        case "nothing-spoken":
            return UsageError(error, hint="is it text of the voice's language?", reference="nothing-to-say")
        case "not-writable":
            return DiskError(
                f"{out} could not be written", context=error, hint="free some space", reference="not-writable"
            )
    hints = {
        "no-spacy-model": "run `invoke setup` again: it installs the model, nothing is downloaded while speaking",
        "provider": "`invoke verify` says why this environment's ONNX Runtime does not use the GPU; --device cpu works",
        "synthesis": "`invoke verify` says what this environment can do on this device; --device cpu works anywhere",
    }
    lines = [error, str(observation.detail.get("stderr_tail", ""))[-600:] if cause in {None, "provider"} else ""]
    return BrokenError(
        "the environment could not speak",
        context="\n".join(line for line in lines if line.strip()),
        hint=hints.get(str(cause), "`invoke verify` says what is wrong with the environment"),
        reference="speech-failed",
    )


def _spoken(detail: Mapping[str, Any], *, out: Path, weights: Weights, voice: Voice, bridge: bool) -> Spoken:
    audio, wall = float(detail["seconds_audio"]), float(detail["seconds_synthesis"])
    return Spoken(
        path=str(out),
        seconds_audio=round(audio, 3),
        seconds_wall=round(wall, 3),
        seconds_load=round(float(detail["seconds_load"]), 3),
        rtf=round(wall / audio, 3),
        label=weights.label,
        voice=voice.name,
        language=voice.language_name,
        device=str(detail["device"]),
        device_name=detail["device_name"],
        bridge=bridge,
        notes=tuple(detail["notes"]),
        provider=detail.get("provider"),
    )
