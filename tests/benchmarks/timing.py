"""Timing commands, several of them in turn, so that a busy moment meets all alike."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.home import CHECKOUT
from scripts.shell import Completed, run


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured of one thing, in `unit`: seconds, MiB, MB, or a count."""

    name: str
    unit: str
    values: tuple[float, ...]
    reference: str = ""
    """The name of the figure it is set beside."""
    ratio: float | None = None
    """Of the medians."""
    bound: str = ""
    """What the project promises, in words."""
    within: bool | None = None

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)


def bounded(name: str, unit: str, values: tuple[float, ...], bound: float) -> Figure:
    """Set a figure beside what the project promises: the median is at most `bound`."""
    within = statistics.median(values) <= bound
    return Figure(name=name, unit=unit, values=values, bound=f"{bound:g} {unit}".strip(), within=within)


def checked(argv: Sequence[str], environ: Mapping[str, str], *, allowed: tuple[int, ...] = (0,)) -> Completed:
    """Run a command. Ends the benchmark where it fails."""
    done = run(argv, env=environ, cwd=CHECKOUT)
    if done.returncode not in allowed:
        sys.exit(f"{' '.join(argv)} failed:\n{done.stderr[-2000:]}")
    return done


def seconds_of(work: Callable[[], Sequence[Completed]]) -> float:
    """Time some commands by the clock of the door they go through."""
    return sum(done.seconds for done in work())


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time, user and system, of all that `work` starts: it grows little where neighbours are busy."""
    before = os.times()
    work()
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def in_turn(times: int, *works: Callable[[int], float]) -> list[tuple[float, ...]]:
    """Do every work once, then all again; `work` gets the round's number."""
    rounds = [[work(number) for work in works] for number in range(times)]
    return [tuple(column) for column in zip(*rounds, strict=True)]


def invoke(*arguments: str) -> list[str]:
    """A task as a person starts it."""
    return [sys.executable, "-m", "invoke", *arguments]


def peak_mib(arguments: Sequence[str], environ: Mapping[str, str], *, allowed: tuple[int, ...] = (0,)) -> float:
    """The largest resident size of the host process itself, without its children (uv, probes)."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "peak.json"
        checked([sys.executable, "-m", "tests.benchmarks.host", str(out), *arguments], environ, allowed=allowed)
        return float(json.loads(out.read_text())) / 1024
