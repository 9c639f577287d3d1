"""What constraints/ pins, as drift reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import IntegrityError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.target import SUPPORTED_PYTHONS, Architecture
from scripts.operations.drift_pins import DEFAULT, Pinned, read_pinned
from scripts.wheels.lanes import load_lanes

LANES = load_lanes(CONSTRAINTS / "lanes.toml")
A, B = f"--hash=sha256:{'a' * 64}", f"--hash=sha256:{'b' * 64}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.txt").write_text(f"attrs==26.1.0 {A}\n")
    (tmp_path / "dev.txt").write_text(f"attrs==26.1.0 {A}\n")
    (tmp_path / "kokoro-aarch64-cp312.txt").write_text(f"attrs==26.1.0 {A} {B}\nkokoro==0.9.4 {A}\n")
    (tmp_path / "kokoro-x86_64-cp312.txt").write_text(f"kokoro==0.9.10 {B}\n")
    (tmp_path / "pypi-aarch64-cp312.txt").write_text(f"torch==2.15.0 {A}\n")
    (tmp_path / "cu130-aarch64-cp312.txt").write_text(f"torch==2.15.0+cu130 {A}\nfilelock==3.20 {A}\n")
    (tmp_path / "lock.toml").write_text('[unlocked]\ncu126 = "out of reach"\n')
    return tmp_path


def read(folder: Path, only: str | None = None) -> Pinned:
    return read_pinned(folder, LANES, only)


def test_every_release_once(folder: Path) -> None:
    found = read(folder)
    assert [one.locks for one in found.releases if one.project == "attrs"] == [
        ("toolkit.txt", "dev.txt"),
        ("kokoro-aarch64-cp312.txt",),
    ], "other hashes are another pin"
    assert found.versions("kokoro") == ("0.9.4", "0.9.10")
    assert found.hashes("attrs", "26.1.0") == {"a" * 64, "b" * 64}
    assert found.unlocked == {"cu126"}
    assert found.rest


def test_torch_comes_from_its_lane_and_the_rest_from_the_default_index(folder: Path) -> None:
    found = read(folder)
    assert found.projects("cu130") == ("torch",)
    assert "filelock" in found.projects(DEFAULT)
    assert {name for name, pins in found.torch.items() if pins} == {"pypi", "cu130"}
    ((target, version),) = found.torch["cu130"].items()
    assert (target.architecture, target.python, version) == (Architecture.AARCH64, SUPPORTED_PYTHONS[0], "2.15.0+cu130")


def test_only_what_is_asked(folder: Path) -> None:
    found = read(folder, "cu130")
    assert [source.name for source in found.sources] == ["cu130"]
    assert {one.project for one in found.releases} == {"torch", "filelock"}
    assert not found.rest
    assert read(folder, "kokoro").sources == ()
    with pytest.raises(UsageError) as caught:
        read(folder, "cu999")
    assert caught.value.reference == "unknown-lock"


@pytest.mark.parametrize("text", [b"attrs>=26", b"attrs==26.1.0\n", b"\xff\xfe"])
def test_a_damaged_lock_is_named(folder: Path, text: bytes) -> None:
    (folder / "toolkit.txt").write_bytes(text)
    with pytest.raises(IntegrityError) as caught:
        read(folder)
    assert caught.value.reference == "bad-lock"
    assert "toolkit.txt" in caught.value.message


def test_lock_toml_is_read_with_care(folder: Path) -> None:
    (folder / "lock.toml").write_text('unlocked = "none"\n')
    assert read(folder).unlocked == frozenset()
    (folder / "lock.toml").unlink()
    assert read(folder).unlocked == frozenset()
    (folder / "lock.toml").write_text("[unlocked\n")
    with pytest.raises(IntegrityError) as caught:
        read(folder)
    assert caught.value.reference == "bad-table"


def test_this_checkout() -> None:
    found = read(CONSTRAINTS)
    assert {path.name for path in CONSTRAINTS.glob("*.txt")} == {name for one in found.releases for name in one.locks}
    assert found.versions("kokoro")
    assert found.versions("misaki")
