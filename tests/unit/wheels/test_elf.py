from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.errors import IntegrityError
from scripts.wheels.elf import ElfFacts, foreign_kind, read_elf

FATBINS = Path(__file__).parents[2] / "data" / "fatbins"
PLAIN = (FATBINS / "plain.so").read_bytes()


def test_what_a_library_says_of_itself() -> None:
    found = read_elf(FATBINS / "plain.so", hint="")
    needed = ("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6")
    assert found == ElfFacts(machine="x86_64", soname=None, needed=needed, data=18024)  # readelf -SW: .nv_fatbin


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty"),
        (b"GROUP ( libc.so.6 )\n", "text, as a linker script is"),
        (bytes.fromhex("cffaedfe0c000001"), "Mach-O"),
        (bytes.fromhex("cafebabe00000002"), "Mach-O"),
        (b"MZ\x90\0", "PE"),
        (b"\x7fEL", "unknown"),
    ],
)
def test_what_is_no_elf(head: bytes, kind: str) -> None:
    assert foreign_kind(head) == kind


@pytest.mark.parametrize(("number", "machine"), [(183, "aarch64"), (21, "EM_PPC64"), (60_000, "60000")])
def test_a_library_for_another_machine(tmp_path: Path, number: int, machine: str) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(PLAIN[:18] + struct.pack("<H", number) + PLAIN[20:])
    assert read_elf(path, hint="").machine == machine


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no library",
        b"\x7fELF",
        PLAIN[:200],
        PLAIN[:40] + b"\xff" * 8 + PLAIN[48:],  # where the section headers are
        PLAIN[:60] + b"\xff\xff" + PLAIN[62:],  # how many there are
        PLAIN[:62] + b"\xff\x00" + PLAIN[64:],  # which holds their names
    ],
)
def test_a_damaged_library_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "libtorch.so"
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"libtorch\.so") as caught:
        read_elf(path, hint="fetch it again")
    assert (caught.value.reference, caught.value.hint) == ("bad-library", "fetch it again")


def test_any_byte_of_the_headers_may_be_wrong(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    for position in range(64):
        path.write_bytes(PLAIN[:position] + bytes([PLAIN[position] ^ 0xFF]) + PLAIN[position + 1 :])
        with suppress(IntegrityError):
            read_elf(path, hint="")
