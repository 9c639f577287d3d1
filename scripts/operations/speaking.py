"""What `invoke say` does around say(): finds the environment, its weights and the text, and knows about the bridge."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.environments.store import Entry
from scripts.errors import NoCandidateError, UsageError
from scripts.model.environment import EnvironmentRecord
from scripts.model.evidence import VerdictKind
from scripts.model.weights import Weights
from scripts.operations.context import Context
from scripts.operations.playing import find_player
from scripts.operations.playing import play as play_file
from scripts.operations.say import Spoken, check_device, check_text, parse_speed, say
from scripts.weights.store import stored
from scripts.weights.voices import choose_voice


def speak(
    context: Context,
    *,
    text: str,
    out: Path,
    voice: str,
    speed: str,
    device: str,
    play: bool,
    env: str | None,
) -> Spoken:
    """Speak with an environment of ours (None: the current one). Raises what say raises."""
    words = read_text(text)
    player = find_player(context.environ) if play else None
    entry = context.store.find_ready(env)
    place = context.place(entry, folders=(out.absolute().parent,))
    spoken = say(
        text=words,
        out=out,
        voice=voice,
        speed=speed,
        device=device,
        bridge=wants_bridge(entry.record),
        python=place.python,
        weights=_weights(entry, context),
        run=place.run,
        environ=context.environ,
        bytecode=context.home.bytecode,
    )
    if player is not None:
        play_file(out, player, context.run)
    return spoken


def foreseen_lines(
    context: Context, *, text: str, out: Path, voice: str, speed: str, device: str, env: str | None
) -> list[str]:
    """Say what speak would do: for --dry-run. Raises what speak raises for its input and for the environment."""
    words = check_text(read_text(text))
    entry = context.store.find_ready(env)
    weights = _weights(entry, context)
    chosen = choose_voice(weights.voices, voice)
    bridge = ", with the bridge" if wants_bridge(entry.record) else ""
    how = f"speed {parse_speed(speed):g}, device {check_device(device)}{bridge}"
    return [
        f"would speak {len(words):,} characters into {out}",
        f"  voice {chosen.name} ({chosen.language_name}), {how}",
        f"  environment {entry.name}, weights: {weights.label}",
    ]


def read_text(text: str) -> str | bytes:
    """Take the text as it is, or from a file where it begins with @ (`@-`: standard input).

    invoke knows no optional positional argument, so a file cannot be an option beside the text.

    Raises UsageError for a file that cannot be read.
    """
    if not text.startswith("@"):
        return text
    name = text[1:]
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}" if name else "@ names a file to speak, but no name follows it",
            reference="no-text-file",
            hint="@FILE names a UTF-8 text file; to speak a word that begins with @, put a space before it",
        ) from error


def wants_bridge(record: EnvironmentRecord | None) -> bool:
    """Tell whether the verdict, or without one the prediction, says that stock Kokoro fails on the GPU."""
    if record is None:
        return False
    judged = (record.verdict or "").removeprefix("simulated ")
    known = judged if judged and judged != VerdictKind.UNDECIDED else record.prediction
    return known == VerdictKind.NEEDED


def spoken_lines(spoken: Spoken) -> list[str]:
    """What say did."""
    about = ", ".join(filter(None, (spoken.device_name, spoken.provider)))
    device = f"{spoken.device} ({about})" if about else spoken.device
    loading = f"(loading took another {spoken.seconds_load:.1f} s)"
    lines = [
        f"{spoken.path}: {spoken.seconds_audio:.2f} s of speech, voice {spoken.voice} ({spoken.language})",
        f"  {spoken.seconds_wall:.2f} s of work on {device}: real-time factor {spoken.rtf:.2f} {loading}",
        f"  weights: {spoken.label}",
    ]
    if spoken.bridge:
        lines.append("  the bridge was active: this environment's NVRTC does not know the GPU")
    return [*lines, *(f"note: {note}" for note in spoken.notes)]


def _weights(entry: Entry, context: Context) -> Weights:
    name = entry.record.weights if entry.record else None
    if name is None:
        raise NoCandidateError(
            f"environment {entry.name} has no weights",
            reference="no-weights",
            hint="fetch them: `invoke setup --weights auto` with the options it was set up with",
        )
    return stored(context.home, name)
