"""verify on a simulated GB10: each verdict for its own reason, with real torch, Jiterator, NVRTC and Kokoro."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.errors import ExitCode
from scripts.home import CHECKOUT
from scripts.model.evidence import Report, VerdictKind
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.verify import exit_code
from scripts.serial import to_json
from scripts.verification.causes import Cause, cause_of
from scripts.verification.evidence import KOKORO_OPERATIONS, Evidence
from scripts.verification.report import render
from scripts.verification.sound import BRIDGE_SNR_DB
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import GpuFactory
from tests.simulated_gpu.document import MATRIX, kept
from tests.simulated_gpu.gpu import RunningGpu
from tests.simulated_gpu.matrix import predict_cell, to_cell
from tests.simulated_gpu.matrix_cells import Matrix, Question, what_counts
from tests.simulated_gpu.nvrtc_folder import nvrtc_folder
from tests.simulated_gpu.trace import Trace

pytestmark = pytest.mark.simulated

OLDER = "2.9.1"
"""The newest torch of the default index whose NVRTC, 12.8, does not know a GB10 (x86_64)."""
REFUSAL = "nvrtc: error: invalid value for --gpu-architecture (-arch)"
OPERATIONS = """
import torch
values = torch.randn(2, 3, 33, dtype=torch.complex64).cuda()
print([getattr(torch, name)(values).shape for name in ("abs", "angle", "exp")])
"""
"""Kokoro's three operations as an application runs them, with whatever kernel cache it finds."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    gpu: RunningGpu
    report: Report
    trace: Trace
    """As it was when verify ended."""

    @classmethod
    def by(cls, gpu: RunningGpu) -> Judged:
        report = gpu.verify(census=True)
        return cls(gpu=gpu, report=report, trace=gpu.trace())

    @property
    def evidence(self) -> Evidence:
        return Evidence.of(self.report.observations)

    @property
    def reasons(self) -> str:
        return "\n".join(reason.text for reason in self.report.verdict.reasons)

    def census(self) -> dict[str, list[str]]:
        assert self.report.census is not None
        return {one.mode: [kernel.operation for kernel in one.kernels] for one in self.report.census}


@pytest.fixture(scope="module")
def judged_newest(module_gpu: GpuFactory, newest: str) -> Judged:
    return Judged.by(module_gpu(newest))


