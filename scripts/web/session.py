"""A session of requests that no server can send to our own files."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import requests

from scripts.errors import NetworkError
from scripts.redaction import redact


class HttpSession(requests.Session):
    """Follows redirections from HTTP to HTTP only: `file://` is for indexes that the user names."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Give where a reply sends us. Raises NetworkError (bad-redirect)."""
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        whole = urljoin(resp.url, target)
        if urlsplit(whole).scheme not in {"http", "https"}:
            raise NetworkError(
                "the server sends us to what is no page of the web",
                context=f"{resp.status_code} {resp.reason} from {redact(resp.url)}\nto {redact(whole)}",
                hint="check the URL, and whether a proxy or a login page answers in its place",
                reference="bad-redirect",
            )
        return target
