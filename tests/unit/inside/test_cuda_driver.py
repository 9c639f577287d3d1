"""The CUDA driver asked through ctypes; a stand-in takes its place."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from scripts.inside.cuda_driver import first_device


class Driver:
    """A driver with `devices` GPUs of compute capability 12.1; a call named in `refuses` gives its status."""

    def __init__(self, devices: int = 1, **refuses: int) -> None:
        self.devices, self.refuses = devices, refuses

    def cuInit(self, _flags: int) -> int:  # noqa: N802 - the driver's own name, as those below
        return self.refuses.get("cuInit", 0)

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = self.devices
        return self.refuses.get("cuDeviceGetCount", 0)

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:  # noqa: N802
        device._obj.value = ordinal
        return 0

    def cuDeviceGetName(self, name: Any, size: int, _device: Any) -> int:  # noqa: N802
        assert size == len(name)
        name.value = b"NVIDIA GB10"
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, _device: Any) -> int:  # noqa: N802
        value._obj.value = {75: 12, 76: 1}[attribute]
        return self.refuses.get("cuDeviceGetAttribute", 0)


def asked(monkeypatch: pytest.MonkeyPatch, driver: Driver | None) -> tuple[dict[str, Any] | None, str]:
    def load(name: str) -> Driver:
        assert name == "libcuda.so.1"
        if driver is None:
            raise OSError("libcuda.so.1: cannot open shared object file")
        return driver

    monkeypatch.setattr(ctypes, "CDLL", load)
    return first_device()


def test_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {"name": "NVIDIA GB10", "capability": "12.1", "count": 2}
    assert asked(monkeypatch, Driver(devices=2)) == (expected, "")


@pytest.mark.parametrize(
    ("driver", "told"),
    [
        (None, "there is no CUDA driver (libcuda.so.1"),
        (Driver(cuInit=999), "cuInit gives 999"),
        (Driver(devices=0), "lists no device"),
        (Driver(cuDeviceGetCount=3), "lists no device"),
        (Driver(cuDeviceGetAttribute=1), "does not describe its device: (0, 0, 1, 1)"),
    ],
)
def test_why_there_is_none(monkeypatch: pytest.MonkeyPatch, driver: Driver | None, told: str) -> None:
    device, why = asked(monkeypatch, driver)
    assert device is None
    assert told in why
