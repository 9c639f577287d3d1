"""An extension that wheel.build made for sm_121a, on a simulated GB10: its kernels are launched, and nowhere else.

SIMULATED: no kernel computes anything; the values are those of the extension's own operators on the CPU.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts.model.builds import BuildRequest, BuildResult
from scripts.operations.context import Context
from scripts.operations.wheel_build import build_wheel
from scripts.shell import run
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import GpuFactory
from tests.simulated_gpu.gpu import RunningGpu

pytestmark = [pytest.mark.simulated, needs.COMPILER]

PROGRAM = """
import json, torch, spark_extension
values = torch.arange(5, dtype=torch.float32)
answers = {}
for name, by in (("scale", 2.5), ("shift", 10.0)):
    operator = getattr(torch.ops.spark_extension, name)
    try:
        found = operator(values.cuda(), by)
        torch.cuda.synchronize()
        answers[name] = [found.device.type, found.cpu().tolist(), operator(values, by).tolist()]
    except RuntimeError as error:
        answers[name] = str(error)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def built(simulated_context: Context) -> BuildResult:
    """The wheel of the test extension, for a GB10 alone; a second run of the tests finds it in the wheelhouse."""
    return build_wheel(BuildRequest(recipe="test-extension", sm="12.1a"), simulated_context)


def try_on(gpu: RunningGpu, built: BuildResult, folder: Path) -> dict[str, Any]:
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    environ = {**gpu.environ, "PYTHONPATH": str(folder), "OMP_WAIT_POLICY": "PASSIVE"}
    done = run([str(gpu.python), "-c", PROGRAM], env=environ, timeout=300)
    assert done.ok, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_for_exactly_one_gpu(built: BuildResult) -> None:
    assert built.published.archs == ("sm_121a",)
    assert os.fspath(built.path).endswith(".whl")


def test_it_runs_on_a_gb10(built: BuildResult, simulated_gpu: GpuFactory, newest: str, tmp_path: Path) -> None:
    gpu = simulated_gpu(newest)
    answers = try_on(gpu, built, tmp_path / "site")
    for name in ("scale", "shift"):
        device, found, on_cpu = answers[name]
        assert (device, found) == ("cuda", on_cpu)
    launched = [one for one in gpu.trace().launches if "scale_kernel" in one.name or "shift_kernel" in one.name]
    assert len(launched) == 2
    assert {(one.api, one.answer) for one in launched} == {("runtime", 0)}


@pytest.mark.parametrize("capability", [(12, 0), (10, 0), (9, 0)], ids=str)
def test_it_runs_nowhere_else(
    built: BuildResult, simulated_gpu: GpuFactory, newest: str, tmp_path: Path, capability: tuple[int, int]
) -> None:
    gpu = simulated_gpu(newest, capability=capability)
    answers = try_on(gpu, built, tmp_path / "site")
    assert all("no kernel image" in str(answers[name]) for name in ("scale", "shift")), answers
    refused = gpu.trace().without_image
    assert all(any(kernel in name for name in refused) for kernel in ("scale_kernel", "shift_kernel")), refused
