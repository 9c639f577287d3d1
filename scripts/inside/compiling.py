"""Does torch.compile work on this device? Kokoro does not need it; reported apart."""

from __future__ import annotations

import time
from typing import Any

from scripts.inside.failure import ProbeFailure


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Compile one elementwise function for `device` and compare its result with the plain one.

    Raises ProbeFailure where the results differ. What torch raises is the answer's error as it stands.
    """
    import torch

    device = str(request.get("device", "cuda:0"))

    def snake(values: Any) -> Any:
        return values + torch.sin(values) ** 2

    values = torch.linspace(-3, 3, 1000, device=device)
    start = time.perf_counter()
    found = torch.compile(snake)(values)
    seconds = time.perf_counter() - start
    error = float((found - snake(values)).abs().max())
    detail = {"device": device, "first_call_seconds": round(seconds, 3), "max_error": error}
    if not error <= 1e-5:
        detail["max_error"] = None if error != error else error  # noqa: PLR0124 - NaN is not JSON
        raise ProbeFailure(f"the compiled function is off by {error:.3g}", detail)
    return detail
