"""The wheelhouse over HTTP, for uv and pip on this machine: Python's own server, read only, on loopback by default."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from scripts.errors import UsageError
from scripts.progress import say
from scripts.redaction import redact

_JSON = "application/vnd.pypi.simple.v1+json"
_CHUNK = 1 << 20


def serve(root: Path, host: str, port: int, *, ready: Callable[[str], None], verbose: bool) -> None:
    """Serve until a signal comes; `ready` is told the index's URL once requests are taken. Port 0: a free one.

    Raises UsageError (no-wheelhouse, cannot-listen).
    """
    with open_server(root, host, port, verbose=verbose) as server:
        if not is_loopback(host):
            say(f"note: whoever reaches {host} can read this wheelhouse", style="bold")
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{server.server_address[1]}/simple/")
        server.serve_forever()


def open_server(root: Path, host: str, port: int, *, verbose: bool) -> ThreadingHTTPServer:
    """Bind. Raises UsageError."""
    if not (root / "simple" / "index.html").is_file():
        raise UsageError(
            f"{root} is no wheelhouse: nothing was published in it",
            reference="no-wheelhouse",
            hint="`invoke wheel.build RECIPE` publishes a wheel; --wheelhouse names another folder",
        )
    kind = _Server6 if ":" in host else ThreadingHTTPServer
    try:
        server = kind((host, port), _handler(root.resolve(), verbose=verbose))
    except OSError as error:
        raise UsageError(
            f"{host} port {port} cannot be listened on: {error.strerror or error}",
            reference="cannot-listen",
            hint="choose another --port (0 takes a free one) or --host",
        ) from error
    server.daemon_threads = True
    return server


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def _handler(root: Path, *, verbose: bool) -> type[SimpleHTTPRequestHandler]:  # noqa: C901 - a class made for a root
    """Make the handler of one wheelhouse."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(root), **kwargs)

        def translate_path(self, path: str) -> str:
            """Give the file of a path; what is hidden or would lie outside is not there."""
            parts = [part for part in unquote(urlsplit(path).path).split("/") if part]
            if any(part.startswith(".") or "\0" in part for part in parts):
                return str(root / "nothing of that name")
            found = root.joinpath(*parts).resolve()
            if not found.is_relative_to(root):
                return str(root / "nothing of that name")
            if found.is_dir() and _JSON in self.headers.get("Accept", "") and (found / "index.json").is_file():
                return str(found / "index.json")
            return str(found)

        def guess_type(self, path: str | os.PathLike[str]) -> str:
            return _JSON if str(path).endswith("index.json") else super().guess_type(path)

        def list_directory(self, path: str | os.PathLike[str]) -> None:
            del path
            self.send_error(HTTPStatus.NOT_FOUND)

        def do_GET(self) -> None:
            """Answer a range with a part: pip and uv read a wheel's metadata so."""
            wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            path = Path(self.translate_path(self.path))
            if wanted is None or not path.is_file() or not (wanted[1] or wanted[2]):
                super().do_GET()
                return
            self._part(path, wanted[1], wanted[2])

        def _part(self, path: Path, first: str, last: str) -> None:
            size = path.stat().st_size
            start = int(first) if first else max(0, size - int(last))
            end = min(size - 1, int(last)) if first and last else size - 1
            if start > end:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Type", self.guess_type(path))
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
            self.send_header("Content-Length", str(end - start + 1))
            self.end_headers()
            with path.open("rb") as stream:
                stream.seek(start)
                _copy(stream, self.wfile, end - start + 1)

        def end_headers(self) -> None:
            self.send_header("Accept-Ranges", "bytes")
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            if verbose:
                say(redact(format % args))

    return Handler


def _copy(source: BinaryIO, to: Any, count: int) -> None:
    while count > 0 and (chunk := source.read(min(_CHUNK, count))):
        to.write(chunk)
        count -= len(chunk)
