"""Something that waits, done beside something that computes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


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
