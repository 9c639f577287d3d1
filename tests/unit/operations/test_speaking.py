"""Around say: the text, the bridge, the lines."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.errors import NoCandidateError, UsageError
from scripts.model.environment import EnvironmentRecord
from scripts.operations.say import Spoken
from scripts.operations.speaking import foreseen_lines, read_text, speak, spoken_lines, wants_bridge
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import put, record


def test_text_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").write_bytes(b"caf\xe9")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"from a pipe")))
    assert read_text("Hello.") == "Hello."
    assert read_text("") == ""
    assert read_text("me@host") == "me@host"
    assert read_text(" @book.txt") == " @book.txt"
    assert read_text("@book.txt") == b"caf\xe9"
    assert read_text(f"@{tmp_path}/book.txt") == b"caf\xe9"
    assert read_text("@-") == b"from a pipe"


@pytest.mark.parametrize(
    ("name", "told"),
    [("@absent.txt", "absent.txt cannot be read"), ("@", "no name follows it"), ("@/", "/ cannot be read")],
)
def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, told: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=told) as caught:
        read_text(name)
    assert caught.value.reference == "no-text-file"


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (None, False),
        (record(), False),
        (record(verdict="needed"), True),
        (record(verdict="simulated needed"), True),
        (record(verdict="not-needed", prediction="needed"), False),
        (record(verdict="broken", prediction="needed"), False),
        (record(verdict="not-applicable"), False),
        (record(verdict="undecided", prediction="needed"), True),
        (record(verdict="simulated undecided", prediction="needed"), True),
        (record(verdict="undecided", prediction="not-needed"), False),
        (record(verdict="undecided"), False),
        (record(prediction="needed"), True),
        (record(prediction="not-needed"), False),
    ],
)
def test_wants_bridge(judged: EnvironmentRecord | None, *, expected: bool) -> None:
    assert wants_bridge(judged) is expected


def test_lines() -> None:
    spoken = Spoken(
        path="hello.wav",
        seconds_audio=3.25,
        seconds_wall=1.3,
        seconds_load=9.04,
        rtf=0.4,
        label="synthetic",
        voice="af_heart",
        language="a",
        device="cuda",
        device_name="NVIDIA GB10",
        bridge=True,
        notes=("a note",),
    )
    assert spoken_lines(spoken) == [
        "hello.wav: 3.25 s of speech, voice af_heart (a)",
        "  1.30 s of work on cuda (NVIDIA GB10): real-time factor 0.40 (loading took another 9.0 s)",
        "  weights: synthetic",
        "  the bridge was active: this environment's NVRTC does not know the GPU",
        "note: a note",
    ]


OPTIONS = {"text": "Hello there.", "out": Path("x.wav"), "voice": "af_heart", "speed": "1.50", "device": "auto"}


def test_what_a_dry_run_foresees(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    put(given.store, record("cpu-1", weights="synthetic", verdict="needed"))
    first, second, third = foreseen_lines(given, **OPTIONS, env="cpu")  # type: ignore[arg-type]
    assert first == "would speak 12 characters into x.wav"
    assert second == "  voice af_heart (American English), speed 1.5, device auto, with the bridge"
    assert third.startswith("  environment cpu-1, weights: synthetic")


@pytest.mark.parametrize("weights", [None, "registry-gone"])
def test_an_environment_without_weights(tmp_path: Path, weights: str | None) -> None:
    given = context(tmp_path, PC)
    put(given.store, record("cpu-1", weights=weights))
    with pytest.raises(NoCandidateError) as caught:
        speak(given, **OPTIONS, play=False, env="cpu")  # type: ignore[arg-type]
    assert caught.value.reference == "no-weights"
    assert "setup --weights auto" in caught.value.hint


def test_no_player_is_told_before_a_word_is_spoken(tmp_path: Path) -> None:
    given = context(tmp_path, PC, environ={"PATH": str(tmp_path)})
    with pytest.raises(UsageError) as caught:
        speak(given, **OPTIONS, play=True, env=None)  # type: ignore[arg-type]
    assert caught.value.reference == "no-player"
