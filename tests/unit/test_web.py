from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import requests

from scripts.errors import DiskError, IntegrityError, NetworkError, UsageError
from scripts.web import Web
from scripts.web.session import HttpSession

BODY = bytes(range(256)) * 40
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def url(tmp_path: Path) -> str:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file.bin").write_bytes(BODY)
    (folder / "index.html").write_text("<html></html>")
    return folder.as_uri()


def test_a_folder_is_its_index_page(url: str) -> None:
    with Web() as web:
        reply = web.get(f"{url}/")
    assert (reply.status, reply.body) == (200, b"<html></html>")
    assert reply.headers["content-type"] == "text/html"


def test_a_missing_file_is_an_answer(url: str) -> None:
    with Web() as web:
        assert web.get(f"{url}/none").status == 404


def test_ranges_and_sizes(url: str) -> None:
    with Web() as web:
        assert web.size(f"{url}/file.bin") == len(BODY)
        assert web.read_range(f"{url}/file.bin", 10, 300) == BODY[10:300]
        with pytest.raises(NetworkError) as caught:
            web.size(f"{url}/none")
    assert caught.value.reference == "http-error"


def test_download_goes_on_from_its_part(url: str, tmp_path: Path) -> None:
    destination = tmp_path / "out" / "file.bin"
    destination.parent.mkdir()
    part = destination.with_name("file.bin.part")
    part.write_bytes(BODY[:100])
    with Web() as web:
        assert web.download(f"{url}/file.bin", destination, sha256=SHA.upper(), description="file") == destination
    assert destination.read_bytes() == BODY
    assert not part.exists()


def test_download_keeps_what_is_there_and_right(tmp_path: Path) -> None:
    destination = tmp_path / "file.bin"
    destination.write_bytes(BODY)
    with Web() as web:  # nothing is at that URL
        web.download((tmp_path / "none").as_uri(), destination, sha256=SHA, description="file")
    assert list(tmp_path.iterdir()) == [destination]


@pytest.mark.parametrize(
    ("sha256", "size", "reference"), [("0" * 64, None, "wrong-hash"), (SHA, len(BODY) + 1, "truncated-file")]
)
def test_a_wrong_file_leaves_nothing(url: str, tmp_path: Path, sha256: str, size: int | None, reference: str) -> None:
    destination = tmp_path / "out" / "file.bin"
    with Web() as web, pytest.raises(IntegrityError, match=r"file\.bin") as caught:
        web.download(f"{url}/file.bin", destination, sha256=sha256, size=size, description="file")
    assert caught.value.reference == reference
    assert list(destination.parent.iterdir()) == []


def test_a_wrong_file_leaves_the_old_one(url: str, tmp_path: Path) -> None:
    destination = tmp_path / "file.bin"
    destination.write_bytes(b"old")
    with Web() as web, pytest.raises(IntegrityError):
        web.download(f"{url}/file.bin", destination, sha256="0" * 64, description="file")
    assert destination.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made(url: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with Web() as web, pytest.raises(DiskError) as caught:
        web.download(f"{url}/file.bin", tmp_path / "taken" / "file.bin", sha256=SHA, description="file")
    assert caught.value.reference == "not-writable"


def test_a_download_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    destination = tmp_path / "out" / "file.bin"
    with Web() as web, pytest.raises(NetworkError) as caught:
        web.download((tmp_path / "none").as_uri(), destination, sha256=SHA, description="file")
    assert caught.value.reference == "http-error"
    assert list(destination.parent.iterdir()) == []


@pytest.mark.parametrize("url", ["ftp://host/x", "no-scheme", "http://", "http://[bad/x", "http://host:port/"])
def test_bad_urls(url: str) -> None:
    with Web() as web, pytest.raises(UsageError) as caught:
        web.get(url)
    assert caught.value.reference == "bad-url"


@pytest.mark.parametrize(
    ("location", "allowed"),
    [("/elsewhere", True), ("https://other.example/x", True), ("file:///etc/passwd", False), ("ftp://h/x", False)],
)
def test_a_server_does_not_send_us_to_our_own_files(location: str, *, allowed: bool) -> None:
    reply = requests.Response()
    reply.status_code, reply.reason, reply.url = 302, "Found", "http://user:secret@host.example/x"
    reply.headers["Location"] = location
    session = HttpSession()
    if allowed:
        assert session.get_redirect_target(reply) == location
        return
    with pytest.raises(NetworkError) as caught:
        session.get_redirect_target(reply)
    assert caught.value.reference == "bad-redirect"
    assert "secret" not in caught.value.context


def test_a_proxy_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@[bad")
    monkeypatch.delenv("http_proxy", raising=False)
    with Web() as web, pytest.raises(UsageError) as caught:
        web.get("http://host.example/")
    assert caught.value.reference == "bad-proxy"
    assert "secret" not in str(caught.value.to_dict())
