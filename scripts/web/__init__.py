"""The one door to HTTP.

A host that cannot be reached is told within seconds; a server that fails (5xx) is asked twice more; a server that
falls silent is given up on. Downloads resume, are verified by hash and appear whole or not at all. Proxies and CA
bundles are those of the environment (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE).
`file://` URLs are read too, so that an index can be a folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Self

import requests
from requests.utils import get_environ_proxies, select_proxy, should_bypass_proxies

from scripts.errors import NetworkError
from scripts.partfile import PartFile, open_part, sha256_of
from scripts.progress import download_bar
from scripts.reaching import proxies_of, require_reachable
from scripts.redaction import redact
from scripts.web.answers import (
    CHUNK,
    address,
    body_of,
    ended_early,
    promised,
    proxy_address,
    require_range,
)
from scripts.web.errors import HINT, PROXY_HINT, translated
from scripts.web.folder import FolderAdapter
from scripts.web.session import HttpSession

USER_AGENT = "kokoro-spark"
_LARGEST_PAGE = 64 << 20
"""Bytes. The largest pages of package indexes have a tenth of that."""
_IDENTITY = {"Accept-Encoding": "identity"}  # ranges and hashes are of the file, not of its compression


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answered. Header names are in lower case."""

    url: str = field(repr=False)
    """Where the body came from, after redirections."""
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Web:
    """Fetches pages, ranges and files. Keep one per run: it keeps connections open. A context manager.

    `connect_timeout` and `read_timeout` are in seconds, the latter between two packets; `backoff` is the wait in
    seconds before each further try. `carried` holds variables that pip's or uv's configuration sets (SSL_CERT_FILE,
    HTTPS_PROXY, HTTP_PROXY); the process's own win.

    Every method raises NetworkError (network-unreachable, network-timeout, server-error, connection-lost,
    proxy-failed, tls-failed, http-error, too-large) and UsageError (bad-url, bad-ca-bundle).
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 3.0,
        read_timeout: float = 30.0,
        backoff: tuple[float, ...] = (0.3, 1.0),
        carried: Mapping[str, str] | None = None,
    ) -> None:
        self._session = HttpSession()
        self._session.headers["User-Agent"] = USER_AGENT
        # requests itself knows REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, which win; uv's variable is SSL_CERT_FILE.
        variables = {**(carried or {}), **os.environ}
        self._session.verify = variables.get("SSL_CERT_FILE") or True
        self._carried = proxies_of(carried or {})
        self._no_proxy = (carried or {}).get("NO_PROXY")
        self._session.mount("file://", FolderAdapter())
        self._timeouts = (connect_timeout, read_timeout)
        self._backoff = backoff
        self._reached: set[tuple[str, int]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = _LARGEST_PAGE) -> Reply:
        """Fetch a page of at most `limit` bytes, whatever its status below 500: 404 is an answer."""
        with self._open(url, headers or {}) as response, translated(url):
            lowered = {key.lower(): value for key, value in response.headers.items()}
            body = body_of(response, min(limit, _LARGEST_PAGE), url)
            return Reply(url=response.url, status=response.status_code, headers=lowered, body=body)

    def size(self, url: str) -> int:
        """Ask how many bytes a file has, without fetching it. Raises also NetworkError no-range-support."""
        with self._open(url, {**_IDENTITY, "Range": "bytes=0-0"}) as response:
            return require_range(response, url, start=0)

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        """Fetch the bytes from `start` up to, not including, `stop`. Raises also NetworkError no-range-support."""
        with self._open(url, {**_IDENTITY, "Range": f"bytes={start}-{stop - 1}"}) as response, translated(url):
            total = require_range(response, url, start=start)
            body = body_of(response, stop - start, url)
        if len(body) != min(stop, total) - start:
            raise NetworkError(
                "the server sends another part of the file than was asked for",
                context=f"{len(body)} bytes instead of {min(stop, total) - start}\n{redact(url)}",
                hint="name another mirror with --index",
                reference="no-range-support",
            )
        return body

    def download(
        self,
        url: str,
        destination: Path,
        *,
        sha256: str,
        size: int | None = None,
        description: str,
        headers: Mapping[str, str] | None = None,
    ) -> Path:
        """Fetch a file whose hash is known; one that is already there and right is kept.

        Raises also IntegrityError (wrong-hash, truncated-file) and DiskError (disk-full, not-writable). After a
        NetworkError the part stays, and the next call goes on from it.
        """
        with open_part(destination) as part:
            if destination.is_file() and sha256_of(destination) == sha256.lower():
                part.path.unlink(missing_ok=True)
                return destination
            if size is not None and part.size > size:
                part.restart()
            if size is None or part.size < size:
                self._fill(part, url, headers or {}, size=size, description=description)
            return part.finish(sha256=sha256, size=size, source=redact(url))

    def _fill(
        self, part: PartFile, url: str, headers: Mapping[str, str], *, size: int | None, description: str
    ) -> None:
        """Fetch what is missing; where the connection breaks, go on from there as often as there are back-offs."""
        for wait in (*self._backoff, None):
            try:
                self._stream(part, url, headers, size=size, description=description)
            except NetworkError as error:
                if error.reference != "connection-lost":
                    raise
                if wait is not None:
                    time.sleep(wait)
                elif ended_early(error):
                    part.refuse("truncated-file", f"it breaks off after {part.size} bytes", redact(url))
                else:
                    raise
            else:
                return

    def _stream(
        self, part: PartFile, url: str, headers: Mapping[str, str], *, size: int | None, description: str
    ) -> None:
        """Ask once for what is missing and append what comes."""
        resume = {"Range": f"bytes={part.size}-"} if part.size else {}
        with self._open(url, {**headers, **_IDENTITY, **resume}) as response:
            if resume and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                if response.headers.get("Content-Range") != f"bytes */{part.size}":
                    part.restart()
                    self._stream(part, url, headers, size=size, description=description)
                return  # else it is all there
            total = promised(response, url, part)
            if size is not None and total is not None and size != total:
                part.refuse("truncated-file", f"{total} bytes instead of {size}", redact(url))
            part.require_space(total)
            with download_bar(description, total) as advance, translated(url):
                advance(part.size)
                for chunk in response.iter_content(CHUNK):
                    part.write(chunk)
                    advance(len(chunk))

    def _open(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Ask, and ask again after a 5xx. The body has not been read yet."""
        self.reach(url)
        for wait in (*self._backoff, None):
            with translated(url):
                response = self._session.get(
                    url, headers=headers, timeout=self._timeouts, stream=True, proxies=self._proxies(url)
                )
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return response
            response.close()
            if wait is not None:
                time.sleep(wait)
        raise NetworkError(
            f"the server failed {len(self._backoff) + 1} times",
            context=f"{response.status_code} {response.reason} from {redact(url)}",
            hint="try again later, or name a mirror with --index",
            reference="server-error",
        )

    def reach(self, url: str) -> None:
        """Connect to a URL's host, or to the proxy on the way there, and hang up."""
        with translated(url):
            proxies = {**self._proxies(url), **get_environ_proxies(url, no_proxy=self._no_proxy)}
            proxy = select_proxy(url, proxies)
            host, port = proxy_address(proxy) if proxy else address(url)
        if host and port and (host, port) not in self._reached:  # of anything else requests says what is wrong
            try:
                require_reachable(host, port, limit=self._timeouts[0], hint=HINT)
            except NetworkError as error:
                if not proxy:
                    raise
                message = f"the proxy {host}:{port} cannot be reached"
                raise NetworkError(message, context=error.context, hint=PROXY_HINT, reference="proxy-failed") from error
            self._reached.add((host, port))

    def _proxies(self, url: str) -> dict[str, str]:
        """Name the proxies that pip's or uv's configuration has for a URL: none where NO_PROXY says so."""
        named = {} if should_bypass_proxies(url, no_proxy=self._no_proxy) else self._carried
        return {**named, **({"no_proxy": self._no_proxy} if self._no_proxy else {})}
