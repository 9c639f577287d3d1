"""One writer at a time, by flock: released by the kernel when its holders are gone, however they went.

The lock's descriptor is handed to the children that write (shell.run's pass_fds), so that a killed setup whose uv
is still at work keeps the lock until that uv has ended too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.disk import disk_errors
from scripts.errors import BusyError

_POLL_SECONDS = 0.2


@contextmanager
def locked(path: Path, *, wait_seconds: float, waiting: Callable[[str], None]) -> Iterator[int]:
    """Hold the lock; the value is its descriptor.

    `waiting` is told once who holds it, if anyone does. `wait_seconds` 0 gives up at once.

    Raises BusyError when the time is over.
    """
    end = time.monotonic() + wait_seconds
    descriptor = _open(path)
    try:
        _acquire(descriptor, path, end=end, waiting=waiting)
        while not _is_at(descriptor, path):  # env.purge deleted the file while we waited for it
            os.close(descriptor)
            descriptor = _open(path)
            _acquire(descriptor, path, end=end, waiting=waiting)
        with disk_errors(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"pid {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether the open file is the one that others find under its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _acquire(descriptor: int, path: Path, *, end: float, waiting: Callable[[str], None]) -> None:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
        else:
            return
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
        if time.monotonic() >= end:
            raise BusyError(
                f"{path.stem} is being worked on by {holder}",
                reference="busy",
                hint="wait for it to end, or end that process; `--wait SECONDS` waits longer",
            )
        if not told:
            waiting(holder)
            told = True
        time.sleep(_POLL_SECONDS)
