"""The first real error among a build's lines: what compilers, linkers and build tools say, and what is none."""

from __future__ import annotations

import pytest

from scripts.builds.first_error import first_error, is_error, killed_unit

# Each as its program printed it: gcc 12.2, nvcc 13.2, ld 2.40, CMake 4.4, ninja 1.13, Python 3.11, pyproject build 1.6.
ERRORS = [
    "unit_1.c:1:27: error: 'nowhere' undeclared (first use in this function)",
    "/src/a.cpp:3:10: fatal error: missing.h: No such file or directory",
    'two.cu(2): error: identifier "nowhere" is undefined',
    '/src/csrc/two.cu(12): catastrophic error: cannot open source file "x.h"',
    "nvcc fatal   : Unsupported gpu architecture 'compute_20'",
    "nvcc error   : 'cicc' died due to signal 9 (Kill signal)",
    "ptxas fatal   : Unresolved extern function 'f'",
    "ptxas /src/bad.ptx, line 4; error   : Not a name of any known instruction: 'foo'",
    "nvlink fatal   : Could not open input file 'nowhere.o'",
    "aarch64-linux-gnu-g++: error: unrecognized command-line option '-mavx'",
    "cc1: fatal error: nowhere.c: No such file or directory",
    "cc1plus: error: unrecognized command-line option '-fnot'",
    'ccache: error: Could not find compiler "-MMD" in PATH',
    "/usr/bin/ld: cannot find -ltorch_cuda: No such file or directory",
    "a.cpp:(.text+0x5): undefined reference to `f()'",
    "CMake Error at CMakeLists.txt:3 (find_package):",
    "ninja: error: build.ninja:31: multiple rules generate scale.o",
    "make[1]: *** [Makefile:2: all] Error 1",
    "ModuleNotFoundError: No module named 'torch'",
    "ValueError: Unknown CUDA arch (12.1f) or GPU not supported",
    "error: command '/usr/bin/gcc' failed with exit code 1",
    "OSError: [Errno 28] No space left on device",
    "ERROR Missing dependencies:",
]
OTHERS = [
    "g++ -Werror=format-security -Wno-error -c a.cpp -o error.o",
    "[3/9] ccache nvcc -c errors.cu -o errors.o -Werror cross-execution-space-call",
    "warning: build_py: byte-compiling is disabled, skipping.",
    "a.cpp:3:10: warning: unused variable 'error' [-Wunused-variable]",
    "a.cpp:3:10: note: declared here",
    "ninja: build stopped: subcommand failed.",
    "RuntimeError: Error compiling objects for extension",
    "subprocess.CalledProcessError: Command '['ninja', '-v']' returned non-zero exit status 1.",
    "ERROR Backend subprocess exited when trying to invoke build_wheel",
    "copying errors.py -> build/lib/errors.py",
    "-- Looking for error.h - found",
]


@pytest.mark.parametrize("line", ERRORS)
def test_an_error(line: str) -> None:
    assert is_error(line)


@pytest.mark.parametrize("line", OTHERS)
def test_no_error(line: str) -> None:
    assert not is_error(line)


def test_the_first_with_what_is_said_about_it() -> None:
    lines = [
        *OTHERS,
        ERRORS[0],
        "    1 | int unit_1(void) { return nowhere; }",
        "      |                ^",
        *ERRORS[1:],
    ]
    told = first_error(lines)
    assert told is not None
    assert told.splitlines()[:2] == [ERRORS[0], "    1 | int unit_1(void) { return nowhere; }"]
    assert len(told.splitlines()) == 5


def test_where_it_was_included_from() -> None:
    lines = ["In file included from a.cpp:1:", ERRORS[1]]
    assert first_error(lines) == "\n".join(lines)


def test_none() -> None:
    assert first_error(OTHERS) is None
    assert first_error([]) is None


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("g++: fatal error: Killed signal terminated program cc1plus", "cc1plus"),
        ("g++: internal compiler error: Killed (program cc1plus)", "cc1plus"),
        ("nvcc error   : 'cicc' died due to signal 9 (Kill signal)", "cicc"),
        ("nvcc error   : 'ptxas' died due to signal 9 (Kill signal)", "ptxas"),
        ("collect2: fatal error: ld terminated by signal 9 [Killed]", "a compiler"),
        ("Killed", "a compiler"),
    ],
)
def test_what_was_killed(line: str, program: str) -> None:
    assert killed_unit(["compiling", line, "compilation terminated."]) == program


@pytest.mark.parametrize("line", [*OTHERS, ERRORS[0], "nvcc error   : 'cicc' died due to signal 11 (Invalid memory)"])
def test_what_was_not_killed(line: str) -> None:
    assert killed_unit([line]) is None
