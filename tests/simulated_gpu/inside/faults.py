"""The faults that are made in the interpreter: noise for results, parameters that stay on the CPU."""

from __future__ import annotations

from typing import Any

import torch

from .host_memory import each_tensor, write

SEED = 20


class Noise:
    """Noise instead of one operation's results on the device; the same noise in every process."""

    def __init__(self, operation: str) -> None:
        self._names = frozenset({f"aten::{operation}", f"aten::{operation}_"}) if operation else frozenset()
        self._generator = torch.Generator().manual_seed(SEED)

    def concerns(self, name: str) -> bool:
        """Tell whether results of this operation (`aten::abs`) become noise."""
        return name in self._names

    def spoil(self, results: Any) -> None:
        """Write noise into every result that holds real or complex numbers."""
        for result in each_tensor(results):
            if result.is_cuda and (result.is_floating_point() or result.is_complex()):
                write(result, torch.randn(result.shape, dtype=result.dtype, generator=self._generator))


def stay_on_cpu() -> None:
    """Make Module.to and Module.cuda do nothing and say nothing, as a program that fell back to the CPU would."""

    def stay(module: torch.nn.Module, *_args: Any, **_kwargs: Any) -> torch.nn.Module:
        return module

    torch.nn.Module.to = stay
    torch.nn.Module.cuda = stay
