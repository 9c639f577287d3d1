"""Environment variables that people set for CUDA, and what each does and does not do for Kokoro. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.redaction import redact

MEANINGS = {
    "CUDA_HOME": "says where a toolkit is when extensions are built; torch's wheels load their own NVRTC by RPATH, so "
    "it does not change what the Jiterator can compile for",
    "CUDA_PATH": "as CUDA_HOME: for builds only",
    "LD_LIBRARY_PATH": "is searched after the RPATH of torch's wheels, so it does not replace their NVRTC; it decides "
    "for libraries without an RPATH, such as another libcuda.so.1",
    "LD_PRELOAD": "loads libraries before everything else: it can replace the driver, the CUDA runtime or NVRTC",
    "TRITON_PTXAS_PATH": "chooses the assembler of Triton up to 3.5 and no longer matters for Blackwell from 3.6 on; "
    "Kokoro without torch.compile does not use Triton",
    "TRITON_PTXAS_BLACKWELL_PATH": "chooses the assembler of Triton 3.6 and later for Blackwell; Kokoro without "
    "torch.compile does not use Triton",
    "PYTORCH_KERNEL_CACHE_PATH": "is where the Jiterator keeps compiled kernels; a kernel found there hides a failing "
    "NVRTC, so verify always uses a fresh folder instead",
    "USE_PYTORCH_KERNEL_CACHE": "0 makes the Jiterator compile every kernel in every process; it does not change what "
    "can be compiled",
    "TORCH_CUDA_ARCH_LIST": "matters only when CUDA code is built; a torch that is installed does not read it",
    "PYTORCH_JIT": "0 turns TorchScript off, which Kokoro does not use; the Jiterator is another system",
    "CUDA_VISIBLE_DEVICES": "chooses and orders the devices that torch sees; empty or -1 hides them all",
    "CUDA_DEVICE_ORDER": "decides which device is cuda:0",
    "CUDA_MODULE_LOADING": "decides when device code is loaded, not which",
    "CUDA_LAUNCH_BLOCKING": "1 makes errors appear where they happen, and everything slower",
    "CUDA_CACHE_DISABLE": "1 turns off the driver's cache of compiled PTX; torch's wheels for this GPU hold no PTX",
    "CUDA_FORCE_PTX_JIT": "1 makes the driver ignore cubins; torch's wheels hold no PTX for this GPU and then launch "
    "nothing",
    "PYTORCH_CUDA_ALLOC_CONF": "tunes the allocation of GPU memory; it has nothing to do with compiling kernels",
    "PYTORCH_ALLOC_CONF": "tunes the allocation of memory; it has nothing to do with compiling kernels",
    "NVRTC_FLAGS": "does not exist: NVRTC reads no such variable",
    "NVRTC_DISABLE_CONCURRENT_NVVM": "only turns off concurrent compiling inside NVRTC; architectures stay the same",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "sets the precision of matrix products, not what can be compiled; verify "
    "compares without TF32",
    "NVIDIA_TF32_OVERRIDE": "0 forbids TF32 in NVIDIA's libraries; precision, not what can be compiled",
    "NVIDIA_VISIBLE_DEVICES": "chooses the devices that a container gets",
}
_UNKNOWN_NVRTC = "is not a variable that NVRTC or torch is known to read"


_SHOWN = 120
"""Characters."""


def shown(value: str) -> str:
    """Leave out the middle of a long value, a list of paths as a rule; report.json has all of it."""
    left_out = len(value) - _SHOWN
    half = _SHOWN // 2
    return f"{value[:half]} [... {left_out} characters ...] {value[-half:]}" if left_out > 0 else value


def describe_variables(environ: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """List those that are set: name, value (without credentials) and what it does and does not do."""
    rows = []
    for name in sorted(environ):
        meaning = MEANINGS.get(name) or (_UNKNOWN_NVRTC if name.startswith("NVRTC_") else None)
        if meaning is not None:
            rows.append({"name": name, "value": redact(environ[name]), "meaning": meaning})
    return tuple(rows)
