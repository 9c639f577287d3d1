"""Probe `cold-start`: one mode from nothing to its second utterance, and the most memory that it took.

Request: `mode`, `dtype`, `weights`, `device`, `voice`, `lines` ([phonemes, ...], spoken twice). Answer:
`seconds_import`, `seconds_load` (weights to a model that can speak), `seconds_first`, `seconds_second` (the difference
is what is compiled, cached or tried out at first), `host_peak_bytes` (VmHWM: of the whole process), `gpu_peak_bytes`
(torch's allocator; null: no GPU, or no torch), `kernels` (files in torch's kernel cache, empty at the start),
`dtype`, `spoken_from` and `spoken_to` (seconds since 1970, of the second utterance).
"""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

from scripts.inside.canary import kernels
from scripts.inside.speakers import Line, open_speaker


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Start, speak twice, and tell."""
    is_onnx = request["weights"]["kind"] == "onnx"
    start = time.perf_counter()
    importlib.import_module("kokoro_onnx" if is_onnx else "kokoro")
    imported = time.perf_counter()
    speaker = open_speaker(request["mode"], request["weights"], device=request["device"], dtype=request["dtype"])
    loaded = time.perf_counter()
    lines = [Line(phonemes=one, voice=request["voice"]) for one in request["lines"]]
    speaker.speak(lines)
    first = time.perf_counter()
    spoken_from = time.time()
    speaker.speak(lines)
    second = time.perf_counter()
    return {
        "seconds_import": imported - start,
        "seconds_load": loaded - imported,
        "seconds_first": first - loaded,
        "seconds_second": second - first,
        "host_peak_bytes": _peak(),
        "gpu_peak_bytes": None if is_onnx else _gpu_peak(),
        "kernels": 0 if is_onnx else len(kernels()),
        "dtype": speaker.dtype,
        "spoken_from": spoken_from,
        "spoken_to": time.time(),
    }


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _gpu_peak() -> int | None:
    import torch

    used = torch.cuda.is_available() and torch.cuda.is_initialized()
    return int(torch.cuda.max_memory_allocated()) if used else None
