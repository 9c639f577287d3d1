"""A passport made up for tests of what it looks like; the device code is that of torch 2.15.0's libtorch_cuda.so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scripts.model.target import GB10
from scripts.wheels.architectures import RULE
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.passport import LibraryPassport, Passport, most_device_code, with_code
from scripts.wheels.record import RecordReport

FILE = "torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl"
CUDA = DeviceCode(
    library="libtorch_cuda.so",
    fatbins={"sm_80 sm_90 sm_100 sm_110 sm_120": 475, "sm_80 sm_90 sm_100 sm_110 sm_120 sm_121a": 1},
)
SHMEM = DeviceCode(library="libtorch_nvshmem.so", fatbins={"sm_80 sm_90": 3, "sm_120 compute_120": 3})


def library(name: str, code: DeviceCode | None, *, known: str = "read here", problem: str = "") -> LibraryPassport:
    return with_code(name, code, GB10, size=513_500_000, packed=9, known=known, machine="aarch64", problem=problem)


def passport(*libraries: LibraryPassport, **changes: Any) -> Passport:
    """For GB10; without `libraries`, torch's."""
    held = libraries or (
        library("torch/lib/libtorch_cuda.so", CUDA),
        library("torch/lib/libtorch_nvshmem.so", SHMEM),
        library("torch/lib/libc10.so", DeviceCode(library="libc10.so")),
    )
    main = most_device_code(held)
    made = Passport(
        file=FILE,
        source=f"https://wheels.example/{FILE}",
        name="torch",
        version="2.15.0",
        tags=("cp312-cp312-manylinux_2_28_aarch64",),
        target="cp312 linux aarch64 glibc 2.39",
        fits=True,
        size=483_664_949,
        sha256="9e51" * 16,
        sha256_from="computed here",
        cuda="13.2",
        lane="cu132",
        nvrtc="13.2.86",
        nvrtc_compiles=True,
        nvrtc_how="measured 2026-11-24",
        triton="3.9.0",
        capability="12.1",
        rule=RULE,
        fit=None if main is None else main.fit,
        why="no device code" if main is None else main.why,
        decided_by=None if main is None else main.library,
        libraries=held,
        record=RecordReport(entries=9, files=9),
    )
    return replace(made, **changes)
