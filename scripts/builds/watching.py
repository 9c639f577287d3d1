"""Watching a build: its progress, its first error as soon as it is there, and the flags that reach nvcc."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from scripts.builds.compdb import is_nvcc, judge_commands, nvcc_commands
from scripts.builds.first_error import first_error, is_error, killed_unit
from scripts.builds.ninja import estimate, parse_progress, unit_of
from scripts.model.recipes import Arch
from scripts.progress import build_bar, say
from scripts.shell import Runner

Advance: TypeAlias = Callable[[int, int, float | None, str], None]

_KEPT = 40
"""Lines after the first error that are kept: what a compiler says about it."""
_LOOK_SECONDS = 2.0
_FIRST_SECONDS = 60.0
"""How often a compile database is looked for, in the first minute and after it: torch's tree is large."""
_PATIENCE = 60.0
_DATABASES = ("build.ninja", "compile_commands.json")


class Watch:
    """One attempt's watcher: `line` and `tick` are for shell.stream."""

    def __init__(self, folder: Path, archs: Sequence[Arch], *, ninja: str, run: Runner, cuda: bool) -> None:
        self._folder, self._archs, self._ninja, self._run = folder, tuple(archs), ninja, run
        self._cuda = cuda
        self._started = self._looked = time.monotonic()
        self._seen: dict[Path, float] = {}
        self._after: deque[str] = deque(maxlen=_KEPT)
        self._said = False
        self._judged = 0
        self._advance: Advance = _nothing
        self.killed: str | None = None
        """What the system ended."""
        self.problems: tuple[str, ...] = ()
        """What is wrong with the flags that reach nvcc: the build is ended for it."""

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show progress for as long as the build runs."""
        with build_bar("compiling") as advance:
            self._advance = advance
            yield
        self._advance = _nothing

    def line(self, line: str) -> None:
        """Take one line of the build's output."""
        progress = parse_progress(line)
        if progress is not None:
            done, total = progress
            self._advance(done, total, estimate(done, total, time.monotonic() - self._started), unit_of(line))
        if self._cuda and not self.problems and is_nvcc(command := line.partition("] ")[2] or line):
            self._judged += 1
            self.problems = judge_commands([command], self._archs)
        if self.killed is None:
            self.killed = killed_unit([line])
        if self._after or is_error(line):
            if len(self._after) < _KEPT:
                self._after.append(line)
            if not self._said and len(self._after) > 1:
                self._say()

    def tick(self) -> str | None:
        """Look after the build; a text is the reason to end it."""
        if self._after and not self._said:
            self._say()
        if self._cuda and not self.problems:
            self._look()
        return "; ".join(self.problems) or None

    @property
    def error(self) -> str | None:
        """The first real error, with some lines around it."""
        return first_error(self._after)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be watched."""
        if self._cuda and not self._judged:
            return ("no command of nvcc was seen: its flags were not checked, the wheel's device code was",)
        return ()

    def _say(self) -> None:
        """Show the first error at once, while the other compilers are still at work."""
        self._said = True
        if self.killed is None and self.error:
            say(f"first error:\n{self.error}", style="red")

    def _look(self) -> None:
        """Judge each compile database that is new or was written again."""
        now = time.monotonic()
        often = now - self._started < _FIRST_SECONDS
        if now - self._looked < (_LOOK_SECONDS if often else _FIRST_SECONDS) and self._seen:
            return
        self._looked = now
        found = (one for name in _DATABASES for one in self._folder.rglob(name))
        for path in [one for one in found if "CMakeFiles" not in one.parts]:  # there CMake tries compilers out
            with contextlib.suppress(OSError):
                written = path.stat().st_mtime
                if self._seen.get(path) != written:
                    self._seen[path] = written
                    commands = nvcc_commands(self._database(path))
                    self._judged += len(commands)
                    self.problems = self.problems or judge_commands(commands, self._archs)

    def _database(self, path: Path) -> str:
        if path.name != "build.ninja":
            return path.read_text(encoding="utf-8", errors="replace")
        done = self._run([self._ninja, "-C", str(path.parent), "-t", "compdb"], timeout=_PATIENCE)
        text = done.stdout
        return text[text.find("[") :]  # before it ninja says which folder it entered


def _nothing(_done: int, _total: int, _left: float | None, _unit: str) -> None:
    """Show nothing."""
