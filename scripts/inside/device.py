"""What torch this is, and which GPU it sees."""

from __future__ import annotations

import ctypes
import re
import warnings
from pathlib import Path
from typing import Any

from scripts.inside import loaded
from scripts.inside.failure import ProbeFailure

SIMULATOR_MARK = "kokoro_spark_simulated_gpu"
"""The symbol by which a simulated driver says what it is: in the library, so that no variable can hide it."""


def run(_request: dict[str, Any]) -> dict[str, Any]:
    """Give torch's version and build, and its first device. `device` is None where there is none.

    Raises ProbeFailure where torch cannot be imported.
    """
    try:
        import torch
    except ImportError as error:
        raise ProbeFailure(f"torch cannot be imported: {error}") from error
    detail: dict[str, Any] = {
        "torch": torch.__version__,
        "torch_folder": str(Path(torch.__file__).parent),
        "built_with_cuda": torch.version.cuda is not None,
        "cuda": torch.version.cuda,
        "git": torch.version.git_version,
        "architectures": _architectures(torch),
        "cudnn": _cudnn(torch),
        "driver": _driver_version(),
        "driver_devices": None,
        "device": None,
        "problem": None,
        "simulated": False,
    }
    if torch.version.cuda is None:
        detail["driver_devices"] = _driver_devices()
        return detail
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detail["available"] = torch.cuda.is_available()
        if detail["available"]:
            detail["device"] = _device(torch)
        else:
            detail["problem"] = _problem(torch)
    # "does not include kernels for sm_121" is a false alarm where sm_120 cubins are in it: kept, never judged.
    detail["warnings"] = [" ".join(str(item.message).split())[:500] for item in caught]
    detail["simulated"] = is_simulated()
    return detail


def is_simulated() -> bool:
    """Tell whether the loaded CUDA driver or runtime is the simulator's."""
    for prefix in ("libcuda.so", "libcudart.so", "libcudart-"):
        for path in loaded.mapped(prefix):
            library = loaded.already_loaded(path)
            if library is not None and hasattr(library, SIMULATOR_MARK):
                return True
    return False


def _device(torch: Any) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(0)
    major, minor = torch.cuda.get_device_capability(0)
    return {
        "name": properties.name,
        "capability": f"{major}.{minor}",
        "memory_bytes": properties.total_memory,
        "multiprocessors": properties.multi_processor_count,
        "integrated": bool(getattr(properties, "is_integrated", False)),
        "count": torch.cuda.device_count(),
    }


def _problem(torch: Any) -> str | None:
    """Say why CUDA cannot be used, in torch's own words."""
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return " ".join(str(error).split())[:500]
    return "torch sees no device"


def _architectures(torch: Any) -> list[str]:
    """List what the build says it was made for. get_arch_list() answers only where there is a device."""
    flags = getattr(torch._C, "_cuda_getArchFlags", None)  # noqa: SLF001 - the only way without a device
    return (flags() or "").split() if flags is not None else []


def _cudnn(torch: Any) -> int | None:
    try:
        version: int | None = torch.backends.cudnn.version()
    except RuntimeError:  # built with one cuDNN, found another
        return None
    return version


def _driver_version() -> str | None:
    """Read the kernel driver's version, e.g. `580.126.09`."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"\b(\d{3,}\.\d+(?:\.\d+)?)\b", text)
    return match[1] if match else None


def _driver_devices() -> int | None:
    """Count the devices that the CUDA driver lists, without torch. None: no driver, or it does not start."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return None
    return count.value
