"""What servers answer: a body, a range, a status, each no other than was asked for; and where they are."""

from __future__ import annotations

import http.client
import re
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from scripts.errors import NetworkError, UsageError
from scripts.partfile import PartFile
from scripts.reaching import port_of
from scripts.redaction import redact
from scripts.web.errors import PROXY_HINT

CHUNK = 1 << 18


def address(url: str) -> tuple[str | None, int | None]:
    """Give a URL's host and port. Raises ValueError for what is none."""
    target = urlsplit(url)
    return target.hostname, port_of(target.scheme, target.port)


def proxy_address(proxy: str) -> tuple[str | None, int | None]:
    """Give a proxy's host and port. Raises UsageError (bad-proxy)."""
    try:
        return address(proxy)
    except ValueError as error:
        raise UsageError(
            f"the proxy {redact(proxy)} is no URL", context=str(error), hint=PROXY_HINT, reference="bad-proxy"
        ) from error


def body_of(response: requests.Response, limit: int, url: str) -> bytes:
    """Read a body of at most `limit` bytes: a server may send without end."""
    body = bytearray()
    for chunk in response.iter_content(CHUNK):
        body += chunk
        if len(body) > limit:
            raise NetworkError(
                f"the server sends more than {limit:,} bytes",
                context=redact(url),
                hint="this is not what was asked for: check the URL, or name another mirror with --index",
                reference="too-large",
            )
    return bytes(body)


def require_range(response: requests.Response, url: str, *, start: int) -> int:
    """Return the size of the whole file that `response` is a range of."""
    if response.status_code != HTTPStatus.OK:
        require_status(response, url, HTTPStatus.PARTIAL_CONTENT)
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if found is not None and int(found[1]) == start:
            return int(found[2])
    length = response.headers.get("Content-Length", "")
    whole = f"it sends the whole, {int(length[:15]) / 1e6:,.1f} MB\n" if length.isdecimal() else ""
    raise NetworkError(
        "the server does not serve parts of files",
        context=f"{whole}{redact(url)}",
        hint="name another mirror with --index",
        reference="no-range-support",
    )


def promised(response: requests.Response, url: str, part: PartFile) -> int | None:
    """Return the size that the whole file will have; start over where the server does not resume."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        return require_range(response, url, start=part.size)
    require_status(response, url, HTTPStatus.OK)
    part.restart()
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def require_status(response: requests.Response, url: str, status: int) -> None:
    """Insist on a status. Raises NetworkError (http-error)."""
    if response.status_code != status:
        raise NetworkError(
            "the server does not give that file",
            context=f"{response.status_code} {response.reason} from {redact(url)}",
            hint="check the URL, and the credentials if it needs any",
            reference="http-error",
        )


def ended_early(error: BaseException) -> bool:
    """Tell a server that sent less than it promised from a connection that broke."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, http.client.IncompleteRead):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
