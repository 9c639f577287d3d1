from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from scripts.wheels.hashing import HashReport, hash_members

LARGE = bytes(range(256)) * 10_000
FILES = {"a.py": b"print()\n" * 100, "b.bin": LARGE, "empty": b"", "c.so": b"a library"}


def promise(data: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.fixture(params=[zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def wheel(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "demo.whl"
    with zipfile.ZipFile(path, "w", request.param) as archive:
        archive.mkdir("folder")
        for name, data in FILES.items():
            archive.writestr(name, data)
    return path


def hashed(path: Path, **promised: str) -> HashReport:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    hashes = {name: promise(data) for name, data in FILES.items()} | promised
    return hash_members(path, members, hashes, without={"c.so"})


def flipped(path: Path, name: str, at: int = 5) -> None:
    """Turn one bit of a member's compressed bytes over."""
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset + 30 + len(name) + at
    data = bytearray(path.read_bytes())
    data[start] ^= 1
    path.write_bytes(data)


def test_a_sound_wheel(wheel: Path) -> None:
    assert hashed(wheel) == HashReport()
    assert hashed(wheel, **{name: promise(data, "sha512") for name, data in FILES.items()}) == HashReport()
    assert hashed(wheel, **dict.fromkeys(FILES, "")) == HashReport()  # then the zip's checksum must do


def test_a_hash_that_is_false(wheel: Path) -> None:
    wrong = {"a.py": promise(b"other"), "b.bin": promise(b"other", "sha384"), "empty": promise(b" ")}
    assert sorted(hashed(wheel, **wrong).wrong) == ["a.py", "b.bin", "empty"]
    assert hashed(wheel, **{"c.so": promise(b"other")}) == HashReport()  # read elsewhere


@pytest.mark.parametrize("name", ["a.py", "b.bin"])
def test_a_bit_that_is_another(wheel: Path, name: str) -> None:
    flipped(wheel, name)
    for promised in (promise(FILES[name]), ""):
        found = hashed(wheel, **{name: promised})
        assert [*found.wrong, *(one.partition(":")[0] for one in found.damaged)] == [name]
    assert hashed(wheel, **{name: ""}).damaged


@pytest.mark.parametrize("name", ["a.py", "b.bin"])
@pytest.mark.parametrize("change", [-1, 1, 10_000_000])
def test_a_directory_that_lies_of_sizes(wheel: Path, name: str, change: int) -> None:
    data = bytearray(wheel.read_bytes())
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode())) + 24
    data[place : place + 4] = (len(FILES[name]) + change).to_bytes(4, "little")
    wheel.write_bytes(data)
    (found,) = hashed(wheel).damaged
    assert found.startswith(f"{name}: ")


def test_never_more_than_is_allowed(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.wheels.hashing.LARGEST", 1000)
    assert hashed(wheel).damaged == ("b.bin: it claims 2,560,000 bytes: more than 1,000 are not unpacked",)
    monkeypatch.setattr("scripts.wheels.hashing.LARGEST_IN_ALL", 900)
    assert hashed(wheel).damaged == ("b.bin: it claims 2,560,000 bytes: more than 100 are not unpacked",)


def test_a_file_that_was_cut_off(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = archive.infolist()
    wheel.write_bytes(wheel.read_bytes()[:100])
    assert len(hash_members(wheel, members, {}, without=()).damaged) >= 3
