"""What this package asks of the web client, which arrives as an argument (scripts.web.Web has all of it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

LARGEST_PAGE = 64 << 20
"""Bytes. The largest pages of package indexes have a tenth of that."""


class ReplyLike(Protocol):
    """What a server answered. Header names are in lower case."""

    @property
    def url(self) -> str:
        """Where the body came from."""
        ...

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...


class Fetch(Protocol):
    """Web.get."""

    def __call__(self, url: str, *, headers: Mapping[str, str] | None = None) -> ReplyLike:
        """Fetch a page; 404 is an answer. Raises NetworkError."""
        ...


class Remote(Protocol):
    """Web, as far as remote wheels are concerned."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> ReplyLike:
        """Fetch a page of at most `limit` bytes; 404 is an answer. Raises NetworkError."""
        ...

    def size(self, url: str) -> int:
        """Give a file's size in bytes. Raises NetworkError."""
        ...

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        """Fetch the bytes from `start` up to, not including, `stop`. Raises NetworkError."""
        ...
