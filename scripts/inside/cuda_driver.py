"""The CUDA driver asked through ctypes, where there is no torch to ask."""

from __future__ import annotations

import ctypes
from typing import Any

_MAJOR, _MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""


def first_device() -> tuple[dict[str, Any] | None, str]:
    """Give the first GPU, {`name`, `capability`, `count`}, or None and why there is none."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return None, f"there is no CUDA driver ({error})"
    status = driver.cuInit(0)
    if status != 0:
        return None, f"the CUDA driver does not start: cuInit gives {status}"
    count = ctypes.c_int()
    status = driver.cuDeviceGetCount(ctypes.byref(count))
    if status != 0 or count.value == 0:
        return None, "the CUDA driver lists no device"
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    answers = (
        driver.cuDeviceGet(ctypes.byref(device), 0),
        driver.cuDeviceGetName(name, len(name), device),
        driver.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device),
        driver.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device),
    )
    if any(answers):
        return None, f"the CUDA driver does not describe its device: {answers}"
    capability = f"{major.value}.{minor.value}"
    return {"name": name.value.decode(errors="replace"), "capability": capability, "count": count.value}, ""
