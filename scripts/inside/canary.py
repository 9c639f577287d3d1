"""One operation that torch compiles at run time, on the GPU, against the CPU."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure

OPERATIONS = ("abs", "angle", "exp", "prod")
"""abs, angle and exp are Kokoro's three; prod is a reduction, another kind of run-time kernel."""

TOLERANCE = 1e-4
"""Largest absolute error against the CPU. The values are of size 1, float32 has 24 bits and exp of a complex number
is a few operations: a right kernel stays near 1e-6, a wrong one is off by the size of the values."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Run `operation` on complex64 values of `device` (`cuda:0`) and compare.

    Raises ProbeFailure where the results differ. What torch raises is the answer's error as it stands.
    """
    import torch

    name, device = str(request["operation"]), str(request.get("device", "cuda:0"))
    if name not in OPERATIONS:
        raise ProbeFailure(f"unknown operation {name!r}; known: {', '.join(OPERATIONS)}")
    operation = getattr(torch, name)
    generator = torch.Generator().manual_seed(7)
    parts = torch.randn(2, 3, 33, generator=generator)
    values = torch.complex(parts[0], parts[1])
    values = values / values.abs() if name == "prod" else values  # 33 factors of any size would leave float32's range
    arguments = (-1,) if name == "prod" else ()
    start = time.perf_counter()
    found = operation(values.to(device), *arguments).cpu()
    seconds = time.perf_counter() - start
    error = float((found - operation(values, *arguments)).abs().max())
    detail = {
        "operation": name,
        "device": device,
        "max_error": error if math.isfinite(error) else None,  # JSON has neither NaN nor infinity
        "first_call_seconds": round(seconds, 4),
        "kernels": kernels(),
    }
    if not error <= TOLERANCE:
        text = f"complex {name} is wrong on {device}: off by {error:.3g} from the CPU"
        raise ProbeFailure(text, {**detail, "cause": "numbers"})
    return detail


def kernels() -> list[str]:
    """Name the kernels in the Jiterator's cache, which was empty when this process started."""
    folder = os.environ.get("PYTORCH_KERNEL_CACHE_PATH", "")
    return sorted(path.name for path in Path(folder).iterdir()) if folder and Path(folder).is_dir() else []
