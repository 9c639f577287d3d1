"""The kernel cache that an application would use: what lies in it for a GPU. It never decides.

A kernel found there is loaded without NVRTC, so a cache that was filled elsewhere hides a failing NVRTC, and helps.
Verify's own probes have an empty cache each. Where torch keeps it is read: aten/src/ATen/native/cuda/jit_utils.cpp.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.model.evidence import JitKernel, Observation, Outcome
from scripts.model.target import ComputeCapability
from scripts.redaction import redact
from scripts.verification.census import parse
from scripts.verification.evidence import Evidence

PROBE = "kernel-cache"
SWITCH = "USE_PYTORCH_KERNEL_CACHE"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the Jiterator keeps its kernels, and the variable that says so."""

    folder: Path | None
    """None: nowhere, every process compiles anew."""
    chosen_by: str


def cache_place(environ: Mapping[str, str]) -> Place:
    """Tell where torch would keep kernels, by the environment that it starts in."""
    if environ.get(SWITCH) == "0":
        return Place(folder=None, chosen_by=f"{SWITCH}=0")
    if "PYTORCH_KERNEL_CACHE_PATH" in environ:
        return Place(folder=Path(environ["PYTORCH_KERNEL_CACHE_PATH"]), chosen_by="PYTORCH_KERNEL_CACHE_PATH")
    if "XDG_CACHE_HOME" in environ:
        return Place(folder=Path(environ["XDG_CACHE_HOME"]) / "torch" / "kernels", chosen_by="XDG_CACHE_HOME")
    if "HOME" in environ:
        return Place(folder=Path(environ["HOME"]) / ".cache" / "torch" / "kernels", chosen_by="HOME")
    return Place(folder=None, chosen_by="no HOME")


def observe_kernel_cache(environ: Mapping[str, str], capabilities: Sequence[ComputeCapability]) -> Observation:
    """Look into the folder and count, for each capability, its kernels by the NVRTC that compiled them.

    `kernels` maps `12.1` to `13.2` to operations; `files` counts the kernels for any architecture.
    """
    place = cache_place(environ)
    detail: dict[str, Any] = {"folder": None, "chosen_by": place.chosen_by, "files": 0, "kernels": {}}
    if place.folder is None:
        return Observation(probe=PROBE, outcome=Outcome.PASSED, detail=detail)
    detail["folder"] = redact(str(place.folder))
    try:
        found = _kernels(place.folder)
    except OSError as error:
        why = f"{detail['folder']} cannot be read: {error.strerror}"
        return Observation(probe=PROBE, outcome=Outcome.FAILED, detail=detail, error=why)
    detail |= {"files": len(found), "kernels": group(found, capabilities)}
    return Observation(probe=PROBE, outcome=Outcome.PASSED, detail=detail)


def _kernels(folder: Path) -> list[JitKernel]:
    """List the kernels in a folder; one that does not exist holds none."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone are wanted
    except FileNotFoundError:
        return []
    return [kernel for name in sorted(names) if (kernel := parse(name)) is not None]


def group(kernels: Iterable[JitKernel], capabilities: Iterable[ComputeCapability]) -> dict[str, dict[str, list[str]]]:
    """Sort the kernels for these capabilities by architecture and NVRTC; operations in order, each once."""
    wanted = {str(capability) for capability in capabilities}
    groups: dict[str, dict[str, list[str]]] = {}
    for one in kernels:
        if one.architecture in wanted:
            operations = groups.setdefault(one.architecture, {}).setdefault(one.nvrtc, [])
            if one.operation not in operations:
                operations.append(one.operation)
    return groups


def cache_notes(evidence: Evidence) -> tuple[str, ...]:
    """Note what an application would find there; nothing where it would find nothing."""
    kernels = evidence.fact(PROBE, "kernels") or {}
    folder = evidence.fact(PROBE, "folder")
    return tuple(
        f"the kernel cache {folder} holds kernels for compute capability {architecture} ({held_words(held)}): an "
        "application whose torch has that NVRTC and finds its kernel there does not ask NVRTC for it; verify's probes "
        "do not use that cache"
        for architecture, held in kernels.items()
    )


def held_words(held: Mapping[str, Sequence[str]]) -> str:
    """Say what is held for one architecture: `of NVRTC 13.2: abs, exp`."""
    return "; ".join(f"of NVRTC {nvrtc}: {', '.join(operations)}" for nvrtc, operations in held.items())
