"""say with ONNX Runtime: the other probe, the provider's name, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, ExitCode, NoCandidateError, SparkError
from scripts.model.plan import WeightsSource
from scripts.model.weights import ONNX_NAME, WeightsFile, WeightsFolder, WeightsRecord
from scripts.operations.say import Spoken, say
from scripts.operations.speaking import spoken_lines
from tests.support.answering import AnsweringRunner, failed, passed

SPOKE = {
    "samples": 48000,
    "seconds_audio": 2.0,
    "seconds_load": 1.0,
    "seconds_synthesis": 0.5,
    "device": "cpu",
    "device_name": None,
    "provider": "CPUExecutionProvider",
    "bridge": None,
    "notes": [],
}


def weights(folder: Path) -> WeightsFolder:
    files = (ONNX_NAME, "voices/af_heart.npy", "voices/bf_emma.npy")
    return WeightsFolder(
        path=folder / "onnx-1",
        record=WeightsRecord(
            schema=1,
            tool="kokoro-spark",
            source=WeightsSource.REGISTRY,
            label="int8",
            created="",
            files=tuple(WeightsFile(path=path, sha256="", size=0) for path in files),
        ),
    )


def speak(folder: Path, run: AnsweringRunner, **options: Any) -> Spoken:
    return say(
        text="Hello.",
        out=folder / "hello.wav",
        bridge=False,
        python=Path("/env/bin/python"),
        weights=weights(folder),
        run=run,
        environ={},
        **options,
    )


def refused(folder: Path, answer: dict[str, Any]) -> SparkError:
    with pytest.raises(SparkError) as caught:
        speak(folder, AnsweringRunner(lambda _: answer), device="cuda")
    assert not (folder / "hello.wav").exists()
    return caught.value


def test_it_asks_onnx_runtime_and_labels_what_it_says(tmp_path: Path) -> None:
    run = AnsweringRunner(lambda _: passed(**SPOKE))
    spoken = speak(tmp_path, run, voice="bf_emma", speed="0.9")
    (request,) = run.requests
    assert request["probe"] == "onnx-speak"
    assert (request["voice"], request["language"], request["speed"]) == ("bf_emma", "b", 0.9)
    assert request["weights"]["kind"] == "onnx"
    assert request["weights"]["model"].endswith("onnx-1/model.onnx")
    assert spoken.provider == "CPUExecutionProvider"
    assert "on cpu (CPUExecutionProvider): real-time factor 0.25" in "\n".join(spoken_lines(spoken))


def test_on_a_gpu_both_names_are_told(tmp_path: Path) -> None:
    on_gpu = SPOKE | {"device": "cuda", "device_name": "NVIDIA GB10", "provider": "CUDAExecutionProvider"}
    spoken = speak(tmp_path, AnsweringRunner(lambda _: passed(**on_gpu)))
    assert "on cuda (NVIDIA GB10, CUDAExecutionProvider)" in "\n".join(spoken_lines(spoken))


def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    error = refused(tmp_path, failed("there is no GPU to run on: it is the CPU build", cause="no-gpu"))
    assert isinstance(error, NoCandidateError)
    assert (error.reference, error.exit_code) == ("no-gpu", ExitCode.NO_CANDIDATE)
    assert "CPU build" in error.context


def test_a_gpu_that_is_there_and_not_used(tmp_path: Path) -> None:
    error = refused(tmp_path, failed("the session has CPU alone", cause="provider"))
    assert isinstance(error, BrokenError)
    assert "does not use the GPU" in error.hint
