"""A path that a person gave: is it a file that can be read, and if not, what is it; as text of a bearable length."""

from __future__ import annotations

from pathlib import Path

from scripts.redaction import redact

LONGEST = 200
"""Characters of a name that are repeated."""


def home_spelled_out(text: str) -> Path:
    """Put the home folder in the place of `~`, where there is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # `~NAME` of nobody here
        return Path(text)


def stands_here(path: Path) -> bool:
    """Tell a file of any kind, or a link to nothing; a folder hides no requirement."""
    try:
        return not path.is_dir() and (path.exists() or path.is_symlink())
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def not_a_file(path: Path) -> str:
    """Say why a path is no file that can be read; empty: it is one."""
    shown = shortened(redact(printable(str(path))))
    try:
        if path.is_file():
            return ""
        if path.is_dir():
            return f"{shown} is a folder"
        if path.exists():
            return f"{shown} is no regular file"
        if path.is_symlink():
            return f"{shown} is a link to nothing"
    except OSError as error:
        return f"{shown} cannot be looked at: {error.strerror}"
    return f"there is no file {shown}"


def shortened(text: str) -> str:
    """Keep the two ends of what is too long to be read."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}...{text[-LONGEST // 2 :]}"


def printable(name: str) -> str:
    """Spell out the bytes of a path that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
