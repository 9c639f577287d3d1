"""Index files and replies for unit tests, made from a file's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.errors import NetworkError
from scripts.model.wheels import IndexFile
from scripts.wheels.ports import LARGEST_PAGE

ORIGIN = "https://index.example"


def index_file(filename: str, *, requires_python: str | None = None, yanked: str | None = None) -> IndexFile:
    url = f"{ORIGIN}/files/{filename}"
    return IndexFile(
        project=filename.split("-", maxsplit=1)[0],
        filename=filename,
        url=url,
        sha256="0" * 64,
        size=1,
        requires_python=requires_python,
        yanked=yanked,
        metadata_url=f"{url}.metadata",
        metadata_announced=False,
    )


@dataclass(frozen=True, kw_only=True)
class Page:
    """A reply."""

    url: str = ORIGIN
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class ScriptedWeb:
    """Answers by URL; anything else is a 404. Files can be read in ranges."""

    pages: Mapping[str, Page | bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> Page:
        self.seen.append(url)
        page = self.pages.get(url, Page(url=url, status=404))
        answer = Page(url=url, body=page) if isinstance(page, bytes) else page
        if len(answer.body) > limit:
            raise NetworkError(f"the server sends more than {limit:,} bytes", reference="too-large")
        return answer

    def _bytes(self, url: str) -> bytes:
        page = self.pages[url]
        assert isinstance(page, bytes)
        return page

    def size(self, url: str) -> int:
        self.seen.append(f"size {url}")
        return len(self._bytes(url))

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        self.seen.append(f"{start}-{stop} {url}")
        return self._bytes(url)[start:stop]
