"""A web of whole wheels: an index's pages, PEP 658 metadata or none, parts of files or none, and downloads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from scripts.errors import IntegrityError, NetworkError
from scripts.wheels.ports import LARGEST_PAGE
from scripts.wheels.writer import metadata_text, wheel_bytes, wheel_filename
from tests.support.index_server import JSON
from tests.support.pages import Page, ScriptedWeb
from tests.unit.operations.worlds import DEFAULT

SPARK_TAG = "cp312-cp312-manylinux_2_28_aarch64"
PC_TAG = "cp312-cp312-manylinux_2_28_x86_64"
MEMBER = "torch/lib/libtorch_python.so"


@dataclass(frozen=True, kw_only=True)
class File:
    """One wheel and how it is served."""

    name: str
    data: bytes
    metadata: str | None = None
    """What PEP 658 serves; None: a 404."""
    hashed: bool = True
    sized: bool = True

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def project(self) -> str:
        return self.name.split("-", maxsplit=1)[0].replace("_", "-")


def torch_file(
    version: str,
    *requires: str,
    tag: str = SPARK_TAG,
    states: str | None = "sm_80 sm_120",
    beside: bool = True,
    hashed: bool = True,
    sized: bool = True,
) -> File:
    """Make a torch that says what it was built for (None: it has no such library)."""
    metadata = metadata_text("torch", version, *(("Requires-Dist", line) for line in requires))
    files = {"torch/__init__.py": b""} if states is None else {MEMBER: b"\0" + states.encode() + b"\0"}
    data = wheel_bytes(name="torch", version=version, files=files, metadata=metadata, tag=tag)
    name = wheel_filename("torch", version, tag)
    return File(name=name, data=data, metadata=metadata if beside else None, hashed=hashed, sized=sized)


def nvrtc_file(
    version: str,
    *,
    package: str = "nvidia-cuda-nvrtc",
    architecture: str = "x86_64",
    libraries: Sequence[str] = ("libnvrtc.so.13", "libnvrtc-builtins.so.13.0"),
) -> File:
    """Make an NVRTC that cannot be loaded."""
    tag = f"py3-none-manylinux2014_{architecture}"
    files = {f"nvidia/cu13/lib/{library}": b"\x7fELF" for library in libraries}
    data = wheel_bytes(name=package, version=version, files=files, metadata=metadata_text(package, version), tag=tag)
    return File(name=wheel_filename(package, version, tag), data=data)


@dataclass
class WheelWeb(ScriptedWeb):
    """Serves files of one or more indexes; what is not on one of them is out of reach."""

    ranges: bool = True
    etag: str | None = None
    downloads: list[str] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)

    def add(self, *files: File, index: str = DEFAULT) -> WheelWeb:
        origin = "/".join(index.split("/")[:3])
        made: dict[str, Page | bytes] = dict(self.pages)
        for project in {file.project for file in files}:
            entries = []
            for file in files:
                if file.project != project:
                    continue
                url = f"{origin}/files/{file.name}"
                entry = {"filename": file.name, "url": url, "hashes": {"sha256": file.sha256} if file.hashed else {}}
                entries.append(entry | ({"size": len(file.data)} if file.sized else {}))
                self.files[url] = file
                made[url] = file.data
                if file.metadata is not None:
                    made[f"{url}.metadata"] = file.metadata.encode()
            body = {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": entries}
            url = f"{index}/{project}/"
            headers = {"content-type": JSON, **({} if self.etag is None else {"etag": self.etag})}
            made[url] = Page(url=url, headers=headers, body=json.dumps(body).encode())
        self.pages = made
        return self

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> Page:
        if not any(url.split("/")[2] == known.split("/")[2] for known in self.pages):
            self.seen.append(url)
            raise NetworkError(f"{url.split('/')[2]} cannot be reached", reference="network-unreachable", hint="check")
        page = super().get(url, headers=headers, limit=limit)
        asked = (headers or {}).get("If-None-Match")
        if asked is not None and asked == page.headers.get("etag"):
            return Page(url=url, status=304, headers=page.headers)
        return page

    def size(self, url: str) -> int:
        if not self.ranges:
            self.seen.append(f"size {url}")
            _whole_only(url)
        return super().size(url)

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        if not self.ranges:
            self.seen.append(f"{start}-{stop} {url}")
            _whole_only(url)
        return super().read_range(url, start, stop)

    def download(self, url: str, destination: Path, *, sha256: str, size: int | None = None, description: str) -> Path:
        self.downloads.append(url)
        data = self._bytes(url)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise IntegrityError("wrong", reference="wrong-hash")
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(data)
        return destination


def _whole_only(url: str) -> NoReturn:
    raise NetworkError("the server does not serve parts of files", context=url, reference="no-range-support")
