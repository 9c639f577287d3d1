"""A remote of which one file was fetched whole: its parts come from the copy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scripts.wheels.ports import LARGEST_PAGE, Remote, ReplyLike


class FetchedRemote:
    """Serves `url` from `path`, and everything else from where it is."""

    def __init__(self, remote: Remote, url: str, path: Path) -> None:
        self._remote = remote
        self._url = url
        self._path = path

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> ReplyLike:
        """See Remote."""
        return self._remote.get(url, headers=headers, limit=limit)

    def size(self, url: str) -> int:
        """See Remote."""
        return self._path.stat().st_size if url == self._url else self._remote.size(url)

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        """See Remote."""
        if url != self._url:
            return self._remote.read_range(url, start, stop)
        with self._path.open("rb") as stream:
            stream.seek(start)
            return stream.read(stop - start)
