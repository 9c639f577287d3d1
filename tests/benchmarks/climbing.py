"""What coming down the ladder costs beside asking for the rung where it ends: without a GPU that is `cpu`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.home import HOME_VARIABLE
from tests.benchmarks.timing import Figure, checked, in_turn, invoke

AUTO = ("setup", "--weights", "none")
NAMED = ("setup", "--strategy", "cpu", "--weights", "none")
ALLOWED_SECONDS = 2.0


@dataclass(frozen=True)
class Climbing:
    """A folder of our own, and how often."""

    folder: Path
    times: int

    def figures(self) -> list[Figure]:
        """A new environment each time, uv's cache warm; then one that is there already."""
        self.made("warming", NAMED)
        named, auto = in_turn(
            self.times, lambda n: self.made(f"named-{n}", NAMED), lambda n: self.made(f"auto-{n}", AUTO)
        )
        kept = self.environ("kept")
        for arguments in (NAMED, AUTO):
            checked(invoke(*arguments), kept)
        found_named, found_auto = in_turn(
            self.times,
            lambda _: checked(invoke(*NAMED), kept).seconds,
            lambda _: checked(invoke(*AUTO), kept).seconds,
        )
        shutil.rmtree(self.folder / "kept")
        return [*_beside("made", named, auto), *_beside("of what is there", found_named, found_auto)]

    def environ(self, home: str) -> dict[str, str]:
        """Ours, with a data root below the folder."""
        return {**os.environ, HOME_VARIABLE: str(self.folder / home)}

    def made(self, home: str, arguments: Sequence[str]) -> float:
        """A whole setup into a data root that does not exist yet."""
        seconds = checked(invoke(*arguments), self.environ(home)).seconds
        shutil.rmtree(self.folder / home)
        return seconds


def _beside(what: str, named: tuple[float, ...], auto: tuple[float, ...]) -> list[Figure]:
    reference = Figure(name=f"setup --strategy cpu, {what}", unit="s", values=named)
    measured = Figure(name=f"setup (auto), {what}", unit="s", values=auto)
    return [
        reference,
        Figure(
            name=measured.name,
            unit="s",
            values=auto,
            reference=reference.name,
            ratio=measured.median / reference.median,
            bound=f"{reference.name} + {ALLOWED_SECONDS:g} s",
            within=measured.median <= reference.median + ALLOWED_SECONDS,
        ),
    ]
