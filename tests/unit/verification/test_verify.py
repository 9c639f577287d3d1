"""verify from end to end, with a scripted interpreter in place of the real one."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, ExitCode, IntegrityError, NoCandidateError, UsageError
from scripts.model.environment import EnvironmentRecord, EnvironmentState
from scripts.model.evidence import Outcome, Report, VerdictKind
from scripts.model.plan import Plan
from scripts.model.target import GB10, Architecture, PythonVersion
from scripts.operations.verify import exit_code, expected, parse_expected, verify
from scripts.place import Here
from scripts.shell import Completed
from scripts.verification.simulation import ROWS
from tests.support.places import ImagePlace
from tests.support.plans import CONTAINER
from tests.support.plans import record as recorded
from tests.unit.verification.cases import REFUSED, RIGHT, cpu_build, device, spoke

SYNTHETIC = {"kind": "synthetic", "config": "config.json", "seed": 1}


@dataclass
class ScriptedPython:
    """Answers each probe by its name; an answer is a detail, an error text, a signal it dies of, or None: it hangs."""

    site: Path
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    timeouts: list[float | None] = field(default_factory=list)
    environs: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        request = json.loads(Path(argv[-2]).read_text())
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.environs.append(env or {})
        name = self._name(request)
        self.asked.append(name)
        answer = self.answers.get(name, self._default(request))
        returncode: int | None = 0
        if answer is None:
            returncode = None
        elif isinstance(answer, signal.Signals):
            returncode = -answer
        else:
            data = {"ok": False, "error": answer} if isinstance(answer, str) else {"ok": True, "detail": answer}
            Path(argv[-1]).write_text(json.dumps(data))
        return Completed(argv=tuple(argv), returncode=returncode, stdout="", stderr="", seconds=0.1)

    @staticmethod
    def _name(request: dict[str, Any]) -> str:
        parts = [request["probe"], request.get("operation"), request.get("mode")]
        parts += [request["device"].partition(":")[0]] if "mode" in request else []
        return ".".join(str(part) for part in parts if part)

    def _default(self, request: dict[str, Any]) -> Any:
        ok = {"ok": True, "code": 0, "name": "NVRTC_SUCCESS", "log": ""}
        compiles = {f"sm_{one.replace('.', '')}": ok for one in request.get("targets", [])}
        pairs = {pair["name"]: RIGHT | {"snr_db": 125.6} for pair in request.get("pairs", [])}
        return {
            "installed": {"python": "3.12.1", "prefix": "/env", "folders": [str(self.site)]},
            "device": device(None).detail,
            "nvrtc": {"version": "13.2", "supported": None, "compiles": compiles, "library": "x", "found_by": "y"},
            "triton": {"triton": "3.9.0", "target": "sm_121", "ptx_target": "sm_121a"},
            "canary": {"max_error": 1e-6, "kernels": []},
            "compile": {"device": "cuda:0", "first_call_seconds": 1.0},
            "kokoro": {"seconds_of_sound": 0.7, "synthesis_seconds": 0.5, "kernels": [], "bridge": None},
            "compare": {"pairs": pairs},
        }[request["probe"]]


def run_verify(python: ScriptedPython, **options: Any) -> Report:
    defaults: dict[str, Any] = {
        "environment": "here",
        "target": GB10,
        "weights": SYNTHETIC,
        "environ": {"PATH": "/bin"},
    }
    return verify(place=Here(python=Path("/env/bin/python"), run=python), **(defaults | options))


def outcomes(report: Report) -> dict[str, Outcome]:
    return {one.probe: one.outcome for one in report.observations}


@pytest.fixture
def python(tmp_path: Path) -> ScriptedPython:
    return ScriptedPython(site=tmp_path)


def test_without_a_gpu(python: ScriptedPython) -> None:
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.UNDECIDED
    assert report.torch == "2.15.0+cu132"
    assert report.weights.startswith("synthetic")
    assert python.asked == [
        "installed",
        "device",
        "nvrtc",
        "triton",
        "kokoro.stock.cpu",
        "kokoro.bridged.cpu",
        "kokoro.disable_complex.cpu",
        "compare",
    ]
    assert outcomes(report)["canary.abs"] is Outcome.SKIPPED
    assert outcomes(report)["sound.bridged.cpu"] is Outcome.PASSED
    assert exit_code(report) is ExitCode.UNDECIDED


def test_in_a_container(python: ScriptedPython) -> None:
    place = ImagePlace(python=Path("/opt/kokoro-spark/bin/python"), run=python)
    report = verify(
        place=place,
        environment="ngc",
        target=GB10,
        weights=SYNTHETIC,
        record=recorded(container=CONTAINER),
        environ={"PATH": "/bin"},
    )
    integrity = next(one for one in report.observations if one.probe == "integrity")
    assert (integrity.outcome, integrity.detail["image_id"]) == (Outcome.PASSED, "sha256:ab")
    assert outcomes(report)["kernel-cache"] is Outcome.SKIPPED
    assert len(place.shared) == 1, "the probes' working folder"
    assert report.python == "/opt/kokoro-spark/bin/python"


def test_an_image_that_is_another_one_is_not_judged(python: ScriptedPython) -> None:
    place = ImagePlace(python=Path("/opt/kokoro-spark/bin/python"), run=python, now="sha256:ef")
    with pytest.raises(IntegrityError) as caught:
        verify(place=place, environment="ngc", target=GB10, weights=SYNTHETIC, record=recorded(container=CONTAINER))
    assert caught.value.reference == "environment-altered"
    assert "sha256:ef" in caught.value.context
    assert python.asked == ["installed"]


def test_on_a_gpu(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1").detail
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.NOT_NEEDED
    assert python.asked[2:] == [
        "nvrtc",
        "triton",
        "canary.abs",
        "canary.angle",
        "canary.exp",
        "canary.prod",
        "compile",
        "kokoro.stock.cpu",
        "kokoro.stock.cuda",
        "kokoro.bridged.cuda",
        "kokoro.disable_complex.cuda",
        "compare",
    ]
    assert exit_code(report) is ExitCode.OK


def test_on_a_gpu_that_nvrtc_does_not_know(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1").detail
    python.answers |= {f"canary.{name}": REFUSED for name in ("abs", "angle", "exp", "prod")}
    python.answers["kokoro.stock.cuda"] = python.answers["kokoro.transform_only.cuda"] = REFUSED
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.NEEDED
    assert exit_code(report) is ExitCode.PATCH_NEEDED
    pairs = next(one for one in python.requests if one["probe"] == "compare")["pairs"]
    assert [pair["name"] for pair in pairs] == ["sound.bridged.cuda", "sound.disable_complex.cuda"]
    assert outcomes(report)["sound.stock.cuda"] is Outcome.SKIPPED


def test_the_research_note_is_tried_only_where_nvrtc_fails_stock_kokoro(python: ScriptedPython) -> None:
    tried = "kokoro.transform_only.cuda"
    python.answers["device"] = device("12.1").detail
    assert tried not in outcomes(run_verify(python))
    python.answers["kokoro.stock.cuda"] = "CUDA driver error: unspecified launch failure"
    assert tried not in outcomes(run_verify(python))
    python.answers["kokoro.stock.cuda"] = REFUSED
    report = run_verify(python)
    assert outcomes(report)[tried] is Outcome.PASSED
    assert outcomes(report)["sound.transform_only.cuda"] is Outcome.PASSED


def test_every_probe_has_the_time_that_is_given(python: ScriptedPython) -> None:
    run_verify(python)
    assert set(python.timeouts) == {60.0, 300.0, 600.0}
    python.timeouts.clear()
    run_verify(python, timeout=7.0)
    assert set(python.timeouts) == {7.0}


def test_an_interpreter_that_is_too_slow_for_the_time_given(python: ScriptedPython) -> None:
    python.answers["installed"] = None
    with pytest.raises(BrokenError, match="no answer within 7 s") as caught:
        run_verify(python, timeout=7.0)
    assert "--timeout" in caught.value.hint


def test_a_probe_that_hangs_is_an_observation(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1").detail
    python.answers["kokoro.stock.cuda"] = None
    report = run_verify(python, timeout=7.0)
    assert outcomes(report)["kokoro.stock.cuda"] is Outcome.HUNG
    assert report.verdict.kind is VerdictKind.UNDECIDED


KERNEL = "exp_kernel_vectorized2_arch12.1_nvrtc13.2_sass_45986_" + "0" * 40


def test_the_census_is_taken_where_it_is_asked_for(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1").detail
    python.answers["kokoro.stock.cuda"] = spoke("stock", "cuda", kernels=[KERNEL]).detail
    assert run_verify(python).census is None
    census = run_verify(python, census=True).census
    assert census is not None
    assert [one.mode for one in census] == ["stock", "bridged", "disable_complex"]
    assert [kernel.operation for kernel in census[0].kernels] == ["exp"]
    assert all(one.complete for one in census)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (cpu_build().detail, "CPU-only build"),
        (device(None).detail, "no NVIDIA driver"),
        ("torch cannot be imported", "does not start"),
    ],
)
def test_a_census_needs_a_gpu(python: ScriptedPython, answer: Any, why: str) -> None:
    python.answers["device"] = answer
    with pytest.raises(NoCandidateError, match=why) as caught:
        run_verify(python, census=True)
    assert (caught.value.reference, caught.value.exit_code) == ("no-gpu", ExitCode.NO_CANDIDATE)
    assert caught.value.message.startswith("--census")
    assert python.asked == ["installed", "device"], "it is told at once, not after minutes"


def test_a_simulated_gpu_is_enough_for_a_census_and_tells_what_it_proves(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1", simulated=True).detail
    report = run_verify(python, census=True)
    assert report.census
    assert report.simulation == ROWS
    python.answers["device"] = device("12.1").detail
    assert run_verify(python).simulation is None


def test_a_filled_kernel_cache_is_noted_and_hidden_from_the_probes(python: ScriptedPython, tmp_path: Path) -> None:
    (tmp_path / KERNEL).touch()
    environ = {"PATH": "/bin", "PYTORCH_KERNEL_CACHE_PATH": str(tmp_path)}
    report = run_verify(python, environ=environ)
    assert any(f"the kernel cache {tmp_path} holds kernels" in note for note in report.notes)
    assert {one["PYTORCH_KERNEL_CACHE_PATH"] for one in python.environs}.isdisjoint({str(tmp_path)})


def test_probes_keep_their_kernels_whatever_the_environment_says(python: ScriptedPython) -> None:
    report = run_verify(python, environ={"PATH": "/bin", "USE_PYTORCH_KERNEL_CACHE": "0"})
    assert not any("USE_PYTORCH_KERNEL_CACHE" in one for one in python.environs)
    assert [row["name"] for row in report.variables] == ["USE_PYTORCH_KERNEL_CACHE"]


def test_a_driver_that_is_too_old(python: ScriptedPython) -> None:
    problem = "The NVIDIA driver on your system is too old (found version 12040)."
    python.answers["device"] = device(None, problem=problem).detail
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.UNDECIDED
    assert "driver-too-old: this torch's CUDA 13.2 wants driver 580 or newer" in report.verdict.reasons[1].text


def test_nvrtc_is_asked_for_the_device_and_the_target(python: ScriptedPython) -> None:
    python.answers["device"] = device("9.0").detail
    report = run_verify(python)
    assert next(one for one in python.requests if one["probe"] == "nvrtc")["targets"] == ["9.0", "12.1"]
    assert report.verdict.prediction.target == GB10


def test_a_cpu_build(python: ScriptedPython) -> None:
    python.answers["device"] = cpu_build().detail
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.NOT_APPLICABLE
    assert "nvrtc" not in python.asked
    assert report.verdict.prediction.kind is VerdictKind.NOT_NEEDED
    assert "predicted from data, not run" in report.verdict.prediction.reasons[0].text


def record(strategy: str, cuda: str | None) -> EnvironmentRecord:
    plan = Plan(
        strategy=strategy,
        source="default",
        architecture=Architecture.AARCH64,
        python=PythonVersion(3, 12),
        torch="2.15.0",
        cuda=cuda,
        nvrtc=None,
        steps=(),
        digest="0",
    )
    return EnvironmentRecord(
        schema=1, tool="kokoro-spark", name="x", state=EnvironmentState.READY, created="", uv_version="1", plan=plan
    )


def test_the_record_decides_what_a_cpu_build_means(python: ScriptedPython) -> None:
    python.answers["device"] = cpu_build().detail
    assert run_verify(python, record=record("cu130", "13.0")).verdict.kind is VerdictKind.BROKEN
    assert run_verify(python, record=record("cpu", None)).verdict.kind is VerdictKind.NOT_APPLICABLE


def test_a_crash_is_an_observation(python: ScriptedPython) -> None:
    python.answers["nvrtc"] = signal.SIGSEGV
    report = run_verify(python)
    assert outcomes(report)["nvrtc"] is Outcome.CRASHED
    assert report.verdict.kind is VerdictKind.UNDECIDED
    assert report.verdict.prediction.kind is VerdictKind.UNDECIDED


def test_torch_that_does_not_start(python: ScriptedPython) -> None:
    python.answers["device"] = "torch cannot be imported: no module named torch"
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.BROKEN
    assert python.asked == ["installed", "device"]
    assert outcomes(report)["kokoro.stock.cpu"] is Outcome.SKIPPED
    assert report.torch is None


def test_a_torch_that_dies_under_a_simulator_is_reported_as_simulated(python: ScriptedPython) -> None:
    python.answers["installed"] = {
        "python": "3.12.1",
        "prefix": "/env",
        "folders": [str(python.site)],
        "simulated": True,
    }
    python.answers["device"] = signal.SIGSEGV
    report = run_verify(python)
    assert outcomes(report)["device"] is Outcome.CRASHED
    assert report.verdict.kind is VerdictKind.BROKEN
    assert report.verdict.simulated
    assert report.simulation


def test_a_comparison_that_dies_leaves_the_sounds_unjudged(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1").detail
    python.answers["compare"] = signal.SIGKILL
    report = run_verify(python)
    assert outcomes(report)["sound.stock.cuda"] is Outcome.KILLED
    assert report.verdict.kind is VerdictKind.UNDECIDED


def test_real_weights_speak_at_their_own_speed(python: ScriptedPython) -> None:
    weights = {"kind": "folder", "label": "int8-derived", "config": "c", "checkpoint": "p", "voices": "v"}
    report = run_verify(python, weights=weights)
    assert report.weights == "int8-derived"
    assert {one["speed"] for one in python.requests if one["probe"] == "kokoro"} == {1.0}


def test_altered_files_end_it_before_anything_runs(python: ScriptedPython) -> None:
    info = python.site / "torch-2.15.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("torch/__init__.py,sha256=AAAA,3\n")
    with pytest.raises(IntegrityError) as caught:
        run_verify(python)
    assert "torch/__init__.py" in str(caught.value)
    assert python.asked == ["installed"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (cpu_build().detail, "CPU-only build"),
        (device(None).detail, "no NVIDIA driver"),
        (device("12.1", simulated=True).detail, "simulated"),
        ("torch cannot be imported", "does not start"),
    ],
)
def test_require_gpu(python: ScriptedPython, answer: Any, why: str) -> None:
    python.answers["device"] = answer
    with pytest.raises(NoCandidateError, match=why) as caught:
        run_verify(python, require_gpu=True)
    assert caught.value.reference == "no-gpu"
    assert python.asked == ["installed", "device"], "it is told at once, not after minutes"


def test_require_gpu_with_one(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1").detail
    assert run_verify(python, require_gpu=True).verdict.kind is VerdictKind.NOT_NEEDED


def test_an_interpreter_that_dies(python: ScriptedPython) -> None:
    python.answers["installed"] = signal.SIGABRT
    with pytest.raises(BrokenError, match="SIGABRT"):
        run_verify(python)


def test_an_old_interpreter(python: ScriptedPython) -> None:
    python.answers["installed"] = {"python": "3.9.18", "prefix": "/env", "folders": []}
    with pytest.raises(UsageError, match=r"Python 3\.9"):
        run_verify(python)


def test_nothing_on_a_simulated_device_exits_as_verified(python: ScriptedPython) -> None:
    python.answers["device"] = device("12.1", simulated=True).detail
    report = run_verify(python)
    assert report.verdict.kind is VerdictKind.NOT_NEEDED
    assert exit_code(report) is ExitCode.UNDECIDED
    python.answers["kokoro.stock.cuda"] = python.answers["kokoro.bridged.cuda"] = "no"
    assert exit_code(run_verify(python)) is ExitCode.BROKEN


def test_expected(python: ScriptedPython) -> None:
    undecided = run_verify(python)
    assert expected(undecided, "undecided") is ExitCode.OK
    assert expected(undecided, "not-needed, UNDECIDED") is ExitCode.OK
    assert expected(undecided, "not-needed,needed") is ExitCode.UNDECIDED
    python.answers["device"] = device("12.1").detail
    not_needed = run_verify(python)
    assert expected(not_needed, "not-needed") is ExitCode.OK
    assert expected(not_needed, "needed") is ExitCode.DRIFT, "never 0 for what was not expected"


@pytest.mark.parametrize("text", ["maybe", "needed,maybe", "", " , "])
def test_expected_lists_what_there_is(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_expected(text)
    assert "not-needed, needed, undecided, broken, not-applicable" in caught.value.hint
