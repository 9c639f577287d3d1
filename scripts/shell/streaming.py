"""stream(argv): a command that takes hours, followed line by line."""

from __future__ import annotations

import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.redaction import redact
from scripts.shell.processes import echo, find, kill_group, live, read

_TICK_SECONDS = 1.0
_GRACE_SECONDS = 5.0
"""How long a command may take to end after SIGTERM."""


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """What a command did whose output was followed. `stopped`: why we ended it; None: it ended by itself."""

    returncode: int
    seconds: float
    stopped: str | None = None


class Streamer(Protocol):
    """What builds take instead of `stream`, so that tests can script it and containers wrap it."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        on_line: Callable[[str], None],
        on_tick: Callable[[], str | None],
        pass_fds: Sequence[int] = (),
    ) -> Streamed:
        """See stream."""
        ...


def stream(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    on_line: Callable[[str], None],
    on_tick: Callable[[], str | None],
    pass_fds: Sequence[int] = (),
) -> Streamed:
    """Run a command for as long as it takes, and follow both its streams as one.

    Each line goes into `log`, which is added to, and to `on_line`, credentials out. `on_tick` is asked about once a
    second; a text that it gives is the reason to end the command. What outlives the command is ended with its group.

    Raises ProgramNotFoundError, and OSError where the log cannot be written.
    """
    program = find(argv[0], env)
    echo(argv)
    start = time.monotonic()
    with log.open("a", encoding="utf-8") as kept:
        process = subprocess.Popen(
            [program, *argv[1:]],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
        live.add(process)

        def take(line: str) -> None:
            clean = redact(line)
            kept.write(clean + "\n")
            kept.flush()
            on_line(clean)

        try:
            stopped = _follow(process, take, on_tick)
        except BaseException:
            kill_group(process, signal.SIGTERM)
            process.wait()
            raise
        finally:
            kill_group(process, signal.SIGKILL)
            process.wait()
            live.discard(process)
            if process.stdout is not None:
                process.stdout.close()
    return Streamed(returncode=process.returncode, seconds=time.monotonic() - start, stopped=stopped)


def _follow(
    process: subprocess.Popen[bytes], take: Callable[[str], None], on_tick: Callable[[], str | None]
) -> str | None:
    """Pass lines on until the command is gone and its pipe is empty; give the reason where it was ended."""
    assert process.stdout is not None, "it is always a pipe"
    descriptor, rest = process.stdout.fileno(), b""
    stopped, deadline, ticked = None, float("inf"), time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = selector.select(_TICK_SECONDS / 4)
            if ready:
                chunk = read(descriptor)
                *lines, rest = (rest + chunk).split(b"\n") if chunk else ([*rest.splitlines(), b""])
                for line in lines:
                    take(line.decode("utf-8", "replace").rstrip("\r"))
                if not chunk:
                    break
            elif process.poll() is not None:  # a grandchild holds the pipe open
                break
            now = time.monotonic()
            if stopped is None and now - ticked >= _TICK_SECONDS:
                ticked, stopped = now, on_tick()
                if stopped is not None:
                    kill_group(process, signal.SIGTERM)
                    deadline = now + _GRACE_SECONDS
            if now > deadline:
                kill_group(process, signal.SIGKILL)
                deadline = float("inf")
    process.wait()
    return stopped
