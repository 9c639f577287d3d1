"""Stand-ins for NVIDIA's container toolkit: what gives a container the GPU, which here is the simulated one.

`nvidia-container-runtime-hook` on dockerd's path is why `--gpus all` is taken; it does nothing. The runtime,
stand_in_nvidia_runtime.py, edits the container's configuration as NVIDIA's does: libraries mounted, variables set.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.simulated_gpu.gpu import SimulatedGpu, with_variables

RUNTIME = Path(__file__).parent / "stand_in_nvidia_runtime.py"
HOOK = "nvidia-container-runtime-hook"
LIBRARIES = "STAND_IN_LIBRARIES"
"""The variable in a base image that names its torch's simulator below `simulators`."""


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """`simulators` is the folder of tests.simulated_gpu.build; `gpu` what every container is given on request."""

    simulators: Path
    gpu: SimulatedGpu

    def write(self, folder: Path) -> Path:
        """Write the programs into a folder for dockerd's path, and give it."""
        folder.mkdir(exist_ok=True)
        settings = folder / "settings.json"
        values = with_variables({}, self.gpu, Path("/tmp/simulated-gpu-trace.jsonl"), ())
        values.pop("LD_PRELOAD")
        settings.write_text(json.dumps({"simulators": str(self.simulators), "variables": values}), encoding="utf-8")
        runtime = shlex.join([sys.executable, "-I", str(RUNTIME), str(settings)])
        for name, text in {"nvidia-container-runtime": f'exec {runtime} "$@"', HOOK: "exit 0"}.items():
            program = folder / name
            program.write_text(f"#!/bin/sh\n# a stand-in, see tests/containers/nvidia\n{text}\n", encoding="utf-8")
            program.chmod(0o755)
        return folder
