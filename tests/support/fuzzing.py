"""Mutated files for the fuzzing tests, and what a reader of them may do: give a value, or a SparkError, soon."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

from scripts.errors import SparkError

T = TypeVar("T")

CPU_SECONDS = 5
"""Of processor time, so that a busy neighbour makes no failure. Every example takes milliseconds."""

_NUMBERS = [0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]
_LARGE = [1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 64, (1 << 64) - 8, (1 << 64) - 1]


class HangError(AssertionError):
    """A reader that does not come to an end."""


def outcome(act: Callable[[], T]) -> T | SparkError:
    """Do it, and give its value or its SparkError. Any other exception, and more than CPU_SECONDS, is a failure."""

    def stop(*_: object) -> None:
        raise HangError(f"no end after {CPU_SECONDS} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return act()
    except SparkError as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A good file, and where in it the numbers are that its readers believe: (position, bytes)."""

    data: bytes
    fields: tuple[tuple[int, int], ...]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[Seed]) -> bytes:
    """Give a seed with up to four changes: numbers that lie, bytes changed, cut, repeated, put in from another seed."""
    seed = draw(st.sampled_from(seeds))
    data = bytearray(seed.data)
    # Numbers first: the other changes move them.
    for position, size in draw(st.lists(st.sampled_from(seed.fields), max_size=4)):
        data[position : position + size] = _number(draw, size, len(data))
    for change in draw(st.lists(st.sampled_from(_CHANGES), max_size=2)):
        change(draw, data, draw(st.sampled_from(seeds)).data)
    return bytes(data)


def _number(draw: st.DrawFn, size: int, length: int) -> bytes:
    """Draw a number that fits: a limit, something near the file's length, or any."""
    near = st.integers(-70, 70).map(lambda offset: max(0, length + offset))
    any_number = st.integers(0, (1 << 8 * size) - 1)
    number: int = draw(st.one_of(st.sampled_from(_NUMBERS + _LARGE), near, st.integers(0, length), any_number))
    return (number % (1 << 8 * size)).to_bytes(size, "little")


def _place(draw: st.DrawFn, data: bytearray) -> int:
    """Draw a position: anywhere, or near the beginning or the end, where headers are."""
    last = len(data)
    near_end = st.integers(max(0, last - 200), last)
    return draw(st.one_of(st.integers(0, last), st.integers(0, min(200, last)), near_end))


def _overwrite(draw: st.DrawFn, data: bytearray, _other: bytes) -> None:
    position = _place(draw, data)
    piece = draw(st.binary(min_size=1, max_size=16))
    data[position : position + len(piece)] = piece


def _cut(draw: st.DrawFn, data: bytearray, _other: bytes) -> None:
    del data[_place(draw, data) :]


def _remove(draw: st.DrawFn, data: bytearray, _other: bytes) -> None:
    position = _place(draw, data)
    del data[position : position + draw(st.integers(1, 300))]


def _repeat(draw: st.DrawFn, data: bytearray, _other: bytes) -> None:
    position = _place(draw, data)
    piece = bytes(data[position : position + draw(st.integers(1, 300))])
    where = _place(draw, data)
    data[where:where] = piece * draw(st.integers(1, 4))


def _splice(draw: st.DrawFn, data: bytearray, other: bytes) -> None:
    """End as another file ends."""
    data[_place(draw, data) :] = other[_place(draw, bytearray(other)) :]


def _grow(draw: st.DrawFn, data: bytearray, _other: bytes) -> None:
    data += draw(st.sampled_from([b"\0", b"\xff", b"PK\x05\x06", b"P"])) * draw(st.integers(1, 2000))


_CHANGES: list[Callable[[st.DrawFn, bytearray, bytes], Any]] = [_overwrite, _cut, _remove, _repeat, _splice, _grow]
