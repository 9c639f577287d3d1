"""One writer at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.environments.locking import locked
from scripts.errors import BusyError, ExitCode


def ignore(_: str) -> None:
    pass


def test_the_holder_is_named_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "cpu-1.lock"
    with locked(path, wait_seconds=0, waiting=ignore) as descriptor:
        assert path.read_text(encoding="utf-8").startswith(f"pid {os.getpid()} since ")
        assert os.fstat(descriptor).st_ino == path.stat().st_ino


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "cpu-1.lock"
    told: list[str] = []
    with (
        locked(path, wait_seconds=0, waiting=ignore),
        pytest.raises(BusyError, match=f"cpu-1 is being worked on by pid {os.getpid()}") as caught,
        locked(path, wait_seconds=0, waiting=told.append),
    ):
        pass
    assert (caught.value.exit_code, caught.value.reference) == (ExitCode.BUSY, "busy")
    assert told == []


def test_one_that_waits_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "cpu-1.lock"
    told: list[str] = []
    with (
        locked(path, wait_seconds=0, waiting=ignore),
        pytest.raises(BusyError),
        locked(path, wait_seconds=0.3, waiting=told.append),
    ):
        pass
    assert len(told) == 1
    assert told[0].startswith(f"pid {os.getpid()}")


def test_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "cpu-1.lock"
    with pytest.raises(RuntimeError), locked(path, wait_seconds=0, waiting=ignore):
        raise RuntimeError
    with locked(path, wait_seconds=0, waiting=ignore):
        pass


def test_a_lock_whose_file_was_deleted_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "cpu-1.lock"
    with locked(path, wait_seconds=0, waiting=ignore):
        path.unlink()
        with locked(path, wait_seconds=0, waiting=ignore) as descriptor:
            assert os.fstat(descriptor).st_ino == path.stat().st_ino
