"""Operations on the simulated device have the CPU's values, on torch old and new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.simulated_gpu.conftest import GpuFactory

pytestmark = pytest.mark.simulated

CASES = Path(__file__).parent / "mirror_cases.py"
FEWEST = 30


@pytest.mark.parametrize("torch", ["2.9.1", None], ids=["2.9.1", "newest"])
def test_values_are_the_cpus(torch: str | None, simulated_gpu: GpuFactory, newest: str, tmp_path: Path) -> None:
    """For 12.0, which NVRTC 12.8 knows: the values are in question here, not the compiling."""
    gpu = simulated_gpu(torch or newest, capability=(12, 0))
    environ = {**gpu.environ, "PYTORCH_KERNEL_CACHE_PATH": str(tmp_path)}
    done = gpu.gpu.run([str(gpu.python), "-I", "-W", "ignore", str(CASES)], env=environ)
    assert done.ok, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert len(told) > FEWEST
    assert {name: wrong for name, wrong in told.items() if wrong} == {}
    assert {name.partition("_kernel")[0] for name, _ in gpu.trace().jit_kernels()} == {"abs", "angle", "exp"}
