"""Bars, tables and colour, all on stderr: stdout belongs to the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

_TELL_SECONDS = 30.0

console = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, soft_wrap=True)
if not output.is_terminal:
    output.width = 200  # a pipe has no width: do not break names


def say(message: str, *, style: str = "") -> None:
    """Print one line of progress to stderr."""
    console.print(Text(message, style=style))


@contextmanager
def step(message: str) -> Iterator[None]:
    """Show that something is under way: a spinner on a terminal, one line elsewhere."""
    if console.is_terminal:
        with console.status(Text(message)):
            yield
    else:
        say(message)
        yield


@contextmanager
def download_bar(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar of bytes; the value is a function that advances it by so many bytes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    if not console.is_terminal:
        say(description)
        yield lambda _count: None
        return
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.update(task, advance=count)


@contextmanager
def build_bar(description: str) -> Iterator[Callable[[int, int, float | None, str], None]]:
    """Show how far a build is; the value takes (units done, of how many, seconds left or None, the unit's name).

    Where there is no terminal, a line is printed every half minute.
    """
    if not console.is_terminal:
        last = time.monotonic()

        def tell(done: int, total: int, left: float | None, unit: str) -> None:
            nonlocal last
            if time.monotonic() - last >= _TELL_SECONDS or done == total:
                last = time.monotonic()
                say(f"{description}: {done} of {total}{_left(left)} ({unit})")

        yield tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=None, unit="")

        def draw(done: int, total: int, left: float | None, unit: str) -> None:
            progress.update(task, completed=done, total=total, unit=f"{unit}{_left(left)}")

        yield draw


def _left(seconds: float | None) -> str:
    return (
        "" if seconds is None else f", about {seconds / 60:.0f} min left" if seconds >= 60 else ", under a minute left"
    )


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, to: Console | None = None) -> None:
    """Print a table, to stdout unless told otherwise: tables are results."""
    grid = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False)
    for name in header:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    (to or output).print(grid)
