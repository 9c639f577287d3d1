from __future__ import annotations

import struct
from pathlib import Path

import pytest

from scripts.errors import IntegrityError
from scripts.model.target import GB10, ComputeCapability
from scripts.wheels.architectures import code_runs
from scripts.wheels.devicecode import DeviceCode, read_device_code, runs_on
from scripts.wheels.fatbin import fatbins

# One small kernel, compiled by nvcc 13.0 as tests/data/fatbins/README.md says.
FATBINS = Path(__file__).parents[2] / "data" / "fatbins"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.so", "sm_80 sm_90 sm_120 sm_121a compute_120 compute_121a"),
        ("compressed.so", "sm_90a sm_100f sm_120f compute_120f"),
        ("relocatable.so", "sm_120 compute_120"),
        ("bare.fatbin", "sm_90a sm_120f compute_120f"),
    ],
)
def test_what_nvcc_wrote(name: str, content: str) -> None:
    assert read_device_code(FATBINS / name) == DeviceCode(library=name, fatbins={content: 1})


def test_several_fatbins_with_padding_between(tmp_path: Path) -> None:
    one = (FATBINS / "bare.fatbin").read_bytes()
    path = tmp_path / "many.fatbin"
    path.write_bytes(one + bytes(24) + one + bytes(8))
    found = read_device_code(path)
    assert found.total == 2
    assert (found.cubins, found.ptx) == ({"sm_90a": 2, "sm_120f": 2}, {"compute_120f": 2})


def test_a_library_without_device_code(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes((FATBINS / "plain.so").read_bytes().replace(b".nv_fatbin\0", b".no_fatbin\0"))
    found = read_device_code(path)
    assert (found.total, found.cubins, found.ptx) == (0, {}, {})
    assert not runs_on(found, GB10).runs


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a library",
        b"\x7fELF",
        (FATBINS / "bare.fatbin").read_bytes()[:-500],  # its header promises more
        (FATBINS / "bare.fatbin").read_bytes()[:30],
    ],
)
def test_a_damaged_library_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "libtorch_cuda.so"
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"libtorch_cuda\.so") as caught:
        read_device_code(path)
    assert caught.value.reference == "bad-library"


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"gone\.so"):
        read_device_code(tmp_path / "gone.so")


@pytest.mark.parametrize(
    ("arch", "capability", "runs"),
    [
        ("sm_120", "12.1", True),
        ("sm_120", "12.0", True),
        ("sm_121", "12.0", False),
        ("sm_90", "12.1", False),
        ("sm_100", "12.1", False),
        ("sm_80", "8.9", True),
        ("sm_121a", "12.1", True),
        ("sm_120a", "12.1", False),
        ("sm_120f", "12.1", True),
        ("sm_121f", "12.0", False),
        ("sm_100f", "11.0", False),
        ("compute_90", "12.1", True),
        ("compute_121", "12.0", False),
        ("compute_90a", "12.1", False),
        ("compute_120f", "12.1", True),
        ("compute_100f", "12.1", False),
    ],
)
def test_the_rule(arch: str, capability: str, *, runs: bool) -> None:
    assert code_runs(arch, ComputeCapability.parse(capability)) is runs


def library(**fatbins: int) -> DeviceCode:
    return DeviceCode(library="lib.so", fatbins={content.replace("__", " "): n for content, n in fatbins.items()})


@pytest.mark.parametrize(
    ("code", "runs", "by", "covered"),
    [
        (library(sm_90__sm_120=475, sm_90__sm_120__sm_121a=1), True, "cubin sm_120", 476),
        (library(sm_80__sm_90=100), False, "none", 0),
        (library(sm_80__compute_90=100), True, "PTX compute_90", 100),
        (library(sm_120=60, compute_90=40), True, "cubin sm_120", 100),
        (library(sm_90=475, sm_121a=1), False, "cubin sm_121a", 1),  # one kernel is not the library
        (library(sm_120=400, sm_90a=59), True, "cubin sm_120", 400),  # and 59 for another GPU do not spoil it
        (library(sm_80=600, sm_120=161), True, "cubin sm_120", 161),  # a fatbin for each architecture
        (library(), False, "none", 0),
    ],
)
def test_a_library_on_gb10(code: DeviceCode, by: str, covered: int, *, runs: bool) -> None:
    answer = runs_on(code, GB10)
    assert (answer.runs, answer.by, answer.covered) == (runs, by, covered)


EMPTY = b"\x50\xed\x55\xba" + bytes([1, 0, 16, 0]) + bytes(8)


@pytest.mark.parametrize("gap", [bytes(4) + b"\1\1\1\1", bytes(12) + b"\1\1\1\1"])
def test_what_is_neither_padding_nor_a_fatbin_ends_it(tmp_path: Path, gap: bytes) -> None:
    path = tmp_path / "lib.fatbin"
    path.write_bytes(EMPTY + gap * 9)
    with pytest.raises(IntegrityError, match="is no fatbin"):
        read_device_code(path)


def test_small_gaps_cost_little_reading() -> None:
    data = (EMPTY + bytes(8)) * 10_000 + bytes(100_000)
    asked = []

    def read(position: int, length: int) -> bytes:
        asked.append(length)
        return data[position : position + length]

    assert sum(1 for _ in fatbins(read, 0, len(data))) == 10_000
    assert sum(asked) < 3 * len(data)


def test_sections_that_overlap_are_damage(tmp_path: Path) -> None:
    """Thousands of them, each the whole of a large file, would be read for hours."""
    names = b"\0.nv_fatbin\0.shstrtab\0"
    table = 64 + len(names) + len(EMPTY)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 4, 1)
    strings = struct.pack("<IIQQQQIIQQ", 12, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    section = struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, 64 + len(names), len(EMPTY), 0, 0, 8, 0)
    path = tmp_path / "lib.so"
    path.write_bytes(header + names + EMPTY + bytes(64) + strings + section * 2)
    with pytest.raises(IntegrityError, match="overlap"):
        read_device_code(path)
