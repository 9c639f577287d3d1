"""The tables of docs/testing.md that a command writes: each between two markers of its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scripts.disk import write_if_changed
from scripts.errors import UsageError
from scripts.home import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "testing.md"


def markers(name: str) -> tuple[str, str]:
    """Give the lines before and after a table, which a reader of the rendered page does not see."""
    return f"<!-- {name}: written by a command, see below -->", f"<!-- end of {name} -->"


def between(text: str, name: str) -> str:
    """Give what stands between a table's markers, without the blank lines around it.

    Raises UsageError (no-markers) where they are not there, once each and in order.
    """
    before, rest = _parts(text, name)[0:2]
    assert before is not None
    return rest.strip("\n")


def with_between(text: str, name: str, lines: Iterable[str]) -> str:
    """Put a table between its markers. Raises as `between` does."""
    before, _, after = _parts(text, name)
    start, end = markers(name)
    return "\n".join([f"{before}{start}", "", *lines, "", f"{end}{after}"])


def write_between(path: Path, name: str, lines: Iterable[str]) -> bool:
    """Put a table into a document; True: it changed."""
    return write_if_changed(path, with_between(path.read_text(encoding="utf-8"), name, lines))


def _parts(text: str, name: str) -> tuple[str, str, str]:
    """Split a document: before the first marker, between both, after the second."""
    start, end = markers(name)
    before, found, rest = text.partition(start)
    inner, closed, after = rest.partition(end)
    if not found or not closed or start in rest or end in before:
        raise UsageError(
            f"the document has no place for {name}",
            context=f"expected once each, in this order:\n{start}\n{end}",
            reference="no-markers",
            hint="put both lines where the table belongs",
        )
    return before, inner, after
