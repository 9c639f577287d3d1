"""What ninja tells: how far a build is, and how long each unit took. Pure."""

from __future__ import annotations

import re

from scripts.model.builds import UnitTime

_PROGRESS = re.compile(r"\[\s*(\d+)/(\d+)\s*\]\s*(.*)")
_OUTPUT = re.compile(r"(?:^|\s)-o\s+(\S+)")
_HEADER = "# ninja log v"
_MILLI = 1000.0


def parse_progress(line: str) -> tuple[int, int] | None:
    """Read `[12/345] ...`; None: it is no such line."""
    found = _PROGRESS.match(line.strip())
    if found is None:
        return None
    done, total = int(found[1]), int(found[2])
    return (done, total) if 0 < done <= total else None


def unit_of(line: str) -> str:
    """Name what a line of progress is about: the file that is made, else its last word."""
    rest = match[3] if (match := _PROGRESS.match(line.strip())) else line
    made = _OUTPUT.search(rest)
    words = rest.split()
    path = made[1] if made else (words[-1] if words else "")
    return path.rpartition("/")[2].strip("'\"")


def estimate(done: int, total: int, seconds: float) -> float | None:
    """Guess how many seconds are left, by those that are gone; None: too early to say."""
    return None if done < 2 else seconds / done * (total - done)


def read_ninja_log(text: str) -> tuple[UnitTime, ...]:
    """Read .ninja_log (versions 5 to 7): the last entry of each output, the slowest first."""
    if not text.startswith(_HEADER):
        return ()
    times: dict[str, float] = {}
    for line in text.splitlines()[1:]:
        fields = line.split("\t")
        if len(fields) == 5 and fields[0].isdigit() and fields[1].isdigit():
            times[fields[3]] = (int(fields[1]) - int(fields[0])) / _MILLI
    slowest = sorted(times.items(), key=lambda item: (-item[1], item[0]))
    return tuple(UnitTime(name=name.rpartition("/")[2], seconds=seconds) for name, seconds in slowest)
