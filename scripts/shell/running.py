"""run(argv): a command to its end, its output kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.shell.processes import echo, find, kill_group, live, read


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What a command did. `returncode` is negative for a signal; None where it was ended for its time."""

    argv: tuple[str, ...]
    returncode: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        """It exited 0."""
        return self.returncode == 0


class Runner(Protocol):
    """What facts and operations take instead of this module, so that tests can script it."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        """See run."""
        ...


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    tee: bool = False,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a command to its end and return what it did, whatever its exit code.

    `env` is the whole environment (None: ours). `timeout` is in seconds; a child that overstays is killed with
    its group and reported with returncode None. `pass_fds` stay open in the child: a lock handed down this way is
    held until the last child is gone, even if we are killed.

    Raises ProgramNotFoundError where there is no such program.
    """
    program = find(argv[0], env)
    echo(argv)
    start = time.monotonic()
    screen = _Screen() if tee and sys.stderr.isatty() else None
    process = subprocess.Popen(
        [program, *argv[1:]],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if screen is None else screen.child_end,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
    )
    live.add(process)
    try:
        stdout, stderr, in_time = _collect(process, screen, None if timeout is None else start + timeout)
        if not in_time:
            kill_group(process, signal.SIGKILL)
        process.wait()
    except BaseException:
        kill_group(process, signal.SIGTERM)
        process.wait()
        raise
    finally:
        live.discard(process)
    return Completed(
        argv=tuple(argv),
        returncode=process.returncode if in_time else None,
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        seconds=time.monotonic() - start,
    )


class _Screen:
    """A pseudo-terminal for the child's stderr: it draws its bars, we pass them on and keep the text."""

    def __init__(self) -> None:
        self.our_end, self.child_end = os.openpty()
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(sys.stderr.fileno())
            packed = struct.pack("HHHH", size.lines, size.columns, 0, 0)
            fcntl.ioctl(self.our_end, termios.TIOCSWINSZ, packed)

    def close_child_end(self) -> None:
        os.close(self.child_end)


def _collect(
    process: subprocess.Popen[bytes], screen: _Screen | None, deadline: float | None
) -> tuple[bytes, bytes, bool]:
    """Read both streams until they close. The last value is False where the deadline passed first."""
    if process.stdout is None:
        raise AssertionError("stdout is always a pipe")
    out = process.stdout.fileno()
    if screen is None:
        err = -1 if process.stderr is None else process.stderr.fileno()
    else:
        screen.close_child_end()
        err = screen.our_end
    kept = {out: bytearray(), err: bytearray()}
    try:
        in_time = _drain(kept, shown=None if screen is None else err, deadline=deadline)
    finally:
        if screen is not None:
            os.close(screen.our_end)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    return bytes(kept[out]), bytes(kept[err]), in_time


def _drain(kept: dict[int, bytearray], *, shown: int | None, deadline: float | None) -> bool:
    """Fill `kept` from its descriptors until all close; pass `shown` on to our stderr. False: out of time."""
    with selectors.DefaultSelector() as selector:
        for descriptor in kept:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            for key, _ in selector.select(left):
                chunk = read(key.fd)
                if not chunk:
                    selector.unregister(key.fd)
                    continue
                kept[key.fd] += chunk
                if key.fd == shown:
                    sys.stderr.buffer.write(chunk)
                    sys.stderr.flush()
    return True
