"""Files whole or not at all, and what the operating system says when it cannot."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from scripts.disk import disk_error, disk_errors, write_if_changed, write_whole
from scripts.errors import DiskError, ExitCode


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EACCES, "not-writable"),
        (errno.EPERM, "not-writable"),
        (errno.EROFS, "not-writable"),
        (errno.ENOTDIR, "not-writable"),
        (errno.EISDIR, "not-writable"),
    ],
)
def test_disk_error(number: int, reference: str) -> None:
    error = disk_error(OSError(number, os.strerror(number)), Path("/data/x"))
    assert (error.exit_code, error.reference) == (ExitCode.DISK, reference)
    assert error.message == f"/data/x cannot be written: {os.strerror(number)}"
    assert "KOKORO_SPARK_HOME" in error.hint


def test_the_file_that_the_system_names_is_named() -> None:
    assert "/data/inner" in disk_error(OSError(errno.ENOSPC, "full", "/data/inner"), Path("/data")).message


def test_disk_errors() -> None:
    with pytest.raises(DiskError, match="/data/x") as caught, disk_errors(Path("/data/x")):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert isinstance(caught.value.__cause__, PermissionError)
    with pytest.raises(KeyError), disk_errors(Path("/data/x")):
        raise KeyError


def test_an_oserror_that_is_not_the_disk_s_passes() -> None:
    with pytest.raises(OSError, match="from a library"), disk_errors(Path("/data/x")):
        raise OSError("from a library")


def test_write_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    write_whole(path, "Grüße\n")
    write_whole(path, "世界\n")
    assert path.read_bytes() == "世界\n".encode()
    assert [one.name for one in path.parent.iterdir()] == ["file.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_whole(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError) as caught:
        write_whole(path, "new")
    assert caught.value.reference == "disk-full"
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_below_a_file_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError):
        write_whole(tmp_path / "file" / "inner.txt", "x")


def test_write_if_changed(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    assert write_if_changed(path, "one")
    before = path.stat()
    assert not write_if_changed(path, "one")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write_if_changed(path, "two")
    assert path.read_text() == "two"
