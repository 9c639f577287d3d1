"""Every observation of one verify by name, and typed questions to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scripts.model.evidence import Observation, Outcome
from scripts.model.target import ComputeCapability

KOKORO_OPERATIONS = ("abs", "angle", "exp")
"""Kokoro's three run-time compiled operations (facts: what in Kokoro reaches the Jiterator)."""
CANARIES = (*KOKORO_OPERATIONS, "prod")
MODES = ("stock", "bridged", "disable_complex")
NOTE_MODE = "transform_only"
"""The research note's patch, of `transform` alone: run on the GPU where NVRTC fails stock Kokoro there."""
ALL_MODES = (*MODES, NOTE_MODE)
ONNX_DEVICE = "onnx-device"
"""Asked instead of `device` where ONNX Runtime runs Kokoro, and there is no torch."""


def kokoro_name(mode: str, device: str) -> str:
    """Name the observation of Kokoro run in a mode on `cpu` or `cuda`."""
    return f"kokoro.{mode}.{device}"


def sound_name(mode: str, device: str) -> str:
    """Name the comparison of that run's sound with stock Kokoro on the CPU."""
    return f"sound.{mode}.{device}"


@dataclass(frozen=True)
class Evidence:
    """The observations, in the order in which they were made."""

    observations: tuple[Observation, ...]

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Evidence:
        """Collect observations."""
        return cls(tuple(observations))

    def get(self, name: str) -> Observation | None:
        """Find an observation by its probe's name."""
        return next((one for one in self.observations if one.probe == name), None)

    def passed(self, name: str) -> Observation | None:
        """Find an observation that passed."""
        found = self.get(name)
        return found if found is not None and found.outcome is Outcome.PASSED else None

    def fact(self, name: str, key: str) -> Any:
        """Give one measured value of a probe that passed; None where it did not or has no such value."""
        found = self.passed(name)
        return None if found is None else found.detail.get(key)

    @property
    def capability(self) -> ComputeCapability | None:
        """The first device's compute capability; None: there is no device, or not for this build."""
        device = self._device
        return ComputeCapability.parse(str(device["capability"])) if device else None

    @property
    def device_name(self) -> str | None:
        """The first device's name."""
        device = self._device
        return str(device["name"]) if device else None

    @property
    def _device(self) -> dict[str, Any] | None:
        """The first device that this environment's torch or ONNX Runtime can use."""
        found = self.fact("device", "device")
        if found is None and self.fact(ONNX_DEVICE, "cuda") is not None:
            found = self.fact(ONNX_DEVICE, "device")
        return found if isinstance(found, dict) else None

    @property
    def simulated_by(self) -> str | None:
        """The first probe that found the simulator's mark in its process; None: none did.

        Where torch dies as it is imported, `device` has no answer, and `installed` has.
        """
        return next((name for name in ("device", ONNX_DEVICE, "installed") if self.fact(name, "simulated")), None)

    @property
    def simulated(self) -> bool:
        """The device is the simulator's."""
        return self.simulated_by is not None

    @property
    def cuda_build(self) -> bool:
        """This torch was built with CUDA."""
        return bool(self.fact("device", "built_with_cuda"))

    def compile_result(self, capability: ComputeCapability) -> dict[str, Any] | None:
        """What NVRTC answered when asked to compile for a capability; None: it was not asked."""
        results = self.fact("nvrtc", "compiles") or {}
        found = results.get(capability.sm)
        return dict(found) if isinstance(found, dict) else None

    def device_code(self, capability: ComputeCapability) -> str | None:
        """Which device code would run on a capability: `cubin sm_120`, `PTX ...`, `none`; None: not read."""
        found = (self.fact("device-code", "runs") or {}).get(str(capability))
        return None if found is None else str(found)
