"""SimulatedGpu: a GPU that is not there, for the processes that are given its environment.

    with SimulatedGpu(python=interpreter, cache=folder) as gpu:
        run([str(gpu.python), "-c", "import torch; print(torch.cuda.get_device_name())"], env=gpu.environ)
        gpu.trace().jit_kernels()

The stand-in libraries come in by LD_PRELOAD: where real nvidia-* wheels are installed, the DT_RPATH of torch's would
beat LD_LIBRARY_PATH. NVRTC is never a stand-in.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from scripts.errors import NoCandidateError, UsageError
from scripts.home import Home
from scripts.model.evidence import Observation, Report
from scripts.model.target import GB10, Architecture
from scripts.operations.verify import verify
from scripts.place import Here
from scripts.probing import DEFAULT_TIMEOUT, ask
from scripts.shell import Runner, run
from scripts.weights.request import to_request
from scripts.weights.store import synthetic
from tests.simulated_gpu.build import build
from tests.simulated_gpu.nvrtc import nvrtc_libraries
from tests.simulated_gpu.overlay import make_overlay
from tests.simulated_gpu.trace import Trace

PREFIX = "SIMULATED_GPU_"
GIB = 2**30
ENDINGS = ("", "hang", "crash", "kill")
LARGEST_RESULT = 999
"""CUDA_ERROR_UNKNOWN, the largest CUresult."""
SMALLEST_MEMORY = 2**20
"""Bytes. torch's allocator asks for 2 MiB at a time, so less than this is a mistake and not a small GPU."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What is wrong with the GPU. Errors are CUresults, e.g. 218 (invalid PTX), 719 (launch failed); 0: none."""

    module_error: int = 0
    """What every load of a module answers."""
    launch_error: int = 0
    """What a launch answers."""
    launch_ending: str = ""
    """What a launch does to the process: `hang`, `crash` (SIGSEGV) or `kill` (SIGKILL)."""
    kernel: str = ""
    """Part of the name of the kernels that these two are about; empty: every one compiled at run time."""
    garbage: str = ""
    """An aten operation, e.g. `abs`, `convolution`, whose results on the device are noise."""
    stay_on_cpu: bool = False
    """Module.to and Module.cuda move nothing and say nothing."""

    def __post_init__(self) -> None:
        for what, value in (("module_error", self.module_error), ("launch_error", self.launch_error)):
            if not 0 <= value <= LARGEST_RESULT:
                raise _bad(f"{what} {value} is no CUresult", "from 0 (none) to 999, e.g. 719")
        if self.launch_ending not in ENDINGS:
            raise _bad(f"launch_ending {self.launch_ending!r} is none that there is", "hang, crash, kill, or nothing")
        if not re.fullmatch(r"\w*", self.garbage):
            raise _bad(f"garbage {self.garbage!r} is no operation's name", "write it as aten does, e.g. abs")
        if not re.fullmatch(r"[\w:<>,&*() ]*", self.kernel):
            raise _bad(f"kernel {self.kernel!r} is no part of a kernel's name", "e.g. abs_kernel")


@dataclass(frozen=True, kw_only=True)
class SimulatedGpu:
    """A GPU to be simulated, and for which environment. Entered, it is there; left, its temporary folder is gone.

    Raises UsageError (bad-gpu) for values that no GPU has.
    """

    python: Path
    """The interpreter of an environment that has torch; nothing is written into it."""
    cache: Path
    """Where built simulators are kept: Home.cache / "simulated-gpu"."""
    name: str = "NVIDIA GB10"
    capability: tuple[int, int] = (12, 1)
    memory: int = 120 * GIB
    """Bytes. Taken as they are asked for, from this machine's own; it need not have as many."""
    driver: tuple[int, int] = (13, 2)
    """The newest CUDA API that the driver has."""
    devices: int = 1
    """0: the driver is there and lists none."""
    faults: Faults = field(default_factory=Faults)
    nvrtc: Path | None = None
    """A folder with another libnvrtc.so.* and its builtins, to be used instead of the environment's."""
    environ: Mapping[str, str] | None = None
    """The whole environment that the GPU's variables are added to (None: this process's own)."""
    run: Runner = run
    _opened: ExitStack = field(default_factory=ExitStack, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        major, minor = self.capability
        if not (1 <= major <= 99 and 0 <= minor <= 9):
            raise _bad(f"{self.capability} is no compute capability", "e.g. (12, 1)")
        major, minor = self.driver
        if not (1 <= major <= 99 and 0 <= minor <= 9):
            raise _bad(f"{self.driver} is no version of CUDA", "e.g. (13, 2)")
        if self.memory < SMALLEST_MEMORY:
            raise _bad(f"{self.memory} bytes are no GPU's memory", f"from {SMALLEST_MEMORY} on")
        if self.devices not in {0, 1}:
            raise _bad(f"{self.devices} devices are not simulated", "one, or none")
        if not self.name or not self.name.isprintable():
            raise _bad(f"{self.name!r} is no GPU's name", "e.g. NVIDIA GB10")

    def __enter__(self) -> RunningGpu:
        """Build, or find, the simulator for this torch, and make an overlay over the environment.

        Raises what build and make_overlay raise.
        """
        with ExitStack() as stack:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="simulated-gpu-"))
            running = self._start(Path(name))
            self._opened.push(stack.pop_all())
        return running

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def _start(self, folder: Path) -> RunningGpu:
        overlay = make_overlay(self.python, folder / "environment", run=self.run)
        torch = find_torch_folder(self.python, run=self.run)
        simulator = build(torch, cache=self.cache, architecture=Architecture(platform.machine()), run=self.run)
        nvrtc = () if self.nvrtc is None else nvrtc_libraries(self.nvrtc, torch, folder / "nvrtc")
        base = dict(os.environ if self.environ is None else self.environ)
        trace = folder / "trace.jsonl"
        environ = with_variables(base, self, trace, (*simulator.libraries, *nvrtc))
        return RunningGpu(gpu=self, python=overlay, environ=environ, trace_file=trace)


