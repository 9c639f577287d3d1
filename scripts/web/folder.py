"""`file://` URLs, so that an index can be a folder."""

from __future__ import annotations

import io
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse


class FolderAdapter(HTTPAdapter):
    """Answers `file://` URLs: a file, a folder's index.html, or 404."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer one request; a Range is honoured."""
        path = Path(url2pathname(urlsplit(request.url or "").path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.build_response(request, HTTPResponse(io.BytesIO(), status=404, reason="Not Found"))
        size = path.stat().st_size
        stream: Any = path.open("rb")
        headers = {"Content-Length": str(size), "Content-Type": "text/html" if path.suffix == ".html" else ""}
        status = HTTPStatus.OK
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", "")):
            start, stop = int(match[1]), min(size, int(match[2] or size) + 1)
            with stream:
                stream.seek(start)
                stream = io.BytesIO(stream.read(stop - start))
            headers |= {"Content-Length": str(stop - start), "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
            status = HTTPStatus.PARTIAL_CONTENT
        raw = HTTPResponse(stream, headers, status, reason=status.phrase, preload_content=False)
        return self.build_response(request, raw)
