"""What an index remembers from task to task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import NetworkError, NoCandidateError
from scripts.wheels.index import FRESH_SECONDS, Index
from scripts.wheels.shelf import Shelf
from tests.support.pages import Page

URL = "https://index.example/simple"
OLD, NEW = "demo-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"


@dataclass
class Server:
    """Serves one project's page, with an ETag or without."""

    names: tuple[str, ...] = (OLD,)
    etag: str | None = None
    status: int = 200
    files: str = "/files"
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None) -> Page:
        self.asked.append(headers or {})
        if self.status != 200:
            return Page(url=url, status=self.status)
        tags = {} if self.etag is None else {"etag": self.etag}
        if self.etag is not None and self.asked[-1].get("If-None-Match") == self.etag:
            return Page(url=url, status=304, headers=tags)
        files = [{"filename": name, "url": f"{self.files}/{name}", "hashes": {"sha256": "ab"}} for name in self.names]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": "demo", "files": files}).encode()
        return Page(url=url, headers={"content-type": "application/vnd.pypi.simple.v1+json", **tags}, body=body)


@dataclass
class Memory:
    """Tasks one after the other: each makes an index of its own, on the same shelf."""

    folder: Path
    server: Server = field(default_factory=Server)
    now: float = 1_000_000.0
    url: str = URL

    def task(self, *, refresh: bool = False, name: str = "demo") -> list[str]:
        shelf = Shelf(self.folder)
        index = Index(self.url, self.server.fetch, shelf=shelf, refresh=refresh, now=lambda: self.now)
        return [file.filename for file in index.project(name)]

    @property
    def count(self) -> int:
        return len(self.server.asked)

    def kept(self) -> str:
        return "".join(path.read_text() for path in self.folder.rglob("*.json"))


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "shelf")


def test_with_an_etag_one_conditional_request(memory: Memory) -> None:
    memory.server.etag = '"v1"'
    assert memory.task() == [OLD]
    assert "If-None-Match" not in memory.server.asked[0]
    memory.now += 10 * FRESH_SECONDS
    assert memory.task() == [OLD]
    assert memory.count == 2
    assert memory.server.asked[1]["If-None-Match"] == '"v1"'
    assert "json" in memory.server.asked[1]["Accept"]


def test_an_etag_is_asked_about_however_young_the_page_is(memory: Memory) -> None:
    memory.server.etag = '"v1"'
    memory.task()
    memory.server.names, memory.server.etag = (OLD, NEW), '"v2"'
    assert memory.task() == [OLD, NEW]
    assert memory.task() == [OLD, NEW]
    assert [one.get("If-None-Match") for one in memory.server.asked] == [None, '"v1"', '"v2"']


@pytest.mark.parametrize(("seconds", "count"), [(0, 1), (FRESH_SECONDS - 1, 1), (FRESH_SECONDS, 2), (-1, 2)])
def test_without_one_a_page_is_good_for_its_age(memory: Memory, seconds: float, count: int) -> None:
    memory.task()
    memory.server.names = (NEW,)
    memory.now += seconds
    assert memory.task() == ([OLD] if count == 1 else [NEW])
    assert memory.count == count
    assert all("If-None-Match" not in one for one in memory.server.asked)


def test_a_page_that_lost_its_etag(memory: Memory) -> None:
    memory.server.etag = '"v1"'
    memory.task()
    memory.server.etag = None
    memory.task()
    memory.task()
    assert memory.count == 2


def test_refresh_believes_nothing_and_is_remembered(memory: Memory) -> None:
    memory.server.etag = '"v1"'
    memory.task()
    memory.server.names = (NEW,)  # under the same ETag, as no server should
    assert memory.task() == [OLD]
    assert memory.task(refresh=True) == [NEW]
    assert "If-None-Match" not in memory.server.asked[-1]
    assert memory.task() == [NEW]


def test_names_are_canonical(memory: Memory) -> None:
    memory.task()
    memory.task(name="Demo")
    assert memory.count == 1


def test_indexes_are_apart(memory: Memory, tmp_path: Path) -> None:
    memory.task()
    other = Memory(memory.folder, Server(names=(NEW,)), url="https://mirror.example/simple")
    assert other.task() == [NEW]
    assert memory.task() == [OLD]


@pytest.mark.parametrize(
    "url", ["https://user:secret@index.example/simple", "https://secret@index.example/simple", f"{URL}/"]
)
def test_an_index_with_credentials_is_never_kept(memory: Memory, url: str) -> None:
    memory.url = url
    for etag in (None, '"v1"'):
        memory.server.etag = etag
        memory.task()
        memory.task()
    assert ("secret" in url) == (memory.count == 4) == (not memory.folder.exists())
    assert "secret" not in memory.kept()


def test_links_with_credentials_are_not_kept(memory: Memory) -> None:
    memory.server.files = "https://user:secret@files.example"
    memory.task()
    memory.task()
    assert memory.count == 2
    assert "secret" not in memory.kept()


@pytest.mark.parametrize("status", [403, 404, 418])
def test_what_a_server_refuses_is_an_error_though_a_page_is_kept(memory: Memory, status: int) -> None:
    memory.server.etag = '"v1"'
    memory.task()
    memory.server.status = status
    with pytest.raises(NoCandidateError if status == 404 else NetworkError):
        memory.task()
    memory.server.status = 200
    assert memory.task() == [OLD]


@pytest.mark.parametrize("refresh", [False, True])
def test_a_304_that_nobody_asked_for(memory: Memory, *, refresh: bool) -> None:
    memory.server.status = 304
    with pytest.raises(NetworkError) as caught:
        memory.task(refresh=refresh)
    assert caught.value.reference == "http-error"


@pytest.mark.parametrize("change", [{"read": "yesterday"}, {"files": [{"filename": 1}]}, {"stranger": 1}, None])
def test_a_damaged_or_foreign_page_is_passed_over(memory: Memory, change: dict[str, Any] | None) -> None:
    memory.task()
    (path,) = memory.folder.rglob("*.json")
    data = json.loads(path.read_text())
    data["value"] = {**data["value"], **change} if change else None
    path.write_text(json.dumps(data))
    assert memory.task() == [OLD]
    assert memory.count == 2
    assert memory.task() == [OLD]
    assert memory.count == 2


def test_a_folder_that_cannot_be_written(memory: Memory, tmp_path: Path) -> None:
    memory.folder.write_text("a file")
    assert memory.task() == memory.task() == [OLD]
    assert memory.count == 2


@pytest.mark.parametrize("url", ["http://[::1/simple", "no url"])
def test_what_is_no_url_is_left_to_the_web(memory: Memory, url: str) -> None:
    memory.url = url
    memory.server.status = 404
    with pytest.raises(NoCandidateError):
        memory.task()
