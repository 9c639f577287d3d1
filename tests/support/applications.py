"""Public applications in an environment, as docs/applications.md has them: its programs, and its server, started."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from scripts.home import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "applications.md"
SERVER = "wyoming-kokoro-torch"
CLIENT = f"A speech server: {SERVER}"
"""The heading that the client stands under."""
_HEADING = re.compile(r"^#{2,3} (.+)$")
_PATIENCE = 180.0
"""Seconds for a server to listen: it imports torch, transformers and spaCy first."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One block of Python. `line` is that of its fence, from 1."""

    heading: str
    line: int
    text: str


def programs(document: Path = DOCUMENT) -> tuple[Program, ...]:
    """Every block of Python of a document, with the heading that it stands under."""
    found, heading, start = [], "", 0
    lines = document.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if start and line == "```":
            found.append(Program(heading=heading, line=start, text="\n".join(lines[start : number - 1]) + "\n"))
            start = 0
        elif line == "```python":
            start = number
        elif not start and (match := _HEADING.match(line)):
            heading = match[1]
    return tuple(found)


def program(heading: str) -> str:
    """The program under a heading."""
    (found,) = (one.text for one in programs() if one.heading == heading)
    return found


def requirements() -> tuple[str, ...]:
    """What the document has installed for the server, as uv's `pip install --no-deps` takes it."""
    (line,) = (line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "uv pip install --no-deps" in line)
    return tuple(line.partition("--no-deps")[2].split())


def server_command(weights: Path, device: str, uri: str) -> tuple[str, ...]:
    """The server's command line in the document, after its name: with these weights, this device and this address."""
    data = ("--data-dir", str(weights), "--data-dir", str(weights / "voices"))
    return ("--voice", "af_heart", "--device", device, *data, "--uri", uri)


@contextmanager
def serving(argv: Sequence[str], address: Path, *, env: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a server that listens on the Unix socket `address`, with its words in `log`; it is killed at the end.

    On SIGTERM wyoming-kokoro-torch 3.2.0 was seen to go on.
    """
    with log.open("wb") as words:
        process = Popen(list(argv), env=dict(env), stdout=words, stderr=words)
    try:
        _wait(process, address, log)
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _wait(process: Popen[bytes], address: Path, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(address))
            except OSError:
                time.sleep(0.2)
            else:
                return
    raise AssertionError(f"the server does not listen ({process.poll()}): {log.read_text(errors='replace')[-2000:]}")
