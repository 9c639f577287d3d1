"""Ask the very NVRTC that this torch loads: its version, its architectures, a real compile. Needs no GPU.

torch's Jiterator passes --gpu-architecture=sm_XY of the device, unclamped, and never asks for the supported list, so
the compile is the evidence and the list an illustration.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Any

from scripts.inside import loaded
from scripts.inside.failure import ProbeFailure

# What the Jiterator's kernels need of the compiler: a header-less C++ kernel with a device built-in.
KERNEL = b"""
extern "C" __global__ void magnitude(const float* re, const float* im, float* out, int count) {
  int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index < count) { out[index] = hypotf(re[index], im[index]); }
}
"""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Compile for every compute capability of `targets`, e.g. `["12.1"]`.

    `library` names another libnvrtc to ask instead of torch's. An architecture that does not compile is an answer
    (`compiles`, with NVRTC's code and log), not a failure.

    Raises ProbeFailure where no NVRTC can be found or loaded.
    """
    chosen = request.get("library")
    path, how = (str(chosen), "the request") if chosen else _of_torch()
    _preload_builtins(Path(path), others=bool(chosen))
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ProbeFailure(f"{path} cannot be loaded: {error}", {"library": path}) from error
    names = ["sm_" + str(target).replace(".", "") for target in request["targets"]]
    return {
        "library": os.path.realpath(path),
        "found_by": how,
        "version": _version(library),
        "supported": _supported(library),
        "compiles": {name: _compile(library, name) for name in names},
    }


def _of_torch() -> tuple[str, str]:
    """Find the libnvrtc that torch's Jiterator uses, and say how.

    The Jiterator goes through libcaffe2_nvrtc.so. That one also needs the driver's libcuda.so.1 and so does not load on
    a machine without a driver; then what it asks the dynamic linker for is read from it.
    """
    import torch

    if torch.version.cuda is None:
        raise ProbeFailure("this torch is a CPU-only build: it has no NVRTC", {"built_with_cuda": False})
    stub = Path(torch.__file__).parent / "lib" / "libcaffe2_nvrtc.so"
    how = ""
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(str(stub))
        how = "loaded by torch's libcaffe2_nvrtc.so"
        # Several may be mapped: one preloaded, which wins, and the wheel's, which `import torch` loads by its path.
        bound = loaded.file_of(library.nvrtcVersion) if hasattr(library, "nvrtcVersion") else None
        if bound is not None:
            return bound, how
    try:
        names, folders = loaded.needed(stub)
    except (OSError, ValueError) as error:
        names, folders = [], []
        if not how:
            raise ProbeFailure(f"torch's {stub.name} cannot be read: {error}", {"library": str(stub)}) from error
    wanted = [name for name in names if name.startswith("libnvrtc.so")]
    present = [path for path in loaded.mapped("libnvrtc.so") if not wanted or _same(path, wanted[0])]
    if present:
        return present[0], how or "loaded by torch"
    for folder in folders:
        if wanted and (Path(folder) / wanted[0]).exists():
            return str(Path(folder) / wanted[0]), f"the search path of {stub.name}"
    if wanted:
        return wanted[0], "the system's library path"
    raise ProbeFailure("torch loads no NVRTC", {"library": None})


def _same(path: str, wanted: str) -> bool:
    """Tell whether a mapped file answers to that name: `libnvrtc.so.12` may be mapped as libnvrtc.so.12.8.93."""
    name = os.path.basename(path)  # noqa: PTH119
    return name == wanted or name.startswith(wanted + ".")


def _preload_builtins(path: Path, *, others: bool) -> None:
    """Load libnvrtc-builtins beside another NVRTC, as an installed toolkit's library path would.

    Not for torch's own: whether torch's process finds them is part of the answer.
    """
    if others:
        for builtins in sorted(path.parent.glob("libnvrtc-builtins.so*")):
            try:
                ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
            except OSError:  # the compile then says so better than we could
                return


def _version(library: ctypes.CDLL) -> str:
    major, minor = ctypes.c_int(), ctypes.c_int()
    if library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)) != 0:
        raise ProbeFailure("NVRTC does not say its version")
    return f"{major.value}.{minor.value}"


def _supported(library: ctypes.CDLL) -> list[str] | None:
    """List NVRTC's own architectures. None: older than CUDA 11.2, which cannot say."""
    if not hasattr(library, "nvrtcGetSupportedArchs"):
        return None
    count = ctypes.c_int()
    if library.nvrtcGetNumSupportedArchs(ctypes.byref(count)) != 0:
        return None
    numbers = (ctypes.c_int * count.value)()
    if library.nvrtcGetSupportedArchs(numbers) != 0:
        return None
    return [f"sm_{number}" for number in numbers]


def _compile(library: ctypes.CDLL, architecture: str) -> dict[str, Any]:
    """Compile the kernel to SASS as the Jiterator does. `code` is the nvrtcResult."""
    program = ctypes.c_void_p()
    code = library.nvrtcCreateProgram(ctypes.byref(program), KERNEL, b"magnitude.cu", 0, None, None)
    if code != 0:
        return {"ok": False, "code": code, "name": _error_name(library, code), "log": "nvrtcCreateProgram failed"}
    options = (ctypes.c_char_p * 1)(f"--gpu-architecture={architecture}".encode())
    code = library.nvrtcCompileProgram(program, 1, options)
    log = _log(library, program)
    size = ctypes.c_size_t()
    if code == 0 and hasattr(library, "nvrtcGetCUBINSize"):
        library.nvrtcGetCUBINSize(program, ctypes.byref(size))
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return {
        "ok": code == 0,
        "code": code,
        "name": _error_name(library, code),
        "log": log,
        "cubin_bytes": size.value,
    }


def _log(library: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    if library.nvrtcGetProgramLogSize(program, ctypes.byref(size)) != 0 or size.value <= 1:
        return ""
    buffer = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, buffer)
    return buffer.value.decode("utf-8", "replace").strip()[:2000]


def _error_name(library: ctypes.CDLL, code: int) -> str:
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    name: bytes | None = library.nvrtcGetErrorString(code)
    return (name or b"").decode("utf-8", "replace")
