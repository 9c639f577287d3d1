"""Damaged libraries: ELF headers, section headers, fatbins and their entries that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import example, given

from scripts.errors import IntegrityError
from scripts.wheels.devicecode import DeviceCode, read_device_code
from scripts.wheels.fatbin import HEADER, MAGIC, architectures, fatbins
from tests.support.elves import SEEDS
from tests.support.fuzzing import CPU_SECONDS, mutated, outcome

pytestmark = pytest.mark.fuzz


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "libtorch_cuda.so"


@given(data=mutated(SEEDS))
@example(data=b"\x7fELF")
def test_libraries(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    found = outcome(lambda: read_device_code(path))
    assert isinstance(found, DeviceCode | IntegrityError)


@given(data=mutated([SEEDS[-1]]))
def test_a_fatbin_ends_after_little_reading(data: bytes) -> None:
    """Each fatbin read costs its headers, and each gap between two at most twice its length."""
    asked = 0

    def read(position: int, length: int) -> bytes:
        nonlocal asked
        asked += length
        return data[position : position + length]

    def act() -> list[str]:
        try:
            return [architectures(read, first, end) for first, end in fatbins(read, 0, len(data))]
        except (ValueError, struct.error):
            return []

    outcome(act)
    assert asked <= 4 * len(data) + 1024, f"{asked} bytes of {len(data)} were read"


HOLE = 64 << 20
"""Bytes without content: on disk they take nothing."""


@pytest.mark.parametrize(
    "pattern",
    [
        bytes(8),
        bytes(4) + b"\1\1\1\1",  # neither padding nor a fatbin
        bytes(12) + b"\1\1\1\1",
        HEADER.pack(int.from_bytes(MAGIC, "little"), 1, HEADER.size, 0) + bytes(16),  # empty fatbins
    ],
)
def test_much_of_the_same(path: Path, pattern: bytes) -> None:
    start = HEADER.pack(int.from_bytes(MAGIC, "little"), 1, HEADER.size, 0)
    with path.open("wb") as stream:
        stream.write(start + pattern * (1 << 18))
        stream.truncate(HOLE)
    assert isinstance(outcome(lambda: read_device_code(path)), DeviceCode | IntegrityError), CPU_SECONDS


def test_sections_that_say_the_same_again_and_again(path: Path) -> None:
    """Twenty thousand sections that are all `.nv_fatbin`, each the whole of a large file: days, if all were read."""
    names = b"\0.nv_fatbin\0.shstrtab\0"
    count = 20_000
    empty = HEADER.pack(int.from_bytes(MAGIC, "little"), 1, HEADER.size, 0) * 4096
    table = 64 + len(names) + len(empty)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, count, 1)
    strings = struct.pack("<IIQQQQIIQQ", 12, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    fatbin = struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, 64 + len(names), len(empty), 0, 0, 8, 0)
    path.write_bytes(header + names + empty + bytes(64) + strings + fatbin * (count - 2))
    assert isinstance(outcome(lambda: read_device_code(path)), DeviceCode | IntegrityError)
