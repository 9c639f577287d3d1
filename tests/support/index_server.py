"""A package index on loopback, good or misbehaving, and tiny real wheels to put into it.

folder = tmp_path / "wheels"
make_wheel(folder, "demo", "1.0", requires=["other>=2"])
with IndexServer(folder, {"demo": Behaviour(errors=2)}) as server:
    ...  # server.url is `http://127.0.0.1:PORT/simple`
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from scripts.wheels.writer import metadata_text, write_wheel

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How one project is served. The default is good."""

    missing: bool = False
    """Its page is a 404."""
    status: int = 0
    """Its page always answers with this status, e.g. 403."""
    errors: int = 0
    """So many first requests of its page are answered 500."""
    file_errors: int = 0
    """So many first requests of its files are answered 500."""
    slow: float = 0.0
    """Seconds before its page and files are answered."""
    file_status: int = 0
    """Its files always answer with this status, e.g. 403."""
    moved: bool = False
    """Its files are at `/moved/NAME`, and `/files/NAME` says so."""
    truncated: bool = False
    """Its files break off half way, whatever was promised."""
    wrong_hash: bool = False
    """Its page announces hashes of something else."""
    page_of: str | None = None
    """Its page is the page of this other project."""
    body: bytes | None = None
    """Its page is this, as text/html."""
    json_body: bytes | None = None
    """Its page is this, as PEP 691 JSON."""
    yanked: str | None = None
    """Its files are yanked, with this reason."""
    uploaded: str = "2026-01-01T00:00:00Z"
    """When its files were (PEP 700)."""
    requires_python: str | None = None
    metadata: bool = True
    """PEP 658 metadata is served and announced."""
    announced: bool = True
    """... and said so on the page."""
    html_only: bool = False
    etag: bool = False
    """Its page has an ETag, and a request that names it is answered 304."""
    ranges: bool = True


GOOD = Behaviour()


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    tag: str = "py3-none-any",
    *,
    requires: Sequence[str] = (),
    requires_python: str | None = None,
    extras: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """Make a tiny real wheel: one module named like the project, unless `files` says otherwise."""
    fields = [("Requires-Python", requires_python)] if requires_python else []
    fields += [("Provides-Extra", extra) for extra in extras]
    fields += [("Requires-Dist", line) for line in requires]
    module = canonicalize_name(name).replace("-", "_")
    content = {f"{module}.py": f'__version__ = "{version}"\n'.encode()} if files is None else files
    metadata = metadata_text(name, version, *fields)
    return write_wheel(folder, name=name, version=version, files=content, metadata=metadata, tag=tag)


@dataclass
class IndexServer:
    """Serves the wheels and source archives of a folder as PEP 503 HTML and PEP 691 JSON. A context manager.

    `path` is the index's path, e.g. `whl/cu130` for a mirror of a lane. Files are at `/files/NAME`. What was asked
    is in `requests`, in order, as `METHOD /path`; the headers are in `headers`, the answers in `statuses`.
    """

    folder: Path
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    path: str = "simple"
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    served: int = 0
    """Bytes of all bodies."""

    def __enter__(self) -> Self:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The index's URL, without a slash at its end."""
        return f"{self.origin}/{self.path}"

    def behaviour(self, project: str) -> Behaviour:
        return self.behaviours.get(project, GOOD)

    def count(self, key: str) -> int:
        """Count a request; the first is 1."""
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]

    def note(self, status: int, size: int) -> None:
        """Count an answer."""
        with self._lock:
            self.statuses.append(status)
            self.served += size

    def files(self, project: str) -> list[Path]:
        return sorted(path for path in self._distributions() if project_of(path.name) == project)

    def projects(self) -> list[str]:
        return sorted({project_of(path.name) for path in self._distributions()})

    def _distributions(self) -> list[Path]:
        return [*self.folder.glob("*.whl"), *self.folder.glob("*.tar.gz")]


