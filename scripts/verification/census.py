"""The census: which of Kokoro's operations torch compiled at run time, mode by mode. Pure.

Each probe has a kernel cache of its own, empty at its start, so the files in it are what it had compiled. Their names,
as torch's Jiterator writes them (read: aten/src/ATen/native/cuda/jit_utils.cpp):
`abs_kernel_vectorized2_arch12.1_nvrtc13.2_sass_45986_<sha1 of the source>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from scripts.model.evidence import JitKernel, ModeCensus, Observation, Outcome
from scripts.verification.causes import cause_of
from scripts.verification.evidence import ALL_MODES, Evidence, kokoro_name

_FILE = re.compile(
    r"(?P<name>\w+?)_arch(?P<architecture>\d+\.\d+)_nvrtc(?P<nvrtc>\d+\.\d+)_(?:sass|ptx)_\d+_[0-9a-f]{40}"
)
# A kernel that works element by element is `<operation>_kernel` and, where it reads several at once,
# `_vectorized<n>`; a reduction is `reduction_<operation>`.
_VARIANT = re.compile(r"(?:_kernel)?(?:_vectorized\d+)?$")


def parse(file_name: str) -> JitKernel | None:
    """Read the name of a file in the kernel cache; None: it is no kernel, or one that is being written."""
    found = _FILE.fullmatch(file_name)
    return None if found is None else JitKernel(operation=operation_of(found["name"]), **found.groupdict())


def operation_of(kernel: str) -> str:
    """Name the operation that a kernel does: `abs` of `abs_kernel_vectorized2`, `prod` of `reduction_prod`."""
    return _VARIANT.sub("", kernel, count=1).removeprefix("reduction_") or kernel


def take_census(evidence: Evidence) -> tuple[ModeCensus, ...]:
    """Count for each mode in which Kokoro was run on the GPU."""
    runs = ((mode, evidence.get(kokoro_name(mode, "cuda"))) for mode in ALL_MODES)
    return tuple(_count(mode, run) for mode, run in runs if run is not None and run.outcome is not Outcome.SKIPPED)


def _count(mode: str, run: Observation) -> ModeCensus:
    names = run.detail.get("kernels")
    found = (parse(str(name)) for name in (names if isinstance(names, list) else ()))
    kernels = tuple(sorted((one for one in found if one is not None), key=lambda one: (one.operation, one.name)))
    if run.outcome is Outcome.PASSED and isinstance(names, list):
        return ModeCensus(mode=mode, kernels=kernels, complete=True)
    return ModeCensus(mode=mode, kernels=kernels, complete=False, note=_why(run, known=isinstance(names, list)))


def _why(run: Observation, *, known: bool) -> str:
    """Say what ended a run, and at which operation."""
    cause = cause_of(run)
    if not known:
        return f"what it had compiled is not known: {cause or run.outcome}"
    refused = run.detail.get("refused_kernel")
    place = operation_of(str(refused)) if refused else str(run.detail.get("failed_operation") or "")
    where = f" at {place}" if place else ""
    if cause is not None and cause.is_nvrtc:
        return f"NVRTC refused{where}, and nothing after it was reached"
    return f"it failed{where} ({cause}), and nothing after that was reached"


def census_lines(census: Iterable[ModeCensus]) -> tuple[str, ...]:
    """Say a census in lines, one for each mode."""
    return tuple(f"{one.mode}: {mode_words(one)}" for one in census)


def mode_words(one: ModeCensus) -> str:
    """Say what one mode had compiled: `abs (abs_kernel_vectorized2), for compute capability 12.1 by NVRTC 13.2`."""
    told = kernel_words(one.kernels)
    if one.complete:
        return told or "none"
    return f"incomplete: {f'{told}, then ' if told else ''}{one.note}"


def kernel_words(kernels: Iterable[JitKernel]) -> str:
    """List kernels by operation, those of one architecture and NVRTC together; empty: there are none."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in kernels:
        groups.setdefault((one.architecture, one.nvrtc), {}).setdefault(one.operation, []).append(one.name)
    return "; ".join(
        ", ".join(f"{operation} ({', '.join(names)})" for operation, names in group.items())
        + f", for compute capability {architecture} by NVRTC {nvrtc}"
        for (architecture, nvrtc), group in groups.items()
    )
