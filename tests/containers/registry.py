"""An image registry on loopback that has nothing to give: what a real one answers where it refuses.

docker speaks plain HTTP to loopback addresses. The path is the registry API's, version 2.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
ONE = "application/vnd.docker.distribution.manifest.v2+json"


class _Registry(BaseHTTPRequestHandler):
    """Repositories by what they do: `locked` wants a login, `denied` refuses, `foreign` has one architecture only."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v2/":
            self._answer(200, {})
        elif "/locked/" in self.path:
            self._error(401, "UNAUTHORIZED", "authentication required")
        elif "/denied/" in self.path:
            self._error(403, "DENIED", "requested access to the resource is denied")
        elif "/foreign/" in self.path:
            self._answer(200, _FOREIGN, kind=LIST)
        else:
            self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")

    do_HEAD = do_GET  # noqa: N815 - the server's own names

    def _error(self, status: int, code: str, message: str) -> None:
        self._answer(status, {"errors": [{"code": code, "message": message}]})

    def _answer(self, status: int, body: Any, *, kind: str = "application/json") -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="a registry for tests"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(data).hexdigest()}")
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


_FOREIGN = {
    "schemaVersion": 2,
    "mediaType": LIST,
    "manifests": [
        {
            "mediaType": ONE,
            "size": 500,
            "digest": f"sha256:{'0' * 64}",
            "platform": {"architecture": "s390x", "os": "linux"},
        }
    ],
}


@contextmanager
def registry() -> Iterator[str]:
    """Serve it, and give its host and port, as an image's name begins."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