def project_of(filename: str) -> str:
    return canonicalize_name(filename.split("-", maxsplit=1)[0])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], index: IndexServer) -> None:
        self.index = index
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Silence."""

    def _serve(self) -> None:
        index = self.server.index
        path = unquote(urlsplit(self.path).path)
        index.requests.append(f"{self.command} {path}")
        index.headers.append(dict(self.headers.items()))
        if path.rstrip("/") == f"/{index.path}":
            self._page(*_root(index))
        elif match := re.fullmatch(rf"/{re.escape(index.path)}/([^/]+)/?", path):
            self._project(canonicalize_name(match[1]))
        elif match := re.fullmatch(r"/(files|moved)/([^/]+\.(?:whl|tar\.gz))(\.metadata)?", path):
            if match[1] == "files" and index.behaviour(project_of(match[2])).moved:
                self._send(302, b"", "text/plain", extra={"Location": f"/moved/{match[2]}{match[3] or ''}"})
            else:
                self._file(match[2], metadata=bool(match[3]))
        else:
            self._send(404, b"not found", "text/plain")

    def _project(self, project: str) -> None:
        index = self.server.index
        how = index.behaviour(project)
        index.closing.wait(how.slow)
        shown = how.page_of or project
        files = index.files(shown)
        if index.count(f"page {project}") <= how.errors:
            self._send(500, b"internal error", "text/plain")
        elif how.status:
            self._send(how.status, b"no", "text/plain")
        elif how.body is not None:
            self._send(200, how.body, "text/html; charset=utf-8")
        elif how.json_body is not None:
            self._send(200, how.json_body, JSON)
        elif how.missing or not files:
            self._send(404, b"not found", "text/plain")
        else:
            entries = [_entry(path, how) for path in files]
            if how.html_only:
                self._send(200, _html(shown, entries), "text/html; charset=utf-8")
            else:
                self._page(_html(shown, entries), _json(shown, entries), etag=how.etag)

    def _page(self, as_html: bytes, as_json: bytes, *, etag: bool = False) -> None:
        is_json = JSON in self.headers.get("Accept", "")
        body, kind = (as_json, JSON) if is_json else (as_html, "text/html; charset=utf-8")
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        extra = {"ETag": tag} if etag else {}
        if etag and self.headers.get("If-None-Match") == tag:
            self._send(304, b"", kind, extra=extra)
        else:
            self._send(200, body, kind, extra=extra)

    def _file(self, name: str, *, metadata: bool) -> None:
        index = self.server.index
        how = index.behaviour(project_of(name))
        index.closing.wait(how.slow)
        path = index.folder / name
        if not path.is_file() or (metadata and not (how.metadata and path.suffix == ".whl")):
            self._send(404, b"not found", "text/plain")
        elif how.file_status:
            self._send(how.file_status, b"no", "text/plain")
        elif index.count(f"file {project_of(name)}") <= how.file_errors:
            self._send(500, b"internal error", "text/plain")
        elif metadata:
            self._send(200, read_metadata(path), "text/plain")
        else:
            self._send_ranged(path.read_bytes(), how)

    def _send_ranged(self, data: bytes, how: Behaviour) -> None:
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if match is None or not how.ranges:
            self._send(200, data, "application/octet-stream", truncated=how.truncated)
            return
        size = len(data)
        start = int(match[1]) if match[1] else max(0, size - int(match[2]))
        stop = min(size, int(match[2]) + 1) if match[1] and match[2] else size
        if start >= size:
            self._send(416, b"", "text/plain", extra={"Content-Range": f"bytes */{size}"})
            return
        extra = {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
        self._send(206, data[start:stop], "application/octet-stream", extra=extra, truncated=how.truncated)

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str,
        *,
        extra: Mapping[str, str] | None = None,
        truncated: bool = False,
    ) -> None:
        sent = b"" if self.command == "HEAD" else body[: len(body) // 2] if truncated else body
        self.server.index.note(status, len(sent))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for key, value in (extra or {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(sent)


def read_metadata(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


def _entry(path: Path, how: Behaviour) -> dict[str, Any]:
    digest = hashlib.sha256(b"something else" if how.wrong_hash else path.read_bytes()).hexdigest()
    entry: dict[str, Any] = {
        "filename": path.name,
        "url": f"/files/{path.name}",
        "hashes": {"sha256": digest},
        "size": path.stat().st_size,
        "upload-time": how.uploaded,
        "yanked": False if how.yanked is None else how.yanked or True,
    }
    if how.requires_python is not None:
        entry["requires-python"] = how.requires_python
    if how.metadata and how.announced and path.suffix == ".whl":
        entry["core-metadata"] = {"sha256": hashlib.sha256(read_metadata(path)).hexdigest()}
    return entry


def _json(project: str, entries: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps(
        {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": list(entries)}
    ).encode()


def _html(project: str, entries: Sequence[Mapping[str, Any]]) -> bytes:
    lines = []
    for entry in entries:
        attributes = ""
        if "requires-python" in entry:
            attributes += f' data-requires-python="{html.escape(entry["requires-python"])}"'
        if entry["yanked"]:
            attributes += f' data-yanked="{html.escape(entry["yanked"] if entry["yanked"] is not True else "")}"'
        if "core-metadata" in entry:
            attributes += f' data-core-metadata="sha256={entry["core-metadata"]["sha256"]}"'
        link = f"{entry['url']}#sha256={entry['hashes']['sha256']}"
        lines.append(f'<a href="{link}"{attributes}>{entry["filename"]}</a><br>')
    head = f"<!DOCTYPE html><html><head><title>Links for {project}</title></head><body>"
    return "\n".join([head, *lines, "</body></html>"]).encode()


def _root(index: IndexServer) -> tuple[bytes, bytes]:
    projects = index.projects()
    links = "\n".join(f'<a href="/{index.path}/{name}/">{name}</a>' for name in projects)
    listing = {"meta": {"api-version": "1.0"}, "projects": [{"name": name} for name in projects]}
    return f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), json.dumps(listing).encode()
