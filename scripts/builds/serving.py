"""The wheelhouse over HTTP, for uv and pip on this machine: Python's own server, read only, on loopback by default."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import socketserver
import stat
import sys
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
_NOTHING = "nothing of that name"
_IDLE_SECONDS = 60.0
"""How long a connection may be silent: each has a thread of its own."""


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
    kind = _Server6 if ":" in host else _Server
    try:
        return kind((host, port), _handler(root.resolve(), verbose=verbose))
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that IDNA has no form of
        raise UsageError(
            f"{host} port {port} cannot be listened on: {getattr(error, 'strerror', None) or error}",
            reference="cannot-listen",
            hint="choose another --port (0 takes a free one) or --host",
        ) from error


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Bind, without asking the name servers what this host is called, as HTTPServer does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in a line what went wrong; who went away in the middle, as pip does, is no news."""
        del request, client_address
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            say(f"note: a request could not be answered: {error}")


class _Server6(_Server):
    address_family = socket.AF_INET6


def _handler(root: Path, *, verbose: bool) -> type[SimpleHTTPRequestHandler]:  # noqa: C901 - a class made for a root
    """Make the handler of one wheelhouse."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _IDLE_SECONDS

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(root), **kwargs)

        def translate_path(self, path: str) -> str:
            """Give the file of a path; what is hidden, would lie outside or is no plain file is not there."""
            asked = unquote(urlsplit(path).path)
            parts = [part for part in asked.split("/") if part]
            if any(part.startswith(".") or "\0" in part for part in parts):
                return str(root / _NOTHING)
            found = Path(os.path.realpath(root.joinpath(*parts)))  # Path.resolve raises where links go round
            if not found.is_relative_to(root) or not (_is_file(found) or stat.S_ISDIR(_mode(found))):
                return str(root / _NOTHING)
            wants_json = asked.endswith("/") and _JSON in self.headers.get("Accept", "")
            return str(found / "index.json" if wants_json and _is_file(found / "index.json") else found)

        def guess_type(self, path: str | os.PathLike[str]) -> str:
            return _JSON if str(path).endswith("index.json") else super().guess_type(path)

        def list_directory(self, path: str | os.PathLike[str]) -> None:
            del path
            self.send_error(HTTPStatus.NOT_FOUND)

        def do_GET(self) -> None:
            """Answer a range with a part: pip and uv read a wheel's metadata so."""
            first, last = _read_range(self.headers.get("Range", ""))
            path = Path(self.translate_path(self.path))
            if not (first or last) or not _is_file(path):
                super().do_GET()
                return
            try:
                stream = path.open("rb")  # what fails later, at the socket, is not this
            except OSError:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            with stream:
                self._part(path, stream, first, last)

        def _part(self, path: Path, stream: BinaryIO, first: str, last: str) -> None:
            size = os.fstat(stream.fileno()).st_size  # of the open file: a publication may replace the named one
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
            stream.seek(start)
            _copy(stream, self.wfile, end - start + 1)

        def end_headers(self) -> None:
            """Say that a copy is to be asked about before it is used: a wheel may have been published since."""
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Cache-Control", "no-cache")
            self.send_header("Vary", "Accept")
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            if verbose:
                words = redact(format % args)
                say("".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in words))

    return Handler


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path))


def _mode(path: Path) -> int:
    """Give a file's mode; 0: there is none, or it may not be asked about. Path.is_file raises for names too long."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _copy(source: BinaryIO, to: Any, count: int) -> None:
    while count > 0 and (chunk := source.read(min(_CHUNK, count))):
        to.write(chunk)
        count -= len(chunk)


def _read_range(header: str) -> tuple[str, str]:
    """Read a range's two ends, as digits; what is no single range is ignored, as HTTP has it."""
    found = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header)
    if found is None or (found[1] and found[2] and int(found[2]) < int(found[1])):
        return "", ""
    return found[1], found[2]
