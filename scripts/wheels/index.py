"""Ask an index what files a project has, and remember what it said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from scripts.model.wheels import IndexFile
from scripts.redaction import redact
from scripts.wheels.ports import Fetch
from scripts.wheels.shelf import Shelf

FRESH_SECONDS = 600.0
"""How long a page is good for whose server gives no ETag: as long as the largest index lets its own be cached."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.1, text/html;q=0.01"  # PEP 691
_KIND = "pages"


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What is remembered of a page. `read` is in seconds since the epoch."""

    url: str
    etag: str | None
    read: float
    files: tuple[IndexFile, ...]


class Index:
    """One package index. Pages are kept for as long as this object is; for several threads at once.

    `url` None: the default one. With a `shelf` pages are remembered beyond that: by ETag, which costs one request that
    is answered in a few bytes, or for FRESH_SECONDS where a server gives none. Pages of an index whose URL has
    credentials are not, for they hold them too, nor are pages whose links do. `refresh`: nothing remembered is
    believed.
    """

    def __init__(
        self,
        url: str | None,
        fetch: Fetch,
        *,
        shelf: Shelf | None = None,
        refresh: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = None if url is None else url.rstrip("/")
        self._fetch = fetch
        self._shelf = Shelf(None) if shelf is None or redact(self.name) != self.name else shelf
        self._refresh = refresh
        self._now = now
        self._pages: dict[str, tuple[IndexFile, ...]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Index({redact(self.name)!r})"

    @property
    def name(self) -> str:
        """Its URL, or `default`."""
        return self._url or "default"

    @property
    def url(self) -> str:
        """Its URL, without a slash at its end."""
        if self._url is None:
            from scripts.wheels.index_page import DEFAULT_INDEX  # noqa: PLC0415 - half a second

            self._url = DEFAULT_INDEX
        return self._url

    def project(self, name: str) -> tuple[IndexFile, ...]:
        """List a project's files, in the page's order.

        Raises NoCandidateError (project-not-found), NetworkError (access-denied, http-error, not-an-index, and
        whatever `fetch` raises), IntegrityError (wrong-project).
        """
        project = canonicalize_name(name)
        with self._lock:
            if project not in self._pages:
                self._pages[project] = self._read(project)
            return self._pages[project]

    def _read(self, project: str) -> tuple[IndexFile, ...]:
        key = f"{self.name} {project}"
        kept = None if self._refresh else self._shelf.take(_KIND, key, _Page)
        if kept is not None and kept.etag is None and 0 <= self._now() - kept.read < FRESH_SECONDS:
            return kept.files
        asked = {"If-None-Match": kept.etag} if kept is not None and kept.etag is not None else {}
        reply = self._fetch(
            f"{self.url}/{project}/" if kept is None else kept.url, headers={"Accept": _ACCEPT, **asked}
        )
        if kept is not None and asked and reply.status == 304:
            return kept.files
        from scripts.wheels.index_page import read_page  # noqa: PLC0415 - half a second

        files = read_page(reply, project, self.url)
        page = _Page(url=f"{self.url}/{project}/", etag=reply.headers.get("etag"), read=self._now(), files=files)
        if all(redact(file.url) == file.url for file in files):
            self._shelf.put(_KIND, key, page)
        return files
