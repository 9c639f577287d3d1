"""Indexes and a uv for planning, all made up: pages by URL, metadata by wheel, a lock from `uv pip compile`."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from scripts.errors import NetworkError
from scripts.shell import Completed
from scripts.wheels.ports import LARGEST_PAGE
from scripts.wheels.writer import metadata_text
from tests.support.pages import Page, ScriptedWeb

DEFAULT = "https://default.example/simple"
HASH = "--hash=sha256:" + "a" * 64

CPU_ONLY = metadata_text("torch", "2.9.1", ("Requires-Dist", "filelock"))
CU128 = metadata_text(
    "torch", "2.9.1", ("Requires-Dist", "filelock"), ("Requires-Dist", "nvidia-cuda-nvrtc-cu12==12.8.93")
)


def page(index: str, *wheels: tuple[str, str]) -> dict[str, Page | bytes]:
    """One project's page and its wheels' metadata: (file name, METADATA) each."""
    project = wheels[0][0].split("-")[0]
    links = "".join(f'<a href="/files/{html.escape(name)}#sha256={"a" * 64}">{name}</a>\n' for name, _ in wheels)
    url = f"{index}/{project}/"
    origin = "/".join(index.split("/")[:3])
    pages: dict[str, Page | bytes] = {url: Page(url=url, body=links.encode(), headers={"content-type": "text/html"})}
    for name, metadata in wheels:
        pages[f"{origin}/files/{name}.metadata"] = metadata.encode()
    return pages


@dataclass
class UnreachableWeb(ScriptedWeb):
    """Pages that are there answer; every other host is out of reach."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = LARGEST_PAGE) -> Page:
        if url not in self.pages:
            self.seen.append(url)
            _refuse(url)
        return super().get(url, headers=headers, limit=limit)

    def size(self, url: str) -> int:
        _refuse(url)

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        _refuse(url)


def _refuse(url: str) -> NoReturn:
    host = url.split("/")[2]
    raise NetworkError(
        f"{host} cannot be reached", context="connection refused", reference="network-unreachable", hint="check"
    )


@dataclass
class CompilingUv:
    """`uv pip compile`: writes this lock. Everything else is not installed."""

    text: str = f"torch==2.9.1 {HASH}\nnvidia-cuda-nvrtc-cu12==12.8.93 {HASH}\n"
    stderr: str = ""
    seen: list[tuple[str, ...]] = field(default_factory=list)
    inputs: list[tuple[str, str]] = field(default_factory=list)
    """The requirements and the overrides it was given."""
    indexes: list[str | None] = field(default_factory=list)
    """The one index that each resolution was given by variable."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        self.seen.append(tuple(argv))
        assert tuple(argv[:3]) == ("uv", "pip", "compile")
        self.indexes.append((env or {}).get("UV_DEFAULT_INDEX"))
        overrides = Path(argv[argv.index("--override") + 1])
        self.inputs.append((Path(argv[-1]).read_text(), overrides.read_text()))
        if self.stderr:
            return Completed(argv=tuple(argv), returncode=1, stdout="", stderr=self.stderr, seconds=0.0)
        Path(argv[argv.index("--output-file") + 1]).write_text(self.text)
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="", seconds=0.0)
