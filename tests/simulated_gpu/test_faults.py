"""Each fault of a GPU gives its verdict, for its own reason. Nothing here is a fault of torch's or Kokoro's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.home import CONSTRAINTS
from scripts.model.evidence import Observation, Outcome, Report, VerdictKind
from scripts.model.target import GB10
from scripts.verification.causes import Cause, cause_of
from scripts.verification.device_code import observe_device_code
from scripts.verification.evidence import Evidence
from scripts.verification.gather import PHONEMES, SYNTHETIC_SPEED
from scripts.verification.judge import Case, judge
from tests.simulated_gpu.conftest import GpuFactory
from tests.simulated_gpu.gpu import Faults, RunningGpu

pytestmark = pytest.mark.simulated

ABS = {"operation": "abs"}
EXP = {"operation": "exp"}
SHORT = 40.0
"""Seconds that a probe has where one hangs: longer than Kokoro takes, and shorter than anybody waits."""


def reasons(report: Report) -> str:
    return "\n".join(reason.text for reason in report.verdict.reasons)


def causes(report: Report, *names: str) -> set[Cause | None]:
    found = [Evidence.of(report.observations).get(name) for name in names]
    return {None if one is None else cause_of(one) for one in found}


def test_a_module_that_the_driver_does_not_take(simulated_gpu: GpuFactory, newest: str) -> None:
    """The bridge goes around it, for it loads no module; but the driver is what is broken."""
    report = simulated_gpu(newest, faults=Faults(module_error=200)).verify()
    assert report.verdict.kind is VerdictKind.BROKEN, reasons(report)
    assert report.verdict.simulated
    assert causes(report, "canary.abs", "canary.exp", "kokoro.stock.cuda") == {Cause.MODULE_LOAD}
    assert causes(report, "kokoro.bridged.cuda") == {None}
    assert "a fault of the driver or the GPU" in reasons(report)


def test_a_launch_that_fails(simulated_gpu: GpuFactory, newest: str) -> None:
    report = simulated_gpu(newest, faults=Faults(launch_error=719)).verify()
    assert report.verdict.kind is VerdictKind.BROKEN, reasons(report)
    assert causes(report, "canary.abs", "kokoro.stock.cuda") == {Cause.LAUNCH}
    assert "launch failure" in reasons(report)


def test_noise_for_the_results_of_convolutions(simulated_gpu: GpuFactory, newest: str) -> None:
    """Every run ends well, and none sounds as on the CPU: without a comparison nobody would know."""
    report = simulated_gpu(newest, faults=Faults(garbage="convolution")).verify()
    assert report.verdict.kind is VerdictKind.BROKEN, reasons(report)
    assert causes(report, "canary.abs", "canary.angle", "canary.exp") == {None}
    told = reasons(report)
    assert any(said in told for said in ("its sound is wrong", "(sound)")), told


def test_noise_for_the_results_of_one_kernel(simulated_gpu: GpuFactory, newest: str) -> None:
    gpu = simulated_gpu(newest, faults=Faults(garbage="abs"))
    found = gpu.ask("canary", ABS)
    assert (found.outcome, cause_of(found)) == (Outcome.FAILED, Cause.NUMBERS)
    assert "complex abs is wrong on cuda:0" in found.error
    assert gpu.ask("canary", EXP).outcome is Outcome.PASSED


def test_parameters_that_silently_stay_on_the_cpu(simulated_gpu: GpuFactory, newest: str) -> None:
    report = simulated_gpu(newest, faults=Faults(stay_on_cpu=True)).verify()
    assert report.verdict.kind is VerdictKind.BROKEN, reasons(report)
    assert causes(report, "kokoro.stock.cuda", "kokoro.bridged.cuda") == {Cause.PLACEMENT}
    assert "asked for cuda:0, but these were elsewhere: parameter" in reasons(report)


def test_a_hang_is_an_observation(simulated_gpu: GpuFactory, newest: str) -> None:
    """Only complex exp, compiled at run time, hangs: its canary and stock Kokoro are given up, all else goes on."""
    report = simulated_gpu(newest, faults=Faults(launch_ending="hang", kernel="exp_kernel_vectorized")).verify(
        timeout=SHORT
    )
    assert causes(report, "canary.exp", "kokoro.stock.cuda") == {Cause.HUNG}
    assert causes(report, "canary.abs", "canary.angle", "kokoro.bridged.cuda") == {None}
    assert report.verdict.kind is VerdictKind.UNDECIDED, reasons(report)
    assert f"no answer within {SHORT:g} s" in reasons(report)


def test_no_device(simulated_gpu: GpuFactory, newest: str) -> None:
    report = simulated_gpu(newest, devices=0).verify()
    assert report.verdict.kind is VerdictKind.UNDECIDED, reasons(report)
    assert "no GPU to judge on" in reasons(report)
    assert report.verdict.prediction.kind is VerdictKind.NOT_NEEDED
    assert report.verdict.device is None


@pytest.mark.parametrize(
    ("ending", "outcome", "said"),
    [("crash", Outcome.CRASHED, "died of SIGSEGV"), ("kill", Outcome.KILLED, "killed from outside by SIGKILL")],
)
def test_a_process_that_dies_in_one_operation(
    ending: str, outcome: Outcome, said: str, simulated_gpu: GpuFactory, newest: str
) -> None:
    gpu = simulated_gpu(newest, faults=Faults(launch_ending=ending, kernel="abs_kernel"))
    found = gpu.ask("canary", ABS)
    assert found.outcome is outcome
    assert said in found.error
    assert gpu.ask("canary", EXP).outcome is Outcome.PASSED


def test_too_little_memory(simulated_gpu: GpuFactory, newest: str) -> None:
    """81.8 million parameters are 328 MB; it says nothing about the software, so nothing is decided by it."""
    gpu = simulated_gpu(newest, memory=128 * 2**20)
    found = replace(gpu.ask("kokoro", kokoro_request(gpu)), probe="kokoro.stock.cuda")
    assert cause_of(found) is Cause.OUT_OF_MEMORY
    assert "CUDA out of memory" in found.error
    verdict = judge(Case(evidence=Evidence.of([gpu.ask("device", {}), found]), target=GB10))
    assert verdict.kind is VerdictKind.UNDECIDED
    assert any("(out-of-memory)" in reason.text for reason in verdict.reasons)


def test_a_driver_that_is_older_than_the_wheel(simulated_gpu: GpuFactory, newest: str) -> None:
    device = simulated_gpu(newest, driver=(12, 4)).ask("device", {})
    assert device.detail["device"] is None
    assert "driver on your system is too old" in device.detail["problem"]
    verdict = judge(Case(evidence=Evidence.of([device, spoken_on_the_cpu()]), target=GB10))
    assert verdict.kind is VerdictKind.UNDECIDED
    assert any("driver-too-old" in reason.text for reason in verdict.reasons), verdict.reasons


def test_a_capability_that_torch_has_no_code_for(simulated_gpu: GpuFactory, newest: str) -> None:
    """13.7, which does not exist: torch's kernels answer error 209 there, and the verdict is that of rule 0."""
    gpu = simulated_gpu(newest, name="No GPU", capability=(13, 7))
    device = gpu.ask("device", {})
    evidence = Evidence.of([device])
    assert evidence.capability is not None
    code = observe_device_code(device, [evidence.capability])
    found = gpu.ask("canary", ABS)
    assert found.outcome is Outcome.FAILED
    verdict = judge(Case(evidence=Evidence.of([device, code, found]), target=evidence.capability))
    assert verdict.kind is VerdictKind.BROKEN
    assert any("torch has no kernel image for 13.7" in reason.text for reason in verdict.reasons)


def test_an_operation_without_values_is_named(simulated_gpu: GpuFactory, newest: str) -> None:
    """No result is left as its memory was."""
    gpu = simulated_gpu(newest)
    code = "import torch; torch.eye(3).to_sparse().cuda()"
    done = gpu.gpu.run([str(gpu.python), "-I", "-c", code], env=gpu.environ)
    assert not done.ok
    assert "the simulated GPU has no values for aten._to_copy" in done.stderr


def kokoro_request(gpu: RunningGpu) -> dict[str, Any]:
    return {
        "mode": "stock",
        "device": "cuda:0",
        "weights": {"kind": "synthetic", "config": str(CONSTRAINTS / "kokoro-config.json"), "seed": 1234},
        "phonemes": PHONEMES,
        "speed": SYNTHETIC_SPEED,
        "samples": str(gpu.trace_file.with_name("samples.f32")),
    }


def spoken_on_the_cpu() -> Observation:
    """What is taken for granted where only the device is in question."""
    return Observation(probe="kokoro.stock.cpu", outcome=Outcome.PASSED)
