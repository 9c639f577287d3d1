from __future__ import annotations

from threading import Event

import pytest

from scripts.operations.meanwhile import meanwhile


def test_it_is_done_beside_what_else_is_done() -> None:
    go = Event()
    result = meanwhile(lambda: go.wait(10))
    go.set()
    assert result() is True


def test_its_error_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise ValueError("no")

    result = meanwhile(fail)
    with pytest.raises(ValueError, match="no"):
        result()
