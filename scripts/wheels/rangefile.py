"""A remote file as a seekable stream, so that zipfile can read a wheel's end without the wheel."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

_WINDOW = 1 << 16
"""Bytes fetched at least: more than a zip's end record and its locator, and than most METADATA files."""


class RangeFile(io.RawIOBase):
    """Reads `size` bytes through `read_range(start, stop)`, keeping the last window fetched."""

    def __init__(self, size: int, read_range: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size = size
        self._read_range = read_range
        self._position = 0
        self._start = 0
        self._window = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move without reading."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Read at most what there is: a damaged archive asks for more than any machine has."""
        left = max(0, self._size - self._position)
        return super().read(left if size < 0 else min(size, left)) or b""

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer, or as much of it as there is."""
        start, stop = self._position, min(self._size, self._position + len(buffer))
        if start >= stop:
            return 0
        if not (self._start <= start and stop <= self._start + len(self._window)):
            self._fetch(start, stop)
        data = self._window[start - self._start : stop - self._start]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _fetch(self, start: int, stop: int) -> None:
        """Fetch a window that holds the range; near the end it is filled up with what lies before."""
        stop = min(self._size, max(stop, start + _WINDOW))
        self._start = max(0, min(start, stop - _WINDOW))
        self._window = self._read_range(self._start, stop)
