"""What the compiler's words mean, and which compiler it is."""

from __future__ import annotations

import pytest

from scripts.errors import BuildError, DiskError
from scripts.model.target import Architecture
from scripts.shell import Completed
from tests.simulated_gpu.build import compile_failure, compiler_name


def failed(stderr: str, code: int = 1) -> Completed:
    return Completed(argv=("gcc",), returncode=code, stdout="", stderr=stderr, seconds=0.0)


@pytest.mark.parametrize(
    "words",
    [
        "/usr/bin/ld: final link failed: No space left on device",
        "Fatal error: can't close /tmp/ccX.o: No space left on device",
        "cc1: fatal error: Disk quota exceeded",
    ],
)
def test_a_full_disk_is_no_fault_of_the_sources(words: str) -> None:
    error = compile_failure(failed(words), "libcuda.so.1", compiler="gcc")
    assert isinstance(error, DiskError)
    assert (error.reference, error.context) == ("disk-full", words)
    assert "TMPDIR" in error.hint


def test_a_missing_header_comes_with_its_package() -> None:
    words = "fatal error: stdio.h: No such file or directory"
    error = compile_failure(failed(words), "libcuda.so.1", compiler="aarch64-linux-gnu-gcc")
    assert isinstance(error, BuildError)
    assert (error.reference, error.context) == ("simulator-build", words)
    assert "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross" in error.hint


def test_a_compiler_that_was_killed_said_nothing() -> None:
    error = compile_failure(failed("", -9), "libcuda.so.1", compiler="gcc")
    assert error.context == "gcc said nothing and ended with -9"


@pytest.mark.parametrize(
    ("architecture", "machine", "name"),
    [
        (Architecture.X86_64, "x86_64", "gcc"),
        (Architecture.AARCH64, "aarch64", "gcc"),
        (Architecture.AARCH64, "x86_64", "aarch64-linux-gnu-gcc"),
        (Architecture.X86_64, "aarch64", "x86_64-linux-gnu-gcc"),
    ],
)
def test_the_compiler_is_that_of_the_architecture(architecture: Architecture, machine: str, name: str) -> None:
    assert compiler_name(architecture, machine=machine) == name
