"""Sessions of ONNX Runtime on the device that was asked for, or a failure; and where a session's nodes really ran.

ONNX Runtime falls back to the CPU without a word in the answer: where the CUDA provider cannot be loaded, and node by
node where that has no kernel. So a session is asked what it has become, and a run is profiled.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from scripts.inside.cuda_driver import first_device
from scripts.inside.failure import ProbeFailure

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_COMPUTING = ("Conv", "MatMul", "Gemm", "LSTM")
"""What the names of the operators have in them where nearly all of the work is, float and quantised alike."""


def load_runtime() -> tuple[Any, str | None]:
    """Import ONNX Runtime; give it, and the CUDA release of its build (None: the CPU's build).

    The build for CUDA gets its libraries from NVIDIA's packages loaded first, as it has no path to them. NVRTC 13.0,
    which cuDNN calls, finds its builtins only where they are loaded already.

    Raises ProbeFailure where it cannot be imported.
    """
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except (ImportError, OSError) as error:
        raise ProbeFailure(f"ONNX Runtime cannot be imported: {error}", {"cause": "import"}) from error
    cuda = str(getattr(onnxruntime, "cuda_version", "") or "") or None
    if cuda is not None:
        _preload(onnxruntime)
    return onnxruntime, cuda


def _preload(onnxruntime: Any) -> None:
    """Load what can be loaded: what is missing is told by the session that cannot be made."""
    onnxruntime.preload_dlls()
    packages = Path(onnxruntime.__file__).parent.parent / "nvidia"
    for builtins in sorted(packages.glob("*/lib/libnvrtc-builtins.so*")):
        try:
            ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue


def why_no_cuda(onnxruntime: Any, build: str | None) -> str:
    """Say why nothing can run on a GPU here, before any session is made; empty: nothing is known to be in the way."""
    if build is None or CUDA not in onnxruntime.get_available_providers():
        return f"ONNX Runtime {onnxruntime.__version__} is its CPU build"
    device, why = first_device()
    return why if device is None else ""


def open_session(onnxruntime: Any, model: str, device: str, *, build: str | None, profile: Path | None = None) -> Any:
    """Open a model on `cpu` or `cuda`. `profile`: a prefix of the file that end_profiling writes.

    Raises ProbeFailure: cause `no-gpu` where there is none or the build is the CPU's; cause `provider` where there is
    one, and the session is not on it; cause `model` where the model cannot be loaded.
    """
    on_cuda = device.partition(":")[0] == "cuda"
    if on_cuda and (why := why_no_cuda(onnxruntime, build)):
        raise ProbeFailure(f"there is no GPU to run on: {why}", {"cause": "no-gpu"})
    options = _options(onnxruntime)
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    # TF32 has 10 bits of mantissa, and would drift the phase of the harmonics.
    providers: list[Any] = [(CUDA, {"use_tf32": "0"}), CPU] if on_cuda else [CPU]
    try:
        session = onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except Exception as error:  # its exceptions share no base but this
        cause = "provider" if on_cuda else "model"
        raise ProbeFailure(f"{model} cannot be opened on {device}: {error}", {"cause": cause}) from error
    found = session.get_providers()
    if on_cuda and found[:1] != [CUDA]:
        text = f"the session was asked for {CUDA} and has {', '.join(found)}: the provider could not be loaded"
        raise ProbeFailure(text, {"cause": "provider", "providers": found})
    return session


def _options(onnxruntime: Any) -> Any:
    """Take threads and waiting as OpenMP's variables have them: ONNX Runtime has its own, and spins."""
    options = onnxruntime.SessionOptions()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal():
        options.intra_op_num_threads = int(threads)
    if os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE":
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def read_profile(path: Path) -> dict[str, Any]:
    """Count the nodes that ran, by provider: `nodes` all of them, `computing` those in which nearly all the work is.

    `computing_elsewhere` counts the operators of those that were not on CUDA.
    """
    events = json.loads(path.read_text(encoding="utf-8"))
    ran = [
        (str(event["args"]["provider"]), str(event["args"]["op_name"]))
        for event in events
        if event.get("cat") == "Node" and str(event.get("name", "")).endswith("_kernel_time")
    ]
    computing = [(provider, operator) for provider, operator in ran if any(part in operator for part in _COMPUTING)]
    return {
        "nodes": dict(Counter(provider for provider, _ in ran)),
        "computing": dict(Counter(provider for provider, _ in computing)),
        "computing_elsewhere": dict(Counter(operator for provider, operator in computing if provider != CUDA)),
    }
