"""Probe `onnx-device`: which ONNX Runtime this is, which GPU the driver lists, and what a session on it becomes.

Request: `model` (None: no session is made), `cuda` (whether a session on CUDA is asked for where there is a GPU).
Answer: `onnxruntime` (version), `package`, `cuda` (of the build; None: the CPU's), `available` (providers of the
build), `device` ({name, capability, count}; None: no GPU), `problem`, `session` (providers of the session that was
made; None: none was), `simulated`. Failures carry `cause` as in onnx_session.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

from scripts.inside.cuda_driver import first_device
from scripts.inside.device import is_simulated
from scripts.inside.failure import ProbeFailure
from scripts.inside.onnx_loading import require_kokoro
from scripts.inside.onnx_session import load_runtime, open_session

_PACKAGES = ("onnxruntime-gpu", "onnxruntime")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Describe the runtime and the GPU, and open the model on it."""
    onnxruntime, build = load_runtime()
    device, problem = first_device()
    detail: dict[str, Any] = {
        "onnxruntime": onnxruntime.__version__,
        "package": _package(),
        "kokoro_onnx": metadata.version("kokoro-onnx"),
        "cuda": build,
        "available": onnxruntime.get_available_providers(),
        "device": device,
        "problem": problem or None,
        "session": None,
        "simulated": is_simulated(),
    }
    if request.get("model"):
        where = "cuda" if request.get("cuda") and device is not None else "cpu"
        try:
            session = open_session(onnxruntime, str(request["model"]), where, build=build)
            require_kokoro(session, str(request["model"]))
        except ProbeFailure as failure:
            raise ProbeFailure(failure.message, {**detail, **failure.detail}) from failure
        detail["session"] = session.get_providers()
    return detail


def _package() -> str:
    """Name the package that the module onnxruntime is of: the build for CUDA where that is installed."""
    installed = {str(one.metadata["Name"]).lower() for one in metadata.distributions()}
    return next((name for name in _PACKAGES if name in installed), "unknown")
