"""The tables of docs/testing.md that a command writes: each between two markers of its name."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.errors import UsageError


def markers(name: str) -> tuple[str, str]:
    """Give the lines before and after a table, which a reader of the rendered page does not see."""
    return f"<!-- {name}: python -m tests.simulated_gpu.document -->", f"<!-- end of {name} -->"


def with_between(text: str, name: str, lines: Iterable[str]) -> str:
    """Put a table between its markers. Raises UsageError (no-markers) unless they are there, once each, in order."""
    before, _, after = _parts(text, name)
    start, end = markers(name)
    return "\n".join([f"{before}{start}", "", *lines, "", f"{end}{after}"])


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
