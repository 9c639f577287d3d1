"""Folders and archives of sources: their names by content, and nothing that lands outside."""

from __future__ import annotations

import io
import os
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.builds import archives
from scripts.builds.archives import require_hash, unpack
from scripts.builds.tree import copy_tree, tree_digest
from scripts.errors import IntegrityError, UsageError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    (made / "inner").mkdir(parents=True)
    (made / "setup.py").write_text("setup()\n")
    (made / "inner" / "code.c").write_text("int x;\n")
    (made / "link").symlink_to("inner/code.c")
    return made


def _linked(path: Path, to: str) -> Path:
    path.symlink_to(to)
    return path


def changed(change: Callable[[Path], object], source: Path) -> bool:
    before = tree_digest(source)
    change(source)
    return tree_digest(source) != before


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda source: (source / "setup.py").write_text("other\n"),
    "a name": lambda source: (source / "setup.py").rename(source / "setup2.py"),
    "a mode": lambda source: (source / "setup.py").chmod(0o755),
    "a new file": lambda source: (source / "inner" / "new.c").touch(),
    "a link": lambda source: _linked(source / "new", "setup.py").replace(source / "link"),
}
LEFT_OVERS: dict[str, Callable[[Path], object]] = {
    name: lambda source, name=name: ((source / name).mkdir(), (source / name / "x").touch())  # type: ignore[misc]
    for name in ("build", "dist", ".git", "__pycache__", "demo.egg-info")
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_another_source(change: str, source: Path) -> None:
    assert changed(CHANGES[change], source)


@pytest.mark.parametrize("left", LEFT_OVERS)
def test_what_a_build_leaves_is_none(left: str, source: Path) -> None:
    assert not changed(LEFT_OVERS[left], source)


def test_a_copy_is_the_same_source(source: Path, tmp_path: Path) -> None:
    (source / "build").mkdir()
    copy_tree(source, tmp_path / "copy")
    assert tree_digest(tmp_path / "copy") == tree_digest(source)
    assert not (tmp_path / "copy" / "build").exists()


def test_a_link_that_leads_out(source: Path) -> None:
    (source / "out").symlink_to("/etc/hostname")
    with pytest.raises(UsageError) as caught:
        tree_digest(source)
    assert caught.value.reference == "link-leads-out"


def test_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"")
    require_hash(path, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    with pytest.raises(IntegrityError) as caught:
        require_hash(path, "0" * 64)
    assert "e3b0c442" in caught.value.context


def tar(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """A member whose content is text is a link that leads there."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def packed(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"1")
    return path


def test_the_top_folder_is_left_out(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a.tar.gz", ("demo-1.0/setup.py", b"1"), ("demo-1.0/x/y", b"2")), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["setup.py", "x"]


def test_without_one_all_of_it(tmp_path: Path) -> None:
    unpack(packed(tmp_path / "a.zip", "setup.py", "x/y"), tmp_path / "out")
    assert (tmp_path / "out" / "x" / "y").read_bytes() == b"1"


BAD: dict[str, Callable[[Path], Path]] = {
    "a path that leads up": lambda folder: tar(folder / "a.tar.gz", ("../evil", b"1")),
    "an absolute path in a zip": lambda folder: packed(folder / "a.zip", "/evil"),
    "a path that leads up in a zip": lambda folder: packed(folder / "a.zip", "x/../../evil"),
    "a link that leads out": lambda folder: tar(folder / "a.tar.gz", ("x", "/etc"), ("x/evil", b"1")),
    "cut off": lambda folder: _cut(tar(folder / "a.tar.gz", ("x", os.urandom(9000)))),
    "no archive": lambda folder: _written(folder / "a.tar.gz", b"hello"),
    "damaged in the middle of a zip": lambda folder: _damaged(deflated(folder / "a.zip"), 50),
    "damaged in the middle of a tar.xz": lambda folder: _damaged(random_tar(folder / "a.tar.xz"), 25_000),
    "an encrypted zip": lambda folder: _encrypted(deflated(folder / "a.zip")),
    "a damaged zip": lambda folder: _written(folder / "a.zip", b"PK\x05\x06" + b"\xff" * 18),
}


def _cut(path: Path) -> Path:
    return _written(path, path.read_bytes()[:4000])


def deflated(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", "hello " * 10_000)
    return path


def random_tar(path: Path) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        info = tarfile.TarInfo("x")
        info.size = 50_000
        archive.addfile(info, io.BytesIO(random.Random(1).randbytes(info.size)))
    return path


def _damaged(path: Path, at: int) -> Path:
    data = bytearray(path.read_bytes())
    data[at : at + 50] = b"\xff" * 50
    return _written(path, bytes(data))


def _encrypted(path: Path) -> Path:
    """Set the bit that says so, in both of a member's headers."""
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    return _written(path, bytes(data))


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_unpacked(what: str, tmp_path: Path) -> None:
    path = BAD[what](tmp_path)
    with pytest.raises(IntegrityError) as caught:
        unpack(path, tmp_path / "deep" / "out")
    assert caught.value.reference == "bad-archive"
    assert not list(tmp_path.rglob("evil"))


def test_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_BYTES", 10)
    with pytest.raises(IntegrityError):
        unpack(tar(tmp_path / "a.tar.gz", ("x", b"1" * 11)), tmp_path / "out")
    monkeypatch.setattr(archives, "_MOST_FILES", 1)
    with pytest.raises(IntegrityError):
        unpack(packed(tmp_path / "a.zip", "a", "b"), tmp_path / "out2")
