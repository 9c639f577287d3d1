"""What both ways to run a command share: finding the program, the children that live, and their end."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from scripts.errors import BuildError
from scripts.redaction import redact

live: set[subprocess.Popen[bytes]] = set()
"""Every child that is running, each the leader of a group of its own."""
_settings = {"echo": False}


class ProgramNotFoundError(BuildError):
    """The program is not on the path."""


def set_echo(*, on: bool) -> None:
    """Print every command to stderr before it runs."""
    _settings["echo"] = on


def echo(argv: Sequence[str]) -> None:
    """Print a command at `verbose`."""
    if _settings["echo"]:
        sys.stderr.write("+ " + shlex.join(map(redact, argv)) + "\n")
        sys.stderr.flush()


def find(name: str, env: Mapping[str, str] | None) -> str:
    """Find a program on the PATH that the child will have."""
    program = shutil.which(name, path=None if env is None else env.get("PATH"))
    if program is None:
        raise ProgramNotFoundError(
            f"{name} was not found", reference="program-not-found", hint=f"install {name} or put it on PATH"
        )
    return program


def read(descriptor: int) -> bytes:
    """Read what there is; empty at the end."""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # a pseudo-terminal whose child is gone answers EIO, not end of file
        return b""


def kill_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def end_children(number: signal.Signals = signal.SIGTERM) -> None:
    """End every child that is still running, with its group. For signal handlers."""
    for process in list(live):
        kill_group(process, number)
