"""Real speech, read back by a speech recogniser; and checkpoints that Kokoro itself would load silently.

Takes the interpreter in KOKORO_SPARK_TEST_PYTHON, else the current environment of KOKORO_SPARK_HOME; the weights of
that data root, else fetched into a temporary one.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import IntegrityError
from scripts.home import Home
from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import WeightsFolder
from scripts.operations.say import Spoken, say
from scripts.shell import Completed, Runner, run
from scripts.verification.words import word_error_rate
from scripts.weights.pins import load_pins
from tests.slow.conftest import FOX, Read, obtain_weights

pytestmark = pytest.mark.slow

PARAGRAPH = (
    "The fishing boats left the harbor before dawn, while the town was still asleep. "
    "A steady wind blew from the north, and the water was dark and cold. "
    "Nobody spoke until the sun had risen above the hills behind them. "
    "Then the captain turned to her crew, smiled, and told them the story of an island that no map had ever shown."
)


@pytest.fixture(scope="session")
def offline() -> Runner:
    """A runner whose processes have no network at all, where the kernel lets us; else only a proxy that is none."""
    cut_off = run(["unshare", "--map-root-user", "--net", "true"]).ok

    def run_offline(
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        nowhere = dict.fromkeys(
            ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://[::1]:9"
        )
        prefix = ["unshare", "--map-root-user", "--net"] if cut_off else []
        environ = {**(os.environ if env is None else env), **nowhere}
        return run([*prefix, *argv], env=environ, cwd=cwd, timeout=timeout, tee=tee, pass_fds=pass_fds)

    return run_offline


@pytest.fixture
def speak(python: Path, weights: WeightsFolder, offline: Runner, tmp_path: Path) -> Callable[..., Spoken]:
    def speak(text: str, **options: Any) -> Spoken:
        values = {"bridge": False, "device": "cpu", **options}
        return say(text=text, out=tmp_path / "speech.wav", python=python, weights=weights, run=offline, **values)

    return speak


@pytest.mark.parametrize("options", [{}, {"bridge": True}, {"voice": "bf_emma", "speed": "0.9"}])
def test_the_fox_is_read_back_without_error(
    speak: Callable[..., Spoken], read_back: Read, options: dict[str, Any]
) -> None:
    spoken = speak(FOX, **options)
    heard = read_back(Path(spoken.path))
    assert word_error_rate(FOX, heard) == 0, heard
    assert spoken.bridge is options.get("bridge", False)
    with wave.open(spoken.path, "rb") as sound:
        shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        assert shape == (1, 2, 24_000)
        assert sound.getnframes() == round(spoken.seconds_audio * 24_000)
        assert sound.getnframes() % 600 == 0


def test_a_paragraph_is_read_back(speak: Callable[..., Spoken], read_back: Read) -> None:
    heard = read_back(Path(speak(PARAGRAPH).path))
    rate = word_error_rate(PARAGRAPH, heard)
    assert rate <= 0.1, heard


def test_the_same_text_gives_the_same_file(speak: Callable[..., Spoken]) -> None:
    first = Path(speak("Hello.").path).read_bytes()
    assert Path(speak("Hello.").path).read_bytes() == first


EDIT = """
import sys, torch
source, target, case = sys.argv[1:]
parts = torch.load(source, map_location="cpu", weights_only=True)
decoder = parts["decoder"]
bias = next(key for key in decoder if key.endswith("conv_post.bias"))
if case == "no decoder": del parts["decoder"]
elif case == "no text encoder": del parts["text_encoder"]
elif case == "wrong prefix": parts["decoder"] = {"x" + key: value for key, value in decoder.items()}
elif case == "wrong shape": decoder[bias] = decoder[bias][:1]
elif case == "not finite": decoder[bias][3] = float("nan")
elif case == "no prefix":
    parts = {name: {key[7:]: value for key, value in part.items()} for name, part in parts.items()}
torch.save(parts, target)
"""
CASES = [
    ("no decoder", "missing: decoder."),
    ("no text encoder", "missing: text_encoder."),
    ("wrong prefix", "unexpected: decoder.xmodule."),
    ("wrong shape", "conv_post.bias: (1,) instead of (22,)"),
    ("not finite", "not finite: decoder.generator.conv_post.bias"),
]


@pytest.fixture
def edited(python: Path, weights: WeightsFolder, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """The real checkpoint with one edit, in a folder with its voices."""
    folder = tmp_path / "edited"
    folder.mkdir()
    (folder / "voices").symlink_to(weights.voices_folder)
    target = folder / "kokoro-v1_0.pth"

    def edit(case: str) -> Path:
        done = run([str(python), "-I", "-c", EDIT, str(weights.checkpoint), str(target), case])
        assert done.ok, done.stderr
        return folder

    yield edit
    target.unlink(missing_ok=True)


@pytest.mark.parametrize(("case", "told"), CASES)
def test_broken_checkpoints_are_refused_by_key(
    python: Path, edited: Callable[[str], Path], tmp_path: Path, case: str, told: str
) -> None:
    choice = WeightsChoice(source=WeightsSource.PATH, path=str(edited(case)))
    with pytest.raises(IntegrityError) as caught:
        obtain_weights(choice, home=Home(tmp_path / "data"), python=python)
    assert caught.value.reference == "wrong-checkpoint"
    assert told in caught.value.context
    assert list((tmp_path / "data" / "weights").iterdir()) == []


def test_keys_without_prefix_are_the_same_checkpoint(
    python: Path, weights: WeightsFolder, edited: Callable[[str], Path], tmp_path: Path
) -> None:
    choice = WeightsChoice(source=WeightsSource.PATH, path=str(edited("no prefix")))
    taken = obtain_weights(choice, home=Home(tmp_path / "data"), python=python)
    assert isinstance(taken, WeightsFolder)
    if weights.source is WeightsSource.REGISTRY:
        assert taken.record.content_sha256 == load_pins().registry.content_sha256
    assert taken.label.startswith("your own kokoro-v1_0.pth")
