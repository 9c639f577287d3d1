"""Things that wait, done beside something that computes, or beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS = 8
"""Requests at once: a guest's manners, and more would not be faster."""


def meanwhile(act: Callable[[], T]) -> Callable[[], T]:
    """Start `act` in a thread; what is returned waits for it, and gives its value or raises its error.

    The thread is a daemon: whoever is interrupted does not wait for a server that does not answer.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(act())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return outcome.result


def in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do the same with each, at most WORKERS at a time; the results come in the order of `items`.

    Raises what the first of them raises. Ctrl-C waits for those on their way, not for those behind them.
    """
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
