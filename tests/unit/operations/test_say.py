"""say: what is refused before a model is loaded, and what becomes of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, DiskError, ExitCode, NoCandidateError, SparkError, UsageError
from scripts.operations.playing import find_player, play
from scripts.operations.say import TEXT_LIMIT, Spoken, check_device, check_text, parse_speed, say
from scripts.weights.store import synthetic
from tests.support.answering import AnsweringRunner, failed, passed
from tests.support.scripted import Command, ScriptedRunner

FOX = "The quick brown fox jumps over the lazy dog."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (FOX, FOX),
        (f"  {FOX}\n", FOX),
        ("\ufeffHello.".encode(), "Hello."),
        ("Grüße, 世界".encode(), "Grüße, 世界"),
        ("a\0b", "a b"),
        ("7", "7"),
        ("नमस्ते", "नमस्ते"),
        ("x" * TEXT_LIMIT, "x" * TEXT_LIMIT),
    ],
)
def test_text_is_taken(given: str | bytes, expected: str) -> None:
    assert check_text(given) == expected


@pytest.mark.parametrize(
    ("given", "reference", "told"),
    [
        ("", "empty-text", "empty"),
        (" \n\t ", "empty-text", "empty"),
        (b"\xef\xbb\xbf", "empty-text", "empty"),
        ("?!... -- (;)", "nothing-to-say", "no letter and no digit: ?!..."),
        ("🙂🙂", "nothing-to-say", "no letter"),
        (b"caf\xe9 au lait", "bad-encoding", "byte 3 is 0xe9"),
        (b"\xef\xbb\xbfcaf\xe9", "bad-encoding", "byte 6 is 0xe9"),
        ("caf\udce9", "bad-encoding", "byte 3 is 0xe9"),
        ("caf\ud800", "bad-encoding", "byte 3 is 0xed"),
        (b"\xff\xfeH\x00i\x00", "bad-encoding", "byte 0 is 0xff"),
        ("x" * (TEXT_LIMIT + 1), "text-too-long", "20,001 characters, at most 20,000"),
        (b"word " * 20_000, "text-too-long", "99,999 characters"),
    ],
)
def test_text_is_refused(given: str | bytes, reference: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_text(given)
    assert caught.value.reference == reference
    assert told in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(("given", "expected"), [("1", 1.0), ("0.5", 0.5), (" 2.0 ", 2.0), (1.25, 1.25)])
def test_speed(given: str | float, expected: float) -> None:
    assert parse_speed(given) == expected


@pytest.mark.parametrize("given", ["fast", "", "1,5", "0.49", "2.01", "-1", "nan", "inf", "1e400"])
def test_speed_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match=r"is no speed(?s:.)*from 0\.5"):
        parse_speed(given)


def test_unknown_device_lists_the_known() -> None:
    with pytest.raises(UsageError, match="auto, cpu, cuda"):
        check_device("gpu")


def speak(request: dict[str, Any]) -> Mapping[str, Any]:
    Path(request["out"]).write_bytes(b"RIFF")
    return passed(
        seconds_audio=3.0,
        seconds_synthesis=1.5,
        seconds_load=9.0,
        device="cpu",
        device_name=None,
        bridge=None,
        notes=["a note"],
    )


def call(out: Path, runner: AnsweringRunner, **changes: Any) -> Spoken:
    values: dict[str, Any] = {"text": FOX, "bridge": False, "weights": synthetic(), **changes}
    return say(out=out, python=Path("/env/bin/python"), run=runner, environ={}, **values)


def test_speech_is_reported_and_put_in_place(tmp_path: Path) -> None:
    out = tmp_path / "hello.wav"
    out.write_bytes(b"old")
    runner = AnsweringRunner(speak)
    spoken = call(out, runner, speed="1.5", voice="bf_emma", bridge=True)
    assert out.read_bytes() == b"RIFF"
    assert [path.name for path in tmp_path.iterdir()] == ["hello.wav"]
    assert (spoken.rtf, spoken.seconds_audio, spoken.seconds_wall, spoken.seconds_load) == (0.5, 3.0, 1.5, 9.0)
    assert spoken.label.startswith("synthetic")
    assert spoken.notes == ("a note",)
    request = runner.requests[0]
    assert (request["voice"], request["language"], request["speed"]) == ("bf_emma", "b", 1.5)
    assert request["bridge"] is True
    assert request["weights"]["kind"] == "synthetic"


CAUSES = [
    (failed("x", cause="no-gpu"), NoCandidateError, "no-gpu"),
    (failed("x", cause="nothing-spoken"), UsageError, "nothing-to-say"),
    (failed("x", cause="not-writable"), DiskError, "not-writable"),
    (failed("x", cause="no-spacy-model"), BrokenError, "speech-failed"),
    (failed("nvrtc: error: invalid value", cause="synthesis"), BrokenError, "speech-failed"),
    (failed("ImportError: kokoro", exception="ImportError"), BrokenError, "speech-failed"),
]


@pytest.mark.parametrize(("answer", "error", "reference"), CAUSES)
def test_failure_leaves_the_old_file(
    tmp_path: Path, answer: dict[str, Any], error: type[SparkError], reference: str
) -> None:
    out = tmp_path / "hello.wav"
    out.write_bytes(b"old")
    with pytest.raises(error) as caught:
        call(out, AnsweringRunner(lambda _: answer))
    assert caught.value.reference == reference
    assert caught.value.hint
    assert out.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["hello.wav"]


def test_a_crash_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="died of SIGSEGV"):
        call(tmp_path / "hello.wav", AnsweringRunner(speak, returncode=-11))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "code", "reference", "told"),
    [
        ("missing/hello.wav", ExitCode.DISK, "no-folder", "there is no folder"),
        ("hello.mp3", ExitCode.USAGE, "bad-output", "is no name for a WAV file"),
        ("hello", ExitCode.USAGE, "bad-output", "is no name for a WAV file"),
        ("folder.wav", ExitCode.USAGE, "bad-output", "folder.wav is a folder"),
        ("x" * 300 + ".wav", ExitCode.DISK, "not-writable", "xxx.wav cannot be written: File name too long"),
    ],
)
def test_bad_output_is_refused_before_speaking(
    tmp_path: Path, name: str, code: ExitCode, reference: str, told: str
) -> None:
    (tmp_path / "folder.wav").mkdir()
    runner = AnsweringRunner(speak)
    with pytest.raises(SparkError) as caught:
        call(tmp_path / name, runner)
    assert (caught.value.exit_code, caught.value.reference) == (code, reference)
    assert told in caught.value.message
    assert runner.requests == []


@pytest.mark.parametrize("changes", [{"text": "..."}, {"voice": "nobody"}, {"speed": "9"}, {"device": "tpu"}])
def test_bad_input_is_refused_before_speaking(tmp_path: Path, changes: dict[str, Any]) -> None:
    runner = AnsweringRunner(speak)
    with pytest.raises(UsageError):
        call(tmp_path / "hello.wav", runner, **changes)
    assert runner.requests == []
    assert not any(tmp_path.iterdir())


def test_a_player_on_the_path_is_found(tmp_path: Path) -> None:
    program = tmp_path / "paplay"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_player({"PATH": str(tmp_path)}) == ("paplay",)


def test_no_player_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="aplay, paplay, ffplay"):
        find_player({"PATH": str(tmp_path)})


def test_a_player_that_fails_is_told() -> None:
    runner = ScriptedRunner([Command(("aplay",), err="audio open error: No such file", exit=1)])
    with pytest.raises(UsageError, match="audio open error"):
        play(Path("hello.wav"), ("aplay", "-q"), runner)
