"""Waits for torch's import; then, where the loaded CUDA is the simulator's, gives operations their values.

Imported by every interpreter of an overlay, through a .pth file: it must cost nothing where torch is not imported, and
do nothing where CUDA is real or absent.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

MARK = "kokoro_spark_simulated_gpu"
"""The symbol that every stand-in library exports."""
GARBAGE, STAY_ON_CPU = "SIMULATED_GPU_GARBAGE", "SIMULATED_GPU_STAY_ON_CPU"


class AfterTorch:
    """A finder of modules that finds torch as the others do, and does one thing more once it is imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find torch; nothing else."""
        if name != "torch":
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                _extend(spec.loader)
                return spec
        return None


def _extend(loader: Any) -> None:
    execute = loader.exec_module

    def exec_module(module: Any) -> None:
        execute(module)
        enter()

    loader.exec_module = exec_module


def is_simulated() -> bool:
    """Tell whether the simulator's libraries were loaded before everything else."""
    return hasattr(ctypes.CDLL(None), MARK)


def enter() -> None:
    """Enter the mirror for as long as this process lives."""
    if not is_simulated():
        return
    from .faults import stay_on_cpu  # noqa: PLC0415 - these need torch
    from .mirror import enter_mirror  # noqa: PLC0415

    if os.environ.get(STAY_ON_CPU):
        stay_on_cpu()
    enter_mirror(garbage=os.environ.get(GARBAGE, ""))


def install() -> None:
    """Wait for torch in this process. Python follows the .pth files of a virtual environment twice."""
    if not any(isinstance(finder, AfterTorch) for finder in sys.meta_path):
        sys.meta_path.insert(0, AfterTorch())
