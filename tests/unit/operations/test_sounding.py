"""A whole run with environments that answer as real ones do."""

from __future__ import annotations

import base64
import io
import json
import wave
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, IntegrityError, NetworkError, NoCandidateError, UsageError
from scripts.model.sound import SoundKind, SoundReport
from scripts.operations.context import Context
from scripts.operations.sound_audio import audio_url, read_samples, to_wav
from scripts.operations.sound_choosing import parse_order
from scripts.operations.sound_files import REPORTS, read_report, report_json, without_right_words, write_documents
from scripts.operations.sound_task import Manner, compare, foresee
from scripts.operations.sound_text import refusals, sound_markdown
from scripts.serial import from_data, to_json
from tests.support.sounds import CLOSE, FOX, ONNX, TILTED, Speaking, speaking_world

MEASURES = {"bridge": CLOSE, "bridge-transform-only": CLOSE, "disable_complex": TILTED, "onnx": ONNX, "tuned": CLOSE}
Sound = Callable[..., SoundReport]


@pytest.fixture
def world(tmp_path: Path) -> Context:
    """A machine with an environment of torch, current, and one of ONNX Runtime."""
    run = Speaking(measures=MEASURES, failing={"batched": ("no batched", "old-runtime")})
    return speaking_world(tmp_path, run)


@pytest.fixture
def sound(world: Context) -> Sound:
    def perform(manner: Manner | None = None, **said: Any) -> SoundReport:
        values = {"modes": "", "device": "auto", "sentences": "", "voices": "", "words": True, "env": "", **said}
        return compare(parse_order(**values), manner or Manner(), world)

    return perform


def speaking(world: Context) -> Speaking:
    assert isinstance(world.run, Speaking)
    return world.run


def kinds(report: SoundReport) -> dict[str, str]:
    return {one.name: str(one.kind) for one in report.modes}


def test_every_mode_is_judged(sound: Sound, world: Context) -> None:
    report = sound(sentences="1")
    assert kinds(report) == {
        "stock float32": "same",
        "bridge float32": "same",
        "bridge-transform-only float32": "same",
        "disable_complex float32": "different",
        "nvrtc-override float32": "not measured here",
        "onnx int8": "alike",
        "tuned float32": "same",
        "tuned bfloat16": "same",
        "batched float32": "not measured here",
    }
    assert refusals(report) == []
    assert report.voices == ("af_heart", "bm_george")
    assert len(report.rows) == 7 * 2
    assert all(row.heard is not None and row.heard.errors == 0 for row in report.rows)
    why = {one.mode: one.why for one in report.modes}
    assert why["nvrtc-override"] == ("on a CPU it runs the code of stock",)
    assert why["batched"] == ("no batched",)
    assert [one["mode"] for one in speaking(world).asked if one["probe"] == "sound"].count("stock") == 2
    assert not list(world.home.cache.glob("sound-*")), "the samples are gone"


def test_all_speak_the_same_phonemes_with_the_same_seed(sound: Sound, world: Context) -> None:
    sound(sentences="2", modes="stock,onnx")
    asked = [one["utterances"] for one in speaking(world).asked if one["probe"] == "sound"]
    assert len(asked) == 3
    assert asked[0] == asked[1] == asked[2]


def test_languages_without_a_package_are_left_out_and_words_are_english(sound: Sound) -> None:
    report = sound(modes="stock")
    languages = {one.id: one.language for one in report.sentences}
    spoken = {languages[row.sentence] for row in report.rows}
    assert spoken == {"en", "e"}
    assert "left out: no package for h" in report.notes
    assert any("no such voice: am_michael" in note for note in report.notes)
    assert all((row.heard is None) is (languages[row.sentence] != "en") for row in report.rows)


def test_a_mode_that_does_not_speak_is_wrong(sound: Sound, world: Context) -> None:
    speaking(world).failing = {"bridge": ("the kernel was refused", ""), "disable_complex": ("no", "")}
    report = sound(sentences="1", modes="bridge,disable_complex")
    assert kinds(report) == {"bridge float32": "wrong", "disable_complex float32": "wrong"}
    assert refusals(report) == ["not accepted: bridge float32 is wrong, and must be same"]
    assert "it does not speak: the kernel was refused" in report.modes[0].why


def test_no_onnx_environment(sound: Sound, world: Context) -> None:
    world.store.remove(world.store.find("onnx"))
    (found,) = sound(sentences="1", modes="onnx").modes
    assert (found.kind, found.accepted) == (SoundKind.NOT_MEASURED, True)
    assert "invoke setup --strategy onnx" in found.why[0]


def test_onnx_weights_without_a_voice(sound: Sound, world: Context) -> None:
    path = world.home.weights / "onnx-1" / "weights.json"
    data = json.loads(path.read_text())
    data["files"] = [one for one in data["files"] if "george" not in one["path"]]
    path.write_text(json.dumps(data))
    (found,) = sound(sentences="1", modes="onnx").modes
    assert found.why == ("its weights have no voice bm_george",)


