"""The libraries of this process."""

from __future__ import annotations

import ctypes

from scripts.inside.loaded import file_of, mapped


def test_a_function_lies_in_the_file_that_it_came_from() -> None:
    function = ctypes.CDLL(None).getpid
    assert file_of(function) in mapped("libc")


def test_what_was_made_here_lies_in_no_file() -> None:
    assert file_of(ctypes.CFUNCTYPE(None)(lambda: None)) is None
