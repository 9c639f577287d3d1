"""Watching a model's torch operations: draws random numbers on the CPU, and remembers which operation failed."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Any

from scripts.inside.failure import ProbeFailure

# The Jiterator's error is the whole source of the kernel, at whose end its entry stands.
_KERNEL = re.compile(r'extern "C"\s+(?:__launch_bounds__\([^)]*\)\s*)?__global__\s+void\s+(\w+)_kernel\s*\(')


_DRAWN_IN_PLACE = frozenset({"normal_", "uniform_"})


@dataclass
class Failed:
    """The torch operation that raised, by torch's name for it; None: none did."""

    operation: str | None = None


def draws_on_the_cpu(failed: Failed) -> Any:
    """Give a context in which random tensors are drawn on the CPU and moved to where they were asked for.

    CUDA draws others from the same seed. A generator of the device's gets a twin on the CPU with the same seed. An
    operation that raises is noted in `failed`.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    twins: dict[Any, Any] = {}

    class DrawsOnTheCpu(TorchFunctionMode):  # type: ignore[misc] # torch is not installed where mypy runs
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            try:
                return self._call(function, args, dict(kwargs or {}))
            except Exception:
                failed.operation = str(getattr(function, "__name__", function))  # of several the last: it ended the run
                raise

        @staticmethod
        def _call(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            if function in (torch.rand_like, torch.randn_like):
                device = kwargs.pop("device", None) or args[0].device
                return function(torch.empty_like(args[0], device="cpu"), *args[1:], **kwargs).to(device)
            if function in (torch.rand, torch.randn):
                device = kwargs.pop("device", None)
                drawn = function(*args, **kwargs)
                return drawn if device is None else drawn.to(device)
            generator = kwargs.get("generator")
            if generator is not None and generator.device.type != "cpu" and function.__name__ in _DRAWN_IN_PLACE:
                if generator not in twins:
                    twins[generator] = torch.Generator().manual_seed(generator.initial_seed())
                drawn = torch.empty_like(args[0], device="cpu")
                return args[0].copy_(function(drawn, *args[1:], generator=twins[generator]))
            return function(*args, **kwargs)

    return DrawsOnTheCpu()


def refused_kernel(error: str) -> str | None:
    """Name the kernel that the Jiterator could not have compiled, `exp_kernel_vectorized2`; None: it tells of none."""
    found = _KERNEL.findall(error)
    return str(found[-1]) if found else None


def as_failure(error: Exception, detail: dict[str, Any]) -> ProbeFailure:
    """Make the answer of what torch raised, with what had been measured until then.

    Its text is the error's as it stands. Of the traceback frames only: the Jiterator's text holds a kernel's source.
    """
    if isinstance(error, ProbeFailure):
        return ProbeFailure(error.message, {**detail, **error.detail})
    text = f"{type(error).__name__}: {error}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    more = {"refused_kernel": refused_kernel(text), "exception": type(error).__name__, "traceback": frames}
    return ProbeFailure(text, {**detail, **more})
