"""Complex abs, angle, exp on the device after one setting in Python: `python -I settings_probe.py NAME ANSWER`.

ANSWER is a JSON file: how each operation ended ("" or the error's text), the NVRTC that was loaded, the kernels in the
cache afterwards. Runs in the interpreter under test: stdlib and torch, Python 3.10.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

OPERATIONS = ("abs", "angle", "exp")
_CLOSE = 1e-4


def nothing() -> None:
    """Change nothing."""


def allow_tf32() -> None:
    """Both switches."""
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True


def set_device() -> None:
    """The first device, by its number."""
    torch.cuda.set_device(0)


def spoof() -> None:
    """The research note's capability spoof: a Blackwell says that it is a Hopper."""
    original = torch.cuda.get_device_capability

    def patched(device: Any = None) -> tuple[int, int]:
        major, minor = original(device)
        return (9, 0) if major == 12 else (major, minor)

    torch.cuda.get_device_capability = patched
    assert torch.cuda.get_device_capability() == (9, 0)


SETTINGS: dict[str, Callable[[], None]] = {
    "nothing": nothing,
    "allow_tf32": allow_tf32,
    "set_device": set_device,
    "spoof": spoof,
}


def run(name: str) -> dict[str, Any]:
    """Make the setting, then try the operations."""
    SETTINGS[name]()
    parts = torch.randn(2, 3, 33, generator=torch.Generator().manual_seed(7))
    values = torch.complex(parts[0], parts[1])
    endings = {operation: _try(operation, values) for operation in OPERATIONS}
    return {"endings": endings, "nvrtc": _nvrtc(), "kernels": _kernels()}


def _try(operation: str, values: Any) -> str:
    compute = getattr(torch, operation)
    try:
        found = compute(values.to("cuda")).cpu()
    except RuntimeError as error:
        return str(error)[-1200:]
    off = float((found - compute(values)).abs().max())
    return "" if off <= _CLOSE else f"off by {off:.3g} from the CPU"


def _nvrtc() -> str | None:
    """Tell the version of the libnvrtc that this process has loaded."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        path = line.split(maxsplit=5)[-1]
        if os.path.basename(path).startswith("libnvrtc.so"):  # noqa: PTH119
            major, minor = ctypes.c_int(), ctypes.c_int()
            ctypes.CDLL(path).nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
            return f"{major.value}.{minor.value}"
    return None


def _kernels() -> list[str]:
    folder = Path(os.environ.get("PYTORCH_KERNEL_CACHE_PATH", ""))
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(run(sys.argv[1])), encoding="utf-8")
