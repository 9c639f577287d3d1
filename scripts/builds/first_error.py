"""The first real error of a build, and what the system killed, out of ten thousand lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ERRORS = (
    r"^[^\s:][^:]*:\d+(?::\d+)?:\s+(?:fatal\s+)?error:\s",  # gcc, clang
    r"^[^\s(][^(]*\(\d+\):\s+(?:catastrophic\s+|fatal\s+)?error\b",  # nvcc's front end
    r"^nvcc (?:fatal|error)\b",
    r"^(?:ptxas|nvlink) (?:fatal|error)\b",
    r"^ptxas \S+, line \d+; (?:fatal|error)\b",
    r"^(?:\S*/)?(?:[\w.]+-)*(?:cc1plus|cc1|gcc|g\+\+|c\+\+|cicc|as|ccache): (?:fatal )?error:\s",
    r"^(?:\S*/)?ld(?:\.\S+)?: (?:cannot find|error|\S+: undefined reference)",
    r"undefined reference to ",
    r"^(?:\S*/)?ld: .*: file format not recognized",
    r"^CMake Error\b",
    r"^ninja: (?:error|fatal):",
    r"^make(?:\[\d+\])?: \*\*\* ",
    r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit): ",  # the last line of a Python traceback
    r"^ERROR (?!Backend subprocess exited)",  # build's own
    r"^error: ",  # setuptools
    r"No space left on device",
)
_ERROR = re.compile("|".join(f"(?:{one})" for one in _ERRORS))
_NOT_THE_CAUSE = re.compile(
    r"CalledProcessError|Error compiling objects for extension|ninja: build stopped|subprocess-exited-with-error"
)
"""What says only that something else failed."""

_KILLED = re.compile(
    r"Killed signal terminated program (?P<gcc>\S+)"
    r"|internal compiler error: Killed \(program (?P<old>\S+)\)"
    r"|'(?P<nvcc>[\w.]+)' died due to signal 9"
    r"|terminated by signal 9|\bKilled\s*$"
)
_AROUND = 4


def is_error(line: str) -> bool:
    """Tell whether a line is an error's own, not the echo of a flag or what follows from another error."""
    return bool(_ERROR.search(line)) and not _NOT_THE_CAUSE.search(line)


def first_error(lines: Iterable[str]) -> str | None:
    """Give the first error with some lines of what the compiler says about it; None: there is none."""
    kept: list[str] = []
    before = ""
    for line in lines:
        if kept:
            if len(kept) > _AROUND:
                break
            kept.append(line)
        elif is_error(line):
            kept = [before, line] if before.startswith(("In file included", "CMake Error")) else [line]
        before = line
    return "\n".join(kept).strip() or None


def killed_unit(lines: Iterable[str]) -> str | None:
    """Name the program that the system killed; `a compiler` where the line does not; None: none was."""
    for line in lines:
        found = _KILLED.search(line)
        if found:
            return found["gcc"] or found["old"] or found["nvcc"] or "a compiler"
    return None
