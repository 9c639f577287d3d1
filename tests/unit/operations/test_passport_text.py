from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest

from scripts.model.target import GB10
from scripts.operations.passport_text import passport_lines, size_words
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.passport import Fit, LibraryPassport, with_code
from scripts.wheels.record import RecordReport
from tests.support.passports import CUDA, FILE, library, passport


def text(**changes: Any) -> str:
    return "\n".join(passport_lines(passport(**changes)))


def unfolded(found: str) -> str:
    return " ".join(found.split())


def test_what_a_person_wants_to_know() -> None:
    lines = passport_lines(passport())
    assert lines[0] == FILE
    assert max(map(len, lines)) <= 120
    found = unfolded("\n".join(lines))
    for words in (
        "GPU 12.1: runs by the same-major rule (torch/lib/libtorch_cuda.so: 476 of 476 fatbins",
        "rule: a cubin, and PTX with suffix `f`, runs on its own major and the same or a higher minor",
        "target cp312 linux aarch64 glibc 2.39: fits",
        "CUDA 13.2 (lane cu132)",
        "NVRTC 13.2.86: compiles for sm_121 (measured 2026-11-24)",
        "Triton 3.9.0: its ptxas was not measured",
        "driver not known for CUDA 13.2",
        "size 483.7 MB, 3 libraries of 1,540.5 MB unpacked",
        "RECORD 9 entries for 9 files: agrees",
        "torch/lib/libtorch_cuda.so: 513.5 MB, 476 fatbins, read here",
        "sm_80 x476, sm_90 x476, sm_100 x476, sm_110 x476, sm_120 x476, sm_121a x1, no PTX",
        "PTX compute_120 x3",
        "no fatbins, read here: torch/lib/libc10.so",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fits": False, "fits_why": "cp312 x86_64: wrong platform"}, "does not fit, cp312 x86_64: wrong platform"),
        ({"cuda": None, "lane": "cpu", "nvrtc": None, "triton": None}, "CUDA none required: a CPU-only build"),
        ({"cuda": None, "lane": None, "nvrtc": None}, "CUDA none required by its metadata"),
        ({"cuda_told": False}, "CUDA not known, for its metadata does not say which release"),
        ({"driver": "580", "driver_packaged": "595.45.04"}, "compile PTX, 595.45.04, which came with CUDA 13.2"),
        ({"triton_how": "its ptxas 13.2.1 assembles"}, "Triton 3.9.0: its ptxas 13.2.1 assembles driver"),
        ({"triton": None}, "Triton none pinned"),
        ({"nvrtc_compiles": False}, "13.2.86: refuses sm_121"),
        ({"nvrtc_compiles": None}, "13.2.86: sm_121: not known"),
        ({"driver": "580.65.06"}, "driver 580.65.06 or newer"),
        ({"sha256": None}, "sha256 not known"),
        ({"requests": 4, "bytes_read": 2_000_000}, "read 2.0 MB in 4 requests"),
        ({"built_for": "sm_80 sm_120"}, "built for sm_80 sm_120 (torch.cuda.get_arch_list())"),
        ({"record": None}, "RECORD there is not one"),
        ({"record": RecordReport(entries=9, files=8, absent=("a",))}, "9 entries for 8 files: 1 disagreement"),
        ({"record": RecordReport(entries=1, files=1, hashes_read=True)}, "1 entry for 1 file: agrees with the wheel's"),
        ({"record": RecordReport(entries=9, files=9, hashes_read=True)}, "directory: names, sizes and hashes"),
        ({"record": RecordReport(entries=9, files=9)}, "names and sizes (hashes were not read)"),
        ({"record": RecordReport(entries=9, files=9, wrong_hashes=("a", "b"))}, "9 files: 2 disagreements"),
        ({"requests": 1, "bytes_read": 32_592}, "read 32.6 kB in 1 request"),
        (
            {"cuda": None, "cuda_needed": "13", "cuda_needed_by": "libcudart.so.13"},
            "CUDA 13 by libcudart.so.13, which it",
        ),
        ({"cuda": None, "cuda_needed": "13", "driver": "580"}, "driver 580 or newer"),
        ({"part": "317 of 609"}, "runs by the same-major rule, in part: 317 of 609 (torch/lib/libtorch_cuda.so: 476"),
        ({"problems": ("a.so: broken",)}, "problems - a.so: broken"),
        ({"notes": ("look here",)}, "notes - look here"),
    ],
)
def test_what_else_may_be_said(changes: dict[str, Any], words: str) -> None:
    assert words in unfolded(text(**changes))


def test_a_library_alone_has_no_wheel_s_lines() -> None:
    found = text(fits=None, name=None, record=None)
    assert "CUDA" not in found.replace("CUDA Programming", "")
    assert "RECORD" not in found


def test_what_was_not_read_and_what_is_missing() -> None:
    unread = library("torch/lib/a.so", None, known="not read: --download")
    needy = dataclasses.replace(library("torch/lib/b.so", CUDA), missing=("libodd.so.1 (nobody known provides it)",))
    found = unfolded("\n".join(passport_lines(passport(unread, needy))))
    assert "device code not read: torch/lib/a.so" in found
    assert (
        "neither in the wheel nor required by it (its extras apart) - libodd.so.1 (nobody known provides it): by b.so"
        in found
    )


def test_a_terminal_is_not_told_what_to_do() -> None:
    found = "\n".join(passport_lines(passport(library("a\x1b[2J\n.so", CUDA), notes=("\x9b31m",))))
    assert "\\x1b[2J" in found
    assert not any(one in found for one in "\x1b\x9b")


def test_no_device_code_and_no_credentials() -> None:
    found = passport_lines(
        passport(library("a.so", DeviceCode(library="a.so")), source="https://user:secret@wheels.example/a.whl")
    )
    assert "12.1: no device code" in found[1]
    assert "secret" not in "\n".join(found)


def test_the_rule_only_where_there_is_something_to_judge() -> None:
    for fit in (None, Fit.UNKNOWN):
        found = text(fit=fit, why="nothing is known", decided_by=None)
        assert "a cubin, and PTX with suffix" not in unfolded(found)
        assert "nothing is known" in found


def test_a_library_of_another_system_has_a_line_of_its_own() -> None:
    mach = with_code("a.so", None, GB10, size=9, packed=9, known="read here", foreign="Mach-O")
    found = unfolded("\n".join(passport_lines(passport(mach))))
    assert "no ELF library (Mach-O): a.so" in found
    assert "no fatbins" not in found


@pytest.mark.parametrize("libraries", [(), (library("a.so", None, problem="broken"),)])
def test_no_two_blank_lines(libraries: tuple[LibraryPassport, ...]) -> None:
    lines = passport_lines(passport(*libraries, problems=("a.so: broken",)))
    assert not any(first == second == "" for first, second in pairwise(lines))


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0.0 kB"), (512, "0.5 kB"), (32_592, "32.6 kB"), (99_999, "100.0 kB"), (100_000, "0.1 MB")]
)
def test_sizes(size: int, words: str) -> None:
    assert size_words(size) == words
