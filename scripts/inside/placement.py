"""Where a model's parameters lie and where its modules' results come from."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Placement:
    """Watches a model's forward passes from its making on. Devices are named as torch names them: `cuda:0`, `cpu`."""

    def __init__(self, model: Any) -> None:
        import torch

        self._tensor = torch.Tensor
        self.parameters = {name: str(value.device) for name, value in model.named_parameters()}
        self.parameters |= {name: str(value.device) for name, value in model.named_buffers()}
        self.outputs: dict[str, set[str]] = {}
        for name, module in model.named_modules():
            if not any(module.children()):  # KModel itself hands its sound back on the CPU, as it should
                module.register_forward_hook(self._hook(name))

    def summary(self) -> dict[str, Any]:
        """Count parameters (with buffers) and modules by device, and say how much GPU memory was ever in use."""
        import torch

        used = torch.cuda.is_available() and torch.cuda.is_initialized()
        return {
            "parameters": dict(Counter(self.parameters.values())),
            "modules": dict(Counter(device for devices in self.outputs.values() for device in devices)),
            "gpu_memory_peak_bytes": torch.cuda.max_memory_allocated() if used else None,
        }

    def strays(self, device: str) -> list[str]:
        """Name the parameters and modules that were not on `device` (`cpu`, `cuda` or `cuda:0`)."""
        kind = device.partition(":")[0]
        found = [f"parameter {name} on {place}" for name, place in self.parameters.items() if not _on(place, kind)]
        for name, places in self.outputs.items():
            found += [f"result of {name} on {place}" for place in sorted(places) if not _on(place, kind)]
        return found

    def _hook(self, name: str) -> Any:
        def note(_module: Any, _inputs: Any, output: Any) -> None:
            self.outputs.setdefault(name, set()).update(self._devices(output))

        return note

    def _devices(self, value: Any) -> set[str]:
        """Name the devices of a result's numbers.

        Integers do not count: they are lengths and indices, and those of a PackedSequence, an LSTM's result, lie on
        the CPU by torch's design.
        """
        if isinstance(value, self._tensor):
            return {str(value.device)} if value.is_floating_point() or value.is_complex() else set()
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
        return {device for part in parts for device in self._devices(part)}


def _on(place: str, kind: str) -> bool:
    return place.partition(":")[0] == kind
