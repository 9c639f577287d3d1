"""Which library a torch's undefined symbols belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import BuildError
from tests.simulated_gpu.symbols import Import, LibrarySymbols, Standin, read_library, standins
from tests.support.elves import FATBINS


def library(
    name: str = "libtorch_cuda.so", *, needed: tuple[str, ...] = (), imports: tuple[Import, ...] = (), **values: str
) -> LibrarySymbols:
    defined = frozenset(values.get("defined", "").split())
    return LibrarySymbols(name=name, needed=needed, imports=imports, defined=defined)


def versioned(name: str, soname: str, version: str = "") -> Import:
    return Import(name, version or soname, soname)


def test_the_version_names_the_library() -> None:
    found = standins(
        [
            library(
                needed=("libcudart.so.13", "libnvshmem_host.so.3"),
                imports=(
                    versioned("cudaMalloc", "libcudart.so.13"),
                    versioned("nvshmem_malloc", "libnvshmem_host.so.3", "NVSHMEM"),
                ),
            )
        ]
    )
    assert found == (
        Standin(soname="libcudart.so.13", imports=(("cudaMalloc", "libcudart.so.13"),)),
        Standin(soname="libnvshmem_host.so.3", imports=(("nvshmem_malloc", "NVSHMEM"),)),
    )


@pytest.mark.parametrize(
    ("name", "soname"),
    [
        ("cuLaunchKernel", "libcuda.so.1"),
        ("cuFileRead", "libcufile.so.0"),
        ("cusparseLtInit", "libcusparseLt.so.0"),
        ("ncclSend", "libnccl.so.2"),
        ("__cudaGetKernel", "libcudart.so.13"),
        ("cublasLtMatmul", "libcublasLt.so.13"),
    ],
)
def test_without_a_version_the_prefix_names_it(name: str, soname: str) -> None:
    every = (
        "libcuda.so.1",
        "libcufile.so.0",
        "libcusparse.so.12",
        "libcusparseLt.so.0",
        "libnccl.so.2",
        "libcudart.so.13",
        "libcublas.so.13",
        "libcublasLt.so.13",
    )
    found = {one.soname: one.imports for one in standins([library(needed=every, imports=(Import(name),))])}
    assert found.pop(soname) == ((name, ""),)
    assert set(found.values()) == {()}, "a library of which nothing is imported is stood in for too"


def test_what_is_not_stood_in_for() -> None:
    read = [
        library(
            needed=("libc10.so", "libnvrtc.so.13", "libc.so.6", "ld-linux-aarch64.so.1", "libgomp.so.1", "libz.so.1"),
            imports=(
                versioned("nvrtcVersion", "libnvrtc.so.13"),
                versioned("memcpy", "libc.so.6", "GLIBC_2.17"),
                versioned("GOMP_parallel", "libgomp.so.1", "GOMP_4.0"),
                Import("_ZNSt9exceptionD2Ev"),
                Import("PyList_New"),
                Import("cuttlefish"),
            ),
        ),
        library("libc10.so", defined="cuttlefish"),
    ]
    assert standins(read) == ()


@pytest.mark.parametrize(
    ("needed", "imported", "said"),
    [
        ((), Import("cuQuantumCreate"), "cuQuantumCreate"),
        ((), versioned("cudssCreate", "libcudss.so.0"), "cudssCreate@libcudss.so.0"),
        (("libcudss.so.0",), Import("_ZSt4cout"), "libcudss.so.0"),
        (("libcudart.so.13",), Import("frobnicate"), "frobnicate"),
    ],
)
def test_what_is_not_known_is_named(needed: tuple[str, ...], imported: Import, said: str) -> None:
    with pytest.raises(BuildError) as caught:
        standins([library(needed=needed, imports=(imported,))])
    assert caught.value.reference == "unknown-imports"
    assert caught.value.context == said


def test_the_stem_is_the_name_without_its_version() -> None:
    assert Standin(soname="libcublasLt.so.13", imports=()).stem == "libcublasLt"


def test_a_real_library_is_read() -> None:
    read = read_library(FATBINS / "plain.so")
    assert read.name == "plain.so"
    assert read.needed == ("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6")
    assert Import("__gxx_personality_v0", "CXXABI_1.3", "libstdc++.so.6") in read.imports
    assert not {"__gmon_start__", ""} & {one.name for one in read.imports}, "weak ones are left out"


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "missing"])
def test_a_damaged_library_is_named(damage: str, tmp_path: Path) -> None:
    library = tmp_path / "libtorch_cuda.so"
    whole = (FATBINS / "plain.so").read_bytes()
    if damage != "missing":
        library.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "text": b"<html>"}[damage])
    with pytest.raises(BuildError) as caught:
        read_library(library)
    assert caught.value.reference == "unreadable-library"
    assert str(library) in caught.value.message
    assert caught.value.hint
