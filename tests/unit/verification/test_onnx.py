"""An environment of ONNX Runtime: what is asked, and what it means."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode, NoCandidateError
from scripts.model.environment import InstalledFileSet
from scripts.model.evidence import Observation, Outcome, VerdictKind
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.verify import exit_code, verify
from scripts.place import Here
from scripts.verification.evidence import Evidence
from scripts.verification.integrity import observe_integrity
from scripts.verification.judge import Case, judge
from scripts.verification.onnx import ON_CPU, ON_GPU, SOUND
from scripts.verification.report import render
from tests.support.answering import AnsweringRunner, failed
from tests.support.answering import passed as answered
from tests.support.plans import plan, record
from tests.unit.verification.cases import GARBAGE, RIGHT, ended, passed

GPU = {"name": "NVIDIA GB10", "capability": "12.1", "count": 1}
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
NO_DRIVER = "there is no CUDA driver"


def device(*, cuda: str | None = "13.0", gpu: bool = True, **changes: Any) -> Observation:
    detail: dict[str, Any] = {
        "onnxruntime": "1.31.1",
        "package": "onnxruntime-gpu" if cuda else "onnxruntime",
        "cuda": cuda,
        "device": GPU if gpu else None,
        "problem": None if gpu else NO_DRIVER,
        "session": [CUDA, CPU] if cuda and gpu else [CPU],
        "simulated": False,
    }
    return passed("onnx-device", **(detail | changes))


def spoke(name: str, **changes: Any) -> Observation:
    provider = CUDA if name == ON_GPU else CPU
    detail = {"seconds_of_sound": 1.5, "synthesis_seconds": 0.5, "nodes": {provider: 2061}, "share_on_cuda": 1.0}
    return passed(name, **(detail | changes))


ALL = (device(), spoke(ON_CPU), spoke(ON_GPU), passed(SOUND, **RIGHT))


def judged(*observations: Observation, planned: str | None = "13.0") -> tuple[VerdictKind, str]:
    case = Case(evidence=Evidence.of(observations), target=GB10, strategy="onnx", planned_cuda=planned)
    verdict = judge(case)
    assert verdict.prediction.kind is VerdictKind.NOT_APPLICABLE
    assert verdict.prediction.target == GB10
    return verdict.kind, "\n".join(reason.text for reason in verdict.reasons)


def instead(*replacements: Observation) -> tuple[Observation, ...]:
    by_name = {one.probe: one for one in replacements}
    return tuple(by_name.get(one.probe, one) for one in ALL)


def test_on_a_gpu_where_all_is_well() -> None:
    kind, told = judged(*ALL)
    assert kind is VerdictKind.NOT_APPLICABLE
    assert "it has no Jiterator" in told
    assert "CUDAExecutionProvider is in use: 100%" in told


def test_a_cpu_build_is_labelled() -> None:
    kind, told = judged(device(cuda=None, gpu=False), spoke(ON_CPU), planned=None)
    assert kind is VerdictKind.NOT_APPLICABLE
    assert "CPUExecutionProvider ran Kokoro" in told


def test_a_cpu_build_beside_a_gpu_says_so() -> None:
    kind, told = judged(device(cuda=None), spoke(ON_CPU), planned=None)
    assert kind is VerdictKind.NOT_APPLICABLE
    assert "the driver lists NVIDIA GB10 here, which the CPU's build cannot use" in told
    verdict = judge(Case(evidence=Evidence.of((device(cuda=None), spoke(ON_CPU))), target=GB10, strategy="onnx"))
    assert verdict.device is None, "it was judged without one"


def test_a_build_for_cuda_without_a_gpu_is_not_shown_to_be_on_one() -> None:
    kind, told = judged(device(gpu=False), spoke(ON_CPU))
    assert kind is VerdictKind.UNDECIDED, "auto would take it beside a GPU that it does not use"
    assert f"there is no GPU to show it on: {NO_DRIVER}" in told
    assert "CPUExecutionProvider" in told


LOG = "Failed to load library /env/libonnxruntime_providers_cuda.so with error: /env/libx.so: undefined symbol: cuX"


@pytest.mark.parametrize(
    ("observations", "kind", "told"),
    [
        (
            (ended("onnx-device", Outcome.FAILED, "the session has CPU", cause="provider", stderr_tail=LOG),),
            VerdictKind.BROKEN,
            "does not use it: the session has CPU (libonnxruntime_providers_cuda.so: undefined symbol: cuX)",
        ),
        ((ended("onnx-device", Outcome.FAILED, "no module"),), VerdictKind.BROKEN, "does not start as it should"),
        ((ended("onnx-device", Outcome.CRASHED, "SIGSEGV"),), VerdictKind.BROKEN, "SIGSEGV"),
        ((ended("onnx-device", Outcome.KILLED, "SIGKILL"),), VerdictKind.UNDECIDED, "SIGKILL"),
        (
            (device(cuda=None), spoke(ON_CPU)),
            VerdictKind.BROKEN,
            "the plan was CUDA 13.0, but this ONNX Runtime",
        ),
        (instead(ended(ON_CPU, Outcome.FAILED, "mute")), VerdictKind.BROKEN, "does not run on the CPU: mute"),
        (instead(ended(ON_CPU, Outcome.HUNG, "slow")), VerdictKind.UNDECIDED, "slow"),
        (
            instead(ended(ON_GPU, Outcome.FAILED, "66% of the work's nodes", cause="placement")),
            VerdictKind.BROKEN,
            "does not run on the GPU: 66%",
        ),
        (ALL[:2], VerdictKind.UNDECIDED, "was not run on the GPU"),
        (ALL[:3], VerdictKind.UNDECIDED, "it was not compared"),
        (instead(passed(SOUND, **GARBAGE)), VerdictKind.BROKEN, "-0.4 dB SNR"),
        (instead(passed(SOUND, **(RIGHT | {"snr_db": 15.0}))), VerdictKind.UNDECIDED, "15.0 dB SNR"),
    ],
)
def test_what_is_wrong(observations: tuple[Observation, ...], kind: VerdictKind, told: str) -> None:
    found, text = judged(*observations)
    assert (found, told in text) == (kind, True), text


def test_a_simulated_gpu_keeps_its_label() -> None:
    verdict = judge(Case(evidence=Evidence.of(instead(device(simulated=True))), target=GB10, strategy="onnx"))
    assert verdict.simulated
    assert verdict.reasons[0].text.startswith("the device is simulated")


ENVIRONMENT = record("onnx-1", plan=plan(strategy="onnx", torch="", cuda="13.0", nvrtc=None, onnxruntime="1.31.1"))
WEIGHTS = {"kind": "onnx", "label": "int8-derived", "model": "/w/model.onnx", "voices": "/w/voices"}


def answering(site: Path, **changes: Any) -> AnsweringRunner:
    answers = {
        "installed": answered(python="3.12.1", prefix="/env", folders=[str(site)]),
        "onnx-device": answered(**device().detail),
        "onnx-kokoro": answered(**spoke(ON_GPU).detail),
        "compare": answered(pairs={SOUND: RIGHT}),
    } | changes
    return AnsweringRunner(lambda request: answers[request["probe"]])


def run_verify(run: AnsweringRunner, **options: Any) -> Any:
    place = Here(python=Path("/env/bin/python"), run=run)
    given: dict[str, Any] = {"target": GB10, "weights": WEIGHTS, "record": ENVIRONMENT, "environ": {}}
    return verify(place=place, environment="onnx-1", **(given | options))


def test_verify_asks_no_torch(tmp_path: Path) -> None:
    run = answering(tmp_path)
    report = run_verify(run)
    assert [one["probe"] for one in run.requests] == [
        *("installed", "onnx-device", "onnx-kokoro", "onnx-kokoro", "compare")
    ]
    assert [one["device"] for one in run.requests if one["probe"] == "onnx-kokoro"] == ["cpu", "cuda"]
    assert run.requests[1] == {"probe": "onnx-device", "model": "/w/model.onnx", "cuda": True}
    assert report.verdict.kind is VerdictKind.NOT_APPLICABLE
    assert (report.torch, report.onnxruntime, report.cuda) == (None, "1.31.1", "13.0")
    assert exit_code(report) is ExitCode.OK
    assert "ONNX Runtime 1.31.1, CUDA 13.0, weights int8-derived" in render(report)


def test_verify_where_the_provider_cannot_be_loaded(tmp_path: Path) -> None:
    failing = failed("the session has CPU", **(device().detail | {"cause": "provider"}))
    report = run_verify(answering(tmp_path, **{"onnx-device": failing}))
    assert report.verdict.kind is VerdictKind.BROKEN
    assert (report.onnxruntime, report.cuda) == ("1.31.1", "13.0")
    assert next(one for one in report.observations if one.probe == ON_CPU).outcome is Outcome.SKIPPED
    assert exit_code(report) is ExitCode.BROKEN


def test_verify_on_another_capability_says_the_same(tmp_path: Path) -> None:
    report = run_verify(answering(tmp_path), target=ComputeCapability(9, 0))
    assert report.verdict.kind is VerdictKind.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"gpu": False}, NO_DRIVER),
        ({"cuda": None}, "CPU build"),
        ({"simulated": True}, "simulated"),
    ],
)
def test_a_gpu_that_is_insisted_on(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    run = answering(tmp_path, **{"onnx-device": answered(**device(**changes).detail)})
    with pytest.raises(NoCandidateError) as caught:
        run_verify(run, require_gpu=True)
    assert told in caught.value.context


def test_a_census_of_what_torch_compiles(tmp_path: Path) -> None:
    with pytest.raises(NoCandidateError, match="ONNX Runtime runs Kokoro"):
        run_verify(answering(tmp_path), census=True)


def test_a_cpu_plan_asks_for_no_session_on_the_gpu(tmp_path: Path) -> None:
    run = answering(tmp_path, **{"onnx-device": answered(**device(cuda=None).detail)})
    on_cpu = dataclasses.replace(ENVIRONMENT, plan=dataclasses.replace(ENVIRONMENT.plan, cuda=None))
    report = run_verify(run, record=on_cpu)
    assert run.requests[1]["cuda"] is False
    assert report.verdict.kind is VerdictKind.NOT_APPLICABLE
    assert [one["device"] for one in run.requests if one["probe"] == "onnx-kokoro"] == ["cpu"]


def installed(site: Path, content: bytes) -> InstalledFileSet:
    """Install an onnxruntime of one file; give what a record says of it."""
    info = site / "onnxruntime-1.32.0.dist-info"
    info.mkdir(parents=True)
    (site / "onnxruntime.py").write_bytes(content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    text = f"onnxruntime.py,sha256={digest},{len(content)}\nonnxruntime-1.32.0.dist-info/RECORD,,\n"
    (info / "RECORD").write_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return InstalledFileSet(name="onnxruntime", version="1.32.0", record_sha256=sha256)


def test_its_files_are_checked_where_the_record_names_it(tmp_path: Path) -> None:
    expected = installed(tmp_path, b"as it was")
    assert observe_integrity([tmp_path], [expected]).outcome is Outcome.PASSED
    (tmp_path / "onnxruntime.py").write_bytes(b"as it is!")
    found = observe_integrity([tmp_path], [expected])
    assert found.outcome is Outcome.FAILED
    assert "onnxruntime.py" in found.detail["problems"][0]


def test_a_strangers_onnxruntime_is_nothing_to_kokoro(tmp_path: Path) -> None:
    installed(tmp_path, b"as it was")
    (tmp_path / "onnxruntime.py").write_bytes(b"as it is!")
    assert observe_integrity([tmp_path], []).outcome is Outcome.PASSED