def find_torch_folder(python: Path, *, run: Runner) -> Path:
    """Find the torch that an interpreter would import. Raises NoCandidateError (no-torch) where it has none."""
    folders = [Path(name) for name in ask(python, "installed", {}, run=run).detail.get("folders", ())]
    found = next((folder / "torch" for folder in folders if (folder / "torch" / "__init__.py").is_file()), None)
    if found is None:
        raise NoCandidateError(
            f"{python} has no torch",
            reference="no-torch",
            hint="name the interpreter of an environment that has one",
        )
    return found


def with_variables(
    base: Mapping[str, str], gpu: SimulatedGpu, trace: Path, libraries: Sequence[Path]
) -> dict[str, str]:
    """Add to an environment what the stand-ins and the hook read, and that they be loaded before everything else."""
    kept = {name: value for name, value in base.items() if not name.startswith(PREFIX)}
    preloaded = [*map(str, libraries), *kept.get("LD_PRELOAD", "").replace(":", " ").split()]
    faults = gpu.faults
    values = {
        "NAME": gpu.name,
        "CAPABILITY": "{}.{}".format(*gpu.capability),
        "MEMORY": str(gpu.memory),
        "DRIVER": str(1000 * gpu.driver[0] + 10 * gpu.driver[1]),
        "DEVICES": str(gpu.devices),
        "TRACE": str(trace),
        "MODULE_ERROR": str(faults.module_error or ""),
        "LAUNCH_ERROR": str(faults.launch_error or ""),
        "LAUNCH_ENDING": faults.launch_ending,
        "KERNEL": faults.kernel,
        "GARBAGE": faults.garbage,
        "STAY_ON_CPU": "1" if faults.stay_on_cpu else "",
    }
    return {
        **kept,
        **{PREFIX + name: value for name, value in values.items() if value},
        "LD_PRELOAD": ":".join(preloaded),
    }


def _bad(message: str, hint: str) -> UsageError:
    return UsageError(message, reference="bad-gpu", hint=hint)


@dataclass(frozen=True, kw_only=True)
class RunningGpu:
    """A simulated GPU that is there. `python` sees the environment's packages; `environ` is a whole environment."""

    gpu: SimulatedGpu
    python: Path
    environ: dict[str, str]
    trace_file: Path

    def verify(self, *, timeout: float | None = None, census: bool = False) -> Report:
        """Judge as `invoke verify` does, with random weights, for a GB10. Raises what verify raises."""
        return verify(
            place=Here(python=self.python, run=self.gpu.run),
            environment=f"simulated {self.gpu.name}",
            target=GB10,
            weights=to_request(synthetic()),
            environ=self.environ,
            timeout=timeout,
            census=census,
        )

    def ask(self, probe: str, request: Mapping[str, Any], *, timeout: float = DEFAULT_TIMEOUT) -> Observation:
        """Ask one probe of scripts/inside in this environment. Raises what ask raises."""
        bytecode = Home.find(self.environ).bytecode
        return ask(
            self.python, probe, request, run=self.gpu.run, environ=self.environ, timeout=timeout, bytecode=bytecode
        )

    def trace(self) -> Trace:
        """Read what the driver and the runtime were asked for so far, in every process."""
        there = self.trace_file.is_file()  # no process has seen the device yet
        return Trace.parse(self.trace_file.read_text(encoding="utf-8") if there else "")