@pytest.fixture(scope="module")
def warm(module_gpu: GpuFactory, simulated_context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernel cache that works: what NVRTC 12.9 compiled, under the names of NVRTC 12.8, which is what torch asks."""
    folder = tmp_path_factory.mktemp("warm")
    gpu = module_gpu(OLDER, nvrtc=nvrtc_folder("12.9.86", simulated_context))
    filled = apply_operations(gpu, {"PYTORCH_KERNEL_CACHE_PATH": str(folder)})
    assert filled.returncode == 0, filled.stderr
    kernels = sorted(folder.iterdir())
    assert len(kernels) == len(KOKORO_OPERATIONS)
    for kernel in kernels:
        assert "_nvrtc12.9_" in kernel.name
        kernel.rename(folder / kernel.name.replace("_nvrtc12.9_", "_nvrtc12.8_"))
    return folder


@pytest.fixture(scope="module")
def warm_variables(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every place that torch looks for kernels in is warm: the variable's, XDG_CACHE_HOME's and the home's."""
    home = tmp_path_factory.mktemp("home")
    for place in (home / "xdg" / "torch" / "kernels", home / ".cache" / "torch" / "kernels"):
        shutil.copytree(warm, place)
    return {
        "PYTORCH_KERNEL_CACHE_PATH": str(warm),
        "XDG_CACHE_HOME": str(home / "xdg"),
        "HOME": str(home),
    }


@pytest.fixture(scope="module")
def judged_older(module_gpu: GpuFactory, simulated_context: Context, warm_variables: dict[str, str]) -> Judged:
    return Judged.by(module_gpu(OLDER, environ=dict(simulated_context.environ) | warm_variables))


def apply_operations(gpu: RunningGpu, variables: dict[str, str]) -> Any:
    return gpu.gpu.run([str(gpu.python), "-I", "-c", OPERATIONS], env=gpu.environ | variables)


def processes(trace: Trace) -> list[list[str]]:
    """Each process's kernels that came from a module. It says which device it has before all else."""
    found: list[list[str]] = []
    for event in trace.events:
        if event["event"] == "device":
            found.append([])
        elif event["event"] == "function":
            found[-1].append(event["name"])
    return found


def test_the_newest_torch_needs_no_patch(judged_newest: Judged) -> None:
    assert judged_newest.report.verdict.kind is VerdictKind.NOT_NEEDED, judged_newest.reasons
    assert judged_newest.report.verdict.device == "NVIDIA GB10"


def as_kept(judged: Judged, torch: str, context: Context) -> None:
    """The matrix has a cell of the same torch with its own NVRTC on the same device: it must be as it is now."""
    question = Question(torch=torch, nvrtc=None, capability=GB10)
    expected = kept(Matrix, MATRIX).cell(question)
    assert expected is not None
    found = to_cell(question, *predict_cell(question, context), judged.report, seconds=0.0)
    assert found.agrees
    assert what_counts(found) == what_counts(expected), judged.reasons


@needs.X86
def test_the_matrix_has_the_newest_torch_so(judged_newest: Judged, newest: str, simulated_context: Context) -> None:
    as_kept(judged_newest, newest, simulated_context)


@needs.X86
def test_the_matrix_has_the_older_torch_so(judged_older: Judged, simulated_context: Context) -> None:
    as_kept(judged_older, OLDER, simulated_context)


def test_a_simulated_device_is_never_verified(judged_newest: Judged) -> None:
    report = judged_newest.report
    assert report.verdict.simulated
    assert report.simulation
    assert exit_code(report) is ExitCode.UNDECIDED
    assert "SIMULATED" in render(report)
    assert json.loads(to_json(report))["verdict"]["simulated"] is True


def test_the_report_is_of_the_schema(judged_newest: Judged) -> None:
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(to_json(judged_newest.report)))


def test_exactly_three_operations_are_compiled_for_stock_kokoro(judged_newest: Judged) -> None:
    assert judged_newest.census() == {"stock": ["abs", "angle", "exp"], "bridged": [], "disable_complex": []}


def test_the_driver_was_given_the_same_kernels(judged_newest: Judged) -> None:
    """By the trace, which knows nothing of the kernel cache: four canaries and stock Kokoro, and nobody else."""
    kernels = [
        tuple(sorted(name.partition("_kernel")[0] for name in names))
        for names in processes(judged_newest.trace)
        if names
    ]
    assert sorted(kernels) == [("abs",), ("abs", "angle", "exp"), ("angle",), ("exp",), ("reduction_prod",)]
    assert {architecture for _, architecture in judged_newest.trace.jit_kernels()} == {"sm_121"}
    assert all(module.answer == 0 for module in judged_newest.trace.modules)


def test_the_sound_is_the_cpus(judged_newest: Judged) -> None:
    """The values on the device are the CPU's: anything else is a fault of the mirror's."""
    evidence = judged_newest.evidence
    assert evidence.fact("sound.stock.cuda", "identical")
    assert evidence.fact("sound.bridged.cuda", "snr_db") > BRIDGE_SNR_DB
    assert -3 < evidence.fact("sound.disable_complex.cuda", "snr_db") < 20


def test_all_of_kokoro_is_on_the_device(judged_newest: Judged) -> None:
    placement = judged_newest.evidence.fact("kokoro.stock.cuda", "placement")
    assert set(placement["parameters"]) == set(placement["modules"]) == {"cuda:0"}
    assert 300e6 < placement["gpu_memory_peak_bytes"] < 4e9  # 81.8 million parameters of 4 bytes, and the work


