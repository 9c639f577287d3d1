"""Counting what is read from afar, and stopping at a stated limit."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.errors import NetworkError
from scripts.redaction import redact
from scripts.wheels.ports import LARGEST_PAGE, Remote, ReplyLike

MAX_REQUESTS = 30
MAX_BYTES = 20_000_000
"""What is read of one wheel that is not downloaded, whatever it meets. Known wheels take a tenth of it."""


class MeteredRemote:
    """A Remote that counts its requests and bytes. Not for several threads at once.

    Every method raises also NetworkError (too-much-traffic), before the limit is passed where the size is known.
    """

    def __init__(self, remote: Remote, *, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES) -> None:
        self._remote = remote
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self.requests = 0
        self.bytes = 0

    @property
    def bytes_left(self) -> int:
        """What may still be read."""
        return max(0, self._max_bytes - self.bytes)

    @property
    def requests_left(self) -> int:
        """What may still be asked."""
        return max(0, self._max_requests - self.requests)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> ReplyLike:
        """See Remote."""
        self._ask(url, 0)
        reply = self._remote.get(url, headers=headers, limit=min(limit, self.bytes_left))
        self._count(url, len(reply.body))
        return reply

    def size(self, url: str) -> int:
        """See Remote."""
        self._ask(url, 1)
        found = self._remote.size(url)
        self._count(url, 1)
        return found

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        """See Remote."""
        self._ask(url, stop - start)
        data = self._remote.read_range(url, start, stop)
        self._count(url, len(data))
        return data

    def _ask(self, url: str, size: int) -> None:
        if not self.requests_left or self.bytes + size > self._max_bytes:
            raise self._too_much(url)
        self.requests += 1

    def _count(self, url: str, size: int) -> None:
        self.bytes += size
        if self.bytes > self._max_bytes:
            raise self._too_much(url)

    def _too_much(self, url: str) -> NetworkError:
        return NetworkError(
            f"this would take more than {self._max_requests} requests or {self._max_bytes / 1e6:.1f} MB",
            context=f"{self.requests} requests, {self.bytes:,} bytes so far\n{redact(url)}",
            hint="the file is not what its directory says, or needs to be read whole: download it, and inspect that",
            reference="too-much-traffic",
        )
