"""A fact: where its text comes from, and the parser that turns the text into a value.

The parser is a pure function and runs nothing, so that a table of captured outputs tests it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from scripts.shell import ProgramNotFoundError, Runner

T = TypeVar("T")

Reader: TypeAlias = Callable[[str], "str | None"]
"""Gives a file's text, None where there is none: `read_text`, or a table in a test."""


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A command and the parser of what a terminal would show: its stdout, then its stderr."""

    command: tuple[str, ...]
    parse: Callable[[str], T]
    timeout: float = 5.0
    """Seconds."""

    def ask(self, run: Runner, environ: Mapping[str, str]) -> T | None:
        """Run the command and parse its text, whatever it exits with. None: no such program."""
        try:
            done = run(self.command, env={**environ, "LC_ALL": "C"}, timeout=self.timeout)
        except (ProgramNotFoundError, OSError):
            # OSError: there is such a file, but it is no program for this machine (wrong architecture, not allowed).
            return None
        late = "" if done.returncode is not None else f"no answer within {self.timeout:g} s"
        return self.parse("\n".join(part for part in (done.stdout.rstrip("\n"), done.stderr.strip(), late) if part))


@dataclass(frozen=True)
class Document(Generic[T]):
    """A file and the parser of its text."""

    path: str
    parse: Callable[[str], T]

    def read(self, read: Reader) -> T | None:
        """Parse the file. None: there is no such file."""
        text = read(self.path)
        return None if text is None else self.parse(text)


def read_text(path: str) -> str | None:
    """Read a file's text; None where it is not there or cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