def test_compiling_ahead_is_not_simulated(judged_newest: Judged) -> None:
    found = judged_newest.evidence.get("compile")
    assert found is not None
    assert "torch.compile is not simulated" in found.error


def test_an_nvrtc_that_does_not_know_the_device_makes_the_patch_needed(judged_older: Judged) -> None:
    assert judged_older.report.verdict.kind is VerdictKind.NEEDED, judged_older.reasons
    stock = judged_older.evidence.get("kokoro.stock.cuda")
    assert stock is not None
    assert cause_of(stock) is Cause.UNKNOWN_ARCHITECTURE
    assert REFUSAL in stock.error
    assert f"stock Kokoro failed on the GPU (unknown-architecture): {REFUSAL}" in judged_older.reasons
    assert "bridged Kokoro ran on the GPU; against the CPU its sound is right" in judged_older.reasons


def test_the_research_notes_patch_is_not_enough(judged_older: Judged) -> None:
    assert "the research note's patch of transform alone is not enough: exp in inverse fails" in judged_older.reasons


def test_nothing_is_compiled_for_the_bridge(judged_older: Judged) -> None:
    assert judged_older.census() == {"stock": [], "bridged": [], "disable_complex": [], "transform_only": []}
    assert judged_older.trace.jit_kernels() == ()


def test_a_warm_kernel_cache_hides_the_failure_from_an_application(
    judged_older: Judged, warm_variables: dict[str, str]
) -> None:
    """In each of its places: so that the next test proves something."""
    for left_out in ([], ["PYTORCH_KERNEL_CACHE_PATH"], ["PYTORCH_KERNEL_CACHE_PATH", "XDG_CACHE_HOME"]):
        environ = {name: value for name, value in judged_older.gpu.environ.items() if name not in left_out}
        command = [str(judged_older.gpu.python), "-I", "-c", OPERATIONS]
        done = judged_older.gpu.gpu.run(command, env=environ)
        assert done.ok, f"without {left_out}: {done.stderr[-500:]}"
    cold = apply_operations(judged_older.gpu, {"USE_PYTORCH_KERNEL_CACHE": "0"})
    assert REFUSAL in cold.stderr


def test_a_warm_kernel_cache_does_not_fool_verify_and_is_told(judged_older: Judged, warm: Path) -> None:
    assert judged_older.report.verdict.kind is VerdictKind.NEEDED
    assert any(str(warm) in note and "do not use that cache" in note for note in judged_older.report.notes)
    assert judged_older.evidence.fact("kernel-cache", "kernels") == {"12.1": {"12.8": ["abs", "angle", "exp"]}}


def test_the_false_alarm_about_the_capability_decides_nothing(judged_older: Judged) -> None:
    """torch 2.9.1 warns that it supports up to 12.0; its sm_120 cubins run on 12.1."""
    warned = " ".join(judged_older.evidence.fact("device", "warnings"))
    assert "cuda capability" in warned.lower()
    assert "cuda capability" not in judged_older.reasons.lower()
    assert judged_older.evidence.fact("device-code", "runs")["12.1"].startswith("cubin sm_120")


def test_an_nvrtc_of_another_cuda_takes_the_place_of_torchs(
    simulated_gpu: GpuFactory, simulated_context: Context, newest: str
) -> None:
    """What a wheel of the cu128 lane does on a GB10, by a torch of CUDA 13: it is the NVRTC alone that decides."""
    gpu = simulated_gpu(newest, nvrtc=nvrtc_folder("12.8.93", simulated_context))
    answer = gpu.ask("nvrtc", {"targets": ["12.1", "12.0"]}).detail
    assert answer["version"] == "12.8"
    assert [answer["compiles"][name]["ok"] for name in ("sm_121", "sm_120")] == [False, True]
    canary = gpu.ask("canary", {"operation": "abs"})
    assert cause_of(canary) is Cause.UNKNOWN_ARCHITECTURE
