"""Can this Triton compile for the target? Needs no GPU. Kokoro does not need Triton: torch.compile does."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure

VARIABLES = ("TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Compile a tiny kernel for `capability` (`12.1`), through Triton's own ptxas.

    Raises ProbeFailure where there is no Triton, or it cannot.
    """
    try:
        triton = importlib.import_module("triton")
    except ImportError as error:
        raise ProbeFailure(f"triton cannot be imported: {error}") from error
    major, minor = str(request["capability"]).split(".")
    folder = Path(str(triton.__file__)).parent / "backends" / "nvidia" / "bin"
    detail: dict[str, Any] = {
        "triton": triton.__version__,
        "target": f"sm_{major}{minor}",
        "ptxas": sorted(str(path) for path in folder.glob("ptxas*")),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }
    try:
        kernel = _compile(triton, int(major) * 10 + int(minor))
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        text = " ".join(lines[:6])[:600]
        raise ProbeFailure(f"{type(error).__name__}: {text}", detail) from error
    detail["stages"] = sorted(name for name in kernel.asm if name in {"ttir", "ttgir", "llir", "ptx", "cubin"})
    detail["ptx_target"] = next(
        (line.split()[1] for line in str(kernel.asm["ptx"]).splitlines() if line.startswith(".target")), None
    )
    return detail


def _compile(triton: Any, capability: int) -> Any:
    """Compile scripts/inside/triton_kernel.py for one capability, counted as Triton counts: 121."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from scripts.inside.triton_kernel import double

    kernel = triton.jit(double)
    source = ASTSource(
        fn=kernel,
        signature={"source": "*fp32", "target": "*fp32", "BLOCK": "constexpr"},
        constexprs={"BLOCK": 128},
    )
    return triton.compile(source, target=GPUTarget("cuda", capability, 32))
