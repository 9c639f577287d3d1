"""A simulated GB10 on the aarch64 machine: the cross-built libraries, an overlay, the environment of a probe."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.home import Home
from scripts.model.target import Architecture
from scripts.shell import run
from tests.simulated_gpu.arm64.entering import Mount
from tests.simulated_gpu.arm64.machine import ENVIRONMENT, ArmMachine
from tests.simulated_gpu.arm64.packages import ArmTorch
from tests.simulated_gpu.build import build
from tests.simulated_gpu.gpu import RunningGpu, SimulatedGpu, with_variables
from tests.simulated_gpu.kept import shelf_of
from tests.simulated_gpu.overlay import make_overlay

THREADS = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True, kw_only=True)
class ArmGpu:
    """A simulated GPU on the aarch64 machine, which sees all that its interpreter needs."""

    machine: ArmMachine
    torch: ArmTorch
    running: RunningGpu
    folder: Path
    """A temporary folder that the machine sees."""


@contextmanager
def simulated_gb10(machine: ArmMachine, torch: ArmTorch, home: Home, *, nvrtc: Path | None = None) -> Iterator[ArmGpu]:
    """Have a simulated GB10 for one torch.

    `nvrtc` is a folder with another NVRTC under the name of torch's own: it is mounted in that one's place, so that
    torch finds it as it finds its own. Raises what build and make_overlay raise.
    """
    cache = home.cache / "simulated-gpu"
    simulator = build(torch.torch_folder, cache=cache, architecture=Architecture.AARCH64, run=run)
    with tempfile.TemporaryDirectory(prefix="work-", dir=shelf_of(home)) as name:
        folder = Path(name)
        seen = [Mount.same(torch.folder, read_only=True), Mount.same(simulator.folder, read_only=True)]
        if nvrtc is not None:
            seen.append(Mount(source=nvrtc, target=torch.nvrtc_library.parent, read_only=True))
        machine = machine.seeing(*seen, Mount.same(folder), Mount.same(bytecode(home)))
        gpu = SimulatedGpu(python=torch.python, cache=cache, run=machine.run)
        overlay = make_overlay(torch.python, folder / "environment", run=machine.run)
        trace = folder / "trace.jsonl"
        environ = with_variables(ENVIRONMENT | THREADS, gpu, trace, simulator.libraries)
        running = RunningGpu(gpu=gpu, python=overlay, environ=environ, trace_file=trace)
        yield ArmGpu(machine=machine, torch=torch, running=running, folder=folder)


def bytecode(home: Home) -> Path:
    """Give the folder of modules compiled there: an import of torch takes 10 s with it and 20 s without."""
    folder = shelf_of(home) / "aarch64-bytecode"
    folder.mkdir(exist_ok=True)
    return folder