def test_without_words_no_recogniser_is_fetched(sound: Sound, world: Context) -> None:
    speaking(world).uv_says = "error: Failed to fetch: connection refused"
    report = sound(sentences="1", modes="stock", words=False)
    assert (report.recogniser, report.modes[0].word_error_rate) == ("", None)
    with pytest.raises(NetworkError) as caught:
        sound(sentences="1", modes="stock")
    assert "--no-words" in caught.value.hint


def test_the_recogniser_is_made_once(sound: Sound, world: Context) -> None:
    sound(sentences="1", modes="stock")
    speaking(world).uv_says = "error: it must not be called"
    assert sound(sentences="1", modes="stock").recogniser == "Whisper tiny.en"


@pytest.mark.parametrize(
    ("failing", "error", "reference"),
    [
        ({"phonemes": ("no GPU", "no-gpu")}, NoCandidateError, "no-gpu"),
        ({"phonemes": ("nothing came of '...'", "nothing-spoken")}, UsageError, "nothing-to-say"),
        ({"phonemes": ("no model", "no-spacy-model")}, BrokenError, "speech-failed"),
        ({"measure": ("no numpy", "")}, BrokenError, "speech-failed"),
        ({"hear": ("no ears", "")}, BrokenError, "recogniser-failed"),
    ],
)
def test_what_ends_a_run(
    sound: Sound, world: Context, failing: dict[str, tuple[str, str]], error: type[Exception], reference: str
) -> None:
    speaking(world).failing = failing
    with pytest.raises(error) as caught:
        sound(sentences="1", modes="stock")
    assert getattr(caught.value, "reference", "") == reference


def test_an_interruption_leaves_nothing_half_written(sound: Sound, world: Context, tmp_path: Path) -> None:
    speaking(world).raising = {"bridge": KeyboardInterrupt()}
    folder = tmp_path / "report"
    with pytest.raises(KeyboardInterrupt):
        sound(Manner(report=folder), sentences="1", modes="stock,bridge")
    assert list(folder.iterdir()) == []
    assert not list(world.home.cache.glob("sound-*"))


def test_the_report_is_whole_and_read_back(sound: Sound, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    report = sound(Manner(report=folder), sentences="1", modes="stock,disable_complex,tuned")
    assert sorted(path.name for path in folder.iterdir()) == sorted(REPORTS)
    assert read_report(folder / "sound.json") == report
    page = (folder / "sound.html").read_text()
    assert page.count("<audio") == 2 + 2 * 3
    assert "media-src data:" in page
    assert "sound:000" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "not accepted" not in page


def test_an_earlier_run_is_judged_anew(sound: Sound, tmp_path: Path) -> None:
    report = sound(sentences="1", modes="tuned")
    rows = tuple(replace(row, measures=replace(row.measures, snr_db=30.0)) for row in report.rows)
    (tmp_path / "sound.json").write_text(report_json(replace(report, rows=rows)))
    again = sound(Manner(read=tmp_path / "sound.json"))
    assert kinds(again) == {"tuned float32": "alike", "tuned bfloat16": "alike"}
    assert refusals(again) == ["not accepted: tuned float32 is alike, and must be same"]


@pytest.mark.parametrize(
    ("manner", "error", "reference"),
    [
        (Manner(docs=True), UsageError, "not-whole"),
        (Manner(read=Path("sound.json"), report=Path("report")), UsageError, "no-audio"),
        (Manner(read=Path("absent.json")), UsageError, "no-report"),
        (Manner(read=Path(__file__)), IntegrityError, "bad-record"),
    ],
)
def test_manners_that_do_not_go(sound: Sound, manner: Manner, error: type[Exception], reference: str) -> None:
    with pytest.raises(error) as caught:
        sound(manner, sentences="1")
    assert getattr(caught.value, "reference", "") == reference


def test_what_would_be_done(world: Context) -> None:
    values: dict[str, Any] = {"modes": "", "device": "auto", "sentences": "", "voices": "", "words": True, "env": ""}
    lines = "\n".join(foresee(parse_order(**values), Manner(docs=True), world))
    assert "docs/sound.md and docs/sound.json" in lines
    assert speaking(world).asked == []


def test_documents_are_written_from_the_json(sound: Sound, tmp_path: Path) -> None:
    report = sound(sentences="2")
    page, data = write_documents(report, tmp_path)
    kept = from_data(SoundReport, json.loads(data.read_text()), what="sound.json")
    assert sound_markdown(kept) == page.read_text()
    assert to_json(kept) == to_json(without_right_words(report))
    assert {row.heard.text for row in kept.rows if row.heard} == {"", FOX.text}


def test_samples_become_a_wav_file(tmp_path: Path) -> None:
    path = tmp_path / "x.f32"
    path.write_bytes(array("f", [0.0, 2.0, -2.0, float("nan"), 0.5]).tobytes() + b"\0")
    assert len(read_samples(path)) == 5
    kind, _, data = audio_url(path).partition(",")
    assert kind == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(data))) as found:
        assert (found.getnchannels(), found.getsampwidth(), found.getframerate()) == (1, 2, 24_000)
        assert array("h", found.readframes(9)).tolist() == [0, 32767, -32767, 0, 16384]
    with wave.open(io.BytesIO(to_wav(array("f", [0.0] * 100), seconds=1 / 1000))) as found:
        assert found.getnframes() == 24
