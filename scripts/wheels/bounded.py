"""A stream that gives only so many bytes in all: whatever a damaged file makes its reader do, it ends."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


class BoundedStream(io.RawIOBase):
    """Reads from `stream`, and raises ValueError once more than `limit` bytes were read."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move without reading."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Give the position."""
        return self._stream.tell()

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer, or as much of it as there is. An empty read counts as a byte: it is work too."""
        data = self._stream.read(min(len(buffer), self._left + 1))
        self._left -= len(data) or 1
        if self._left < 0:
            raise ValueError("its headers send the reader round and round")
        buffer[: len(data)] = data
        return len(data)
