"""Is the device code of a wheel what was asked for, and does it miss a library."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.builds.arch import parse_archs
from scripts.operations.wheel_judging import device_code_problems, missing_libraries
from scripts.wheels.passport import LibraryPassport

LIBRARY = LibraryPassport(library="demo/_C.so", size=1, packed=1, known="read here")
PROVIDED = ("libc10*.so", "libtorch*.so", "libcudart.so.*")


def holding(*cubins: str, ptx: tuple[str, ...] = ()) -> LibraryPassport:
    return replace(LIBRARY, cubins=dict.fromkeys(cubins, 1), ptx=dict.fromkeys(ptx, 1))


@pytest.mark.parametrize(
    ("asked", "libraries"),
    [
        ("12.1a", [holding("sm_121a")]),
        ("12.1a", [holding("sm_121a"), LIBRARY]),
        ("9.0;12.1a", [holding("sm_90", "sm_121a")]),
        ("9.0+PTX", [holding("sm_90", ptx=("compute_90",))]),
    ],
)
def test_exactly_what_was_asked_for(asked: str, libraries: list[LibraryPassport]) -> None:
    assert device_code_problems(libraries, parse_archs(asked), needed=True) == []


@pytest.mark.parametrize(
    ("libraries", "problem"),
    [
        ([holding("sm_121")], "has sm_121, which was not asked for"),
        ([holding("sm_121a", "sm_90")], "has sm_90, which was not asked for"),
        ([holding("sm_121a"), holding("sm_90")], "has no sm_121a"),
        ([holding("sm_121a", ptx=("compute_121",))], "has PTX for compute_121, which was not asked for"),
        ([LIBRARY], "no library holds any device code"),
        ([], "no library holds any device code"),
    ],
)
def test_what_was_not(libraries: list[LibraryPassport], problem: str) -> None:
    assert any(problem in one for one in device_code_problems(libraries, parse_archs("12.1a"), needed=True))


def test_ptx_that_was_asked_for_and_is_not_there() -> None:
    problems = device_code_problems([holding("sm_90")], parse_archs("9.0+PTX"), needed=True)
    assert problems == ["demo/_C.so has no compute_90"]


def test_a_wheel_that_need_hold_none() -> None:
    assert device_code_problems([LIBRARY], (), needed=False) == []


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        ("libc10_cuda.so (nobody known provides it)", []),
        ("libcudart.so.13 (in nvidia-cuda-runtime, which is not required)", []),
        ("libodd.so.1 (nobody known provides it)", ["libodd.so.1 (nobody known provides it): needed by demo/_C.so"]),
    ],
)
def test_libraries_that_nobody_brings(missing: str, found: list[str]) -> None:
    assert missing_libraries([replace(LIBRARY, missing=(missing,))], PROVIDED) == found
