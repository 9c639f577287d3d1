"""The web client and the index client against a real server on loopback, good and bad."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.wheels import IndexFile
from scripts.web import Web
from scripts.wheels.index import Index
from scripts.wheels.metadata import read_metadata
from tests.support.index_server import JSON, Behaviour, IndexServer, make_wheel

pytestmark = pytest.mark.integration


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    make_wheel(folder, "demo", "1.0", files={"demo.bin": bytes(100_000)})
    return folder


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(read_timeout=0.5, backoff=(0.01, 0.01)) as web:
        yield web


def wheel_and_hash(folder: Path) -> tuple[str, str]:
    wheel = next(folder.glob("*.whl"))
    return wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_page_comes_after_two_failures_but_not_after_three(wheels: Path, web: Web) -> None:
    with IndexServer(wheels, {"demo": Behaviour(errors=2)}) as server:
        assert web.get(f"{server.url}/demo/", headers={"Accept": JSON}).headers["content-type"] == JSON
    with IndexServer(wheels, {"demo": Behaviour(errors=3)}) as server, pytest.raises(NetworkError) as caught:
        web.get(f"{server.url}/demo/")
    assert caught.value.reference == "server-error"
    assert "500" in caught.value.context


def test_a_silent_server_is_given_up_on(wheels: Path, web: Web) -> None:
    start = time.monotonic()
    with IndexServer(wheels, {"demo": Behaviour(slow=30)}) as server, pytest.raises(NetworkError) as caught:
        web.get(f"{server.url}/demo/")
    assert caught.value.reference == "network-timeout"
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/simple/", "https://index.invalid/simple/"])
def test_an_unreachable_host_is_told_at_once(url: str) -> None:
    start = time.monotonic()
    with Web() as web, pytest.raises(NetworkError) as caught:
        web.get(url.replace("//", "//user:secret@"))
    assert caught.value.reference == "network-unreachable"
    assert "--index" in caught.value.hint
    assert "secret" not in str(caught.value)
    assert time.monotonic() - start < 5


def test_a_dead_proxy_is_named(wheels: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(NetworkError) as caught:
        web.get("http://index.invalid/simple/")
    assert caught.value.reference == "proxy-failed"
    assert caught.value.message == "the proxy 127.0.0.1:9 cannot be reached"
    assert "HTTPS_PROXY" in caught.value.hint


def test_plain_http_is_not_taken_for_a_bad_certificate(wheels: Path) -> None:
    with IndexServer(wheels) as server, Web() as web, pytest.raises(NetworkError) as caught:
        web.get(server.url.replace("http:", "https:"))
    assert caught.value.reference == "tls-failed"
    assert "does not speak TLS" in caught.value.message
    assert "http://" in caught.value.hint


def test_a_ca_bundle_that_is_not_there(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    with IndexServer(wheels) as server, Web() as web, pytest.raises(UsageError) as caught:
        web.get(server.url.replace("http:", "https:"))
    assert caught.value.reference == "bad-ca-bundle"


def test_download_resumes(wheels: Path, web: Web, tmp_path: Path) -> None:
    name, sha256 = wheel_and_hash(wheels)
    destination = tmp_path / "cache" / name
    destination.parent.mkdir()
    data = (wheels / name).read_bytes()
    destination.with_name(f"{name}.part").write_bytes(data[:1000])
    with IndexServer(wheels) as server:
        web.download(f"{server.origin}/files/{name}", destination, sha256=sha256, size=len(data), description=name)
        assert server.headers[-1]["Range"] == "bytes=1000-"
    assert destination.read_bytes() == data


@pytest.mark.parametrize("start", [b"", b"wrong beginning"])
def test_download_from_a_server_without_ranges(wheels: Path, web: Web, tmp_path: Path, start: bytes) -> None:
    name, sha256 = wheel_and_hash(wheels)
    destination = tmp_path / name
    destination.with_name(f"{name}.part").write_bytes(start)
    with IndexServer(wheels, {"demo": Behaviour(ranges=False)}) as server:
        web.download(f"{server.origin}/files/{name}", destination, sha256=sha256, description=name)
        with pytest.raises(NetworkError) as caught:
            web.read_range(f"{server.origin}/files/{name}", 5, 10)
    assert caught.value.reference == "no-range-support"


def test_a_part_that_is_whole_is_only_checked(wheels: Path, web: Web, tmp_path: Path) -> None:
    name, sha256 = wheel_and_hash(wheels)
    destination = tmp_path / name
    destination.with_name(f"{name}.part").write_bytes((wheels / name).read_bytes())
    with IndexServer(wheels) as server:
        web.download(f"{server.origin}/files/{name}", destination, sha256=sha256, description=name)
    assert destination.exists()


def test_a_file_that_always_breaks_off_is_refused(wheels: Path, web: Web, tmp_path: Path) -> None:
    name, sha256 = wheel_and_hash(wheels)
    destination = tmp_path / "cache" / name
    with (
        IndexServer(wheels, {"demo": Behaviour(truncated=True)}) as server,
        pytest.raises(IntegrityError) as caught,
    ):
        web.download(f"{server.origin}/files/{name}", destination, sha256=sha256, description=name)
    assert caught.value.reference == "truncated-file"
    assert name in caught.value.message
    assert list(destination.parent.iterdir()) == []


def test_two_downloads_at_once_do_the_work_once(wheels: Path, tmp_path: Path) -> None:
    name, sha256 = wheel_and_hash(wheels)
    destination = tmp_path / name
    with IndexServer(wheels, {"demo": Behaviour(slow=0.3)}) as server:

        def fetch() -> None:
            with Web() as web:
                web.download(f"{server.origin}/files/{name}", destination, sha256=sha256, description=name)

        threads = [threading.Thread(target=fetch) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.requests.count(f"GET /files/{name}") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "wheels"]


def test_a_connection_that_breaks_keeps_the_part(web: Web, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):  # the first only looks whether we are there
            connection, _ = listener.accept()
            with connection:
                if connection.recv(10_000):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(300_000))
                    time.sleep(1.5)

    thread = threading.Thread(target=serve)
    thread.start()
    destination = tmp_path / "file.bin"
    with pytest.raises(NetworkError) as caught:
        web.download(
            f"http://127.0.0.1:{listener.getsockname()[1]}/file.bin", destination, sha256="0" * 64, description="file"
        )
    thread.join()
    listener.close()
    assert caught.value.reference == "network-timeout"
    assert destination.with_name("file.bin.part").stat().st_size > 200_000


def project(server: IndexServer, web: Web, name: str = "demo") -> tuple[IndexFile, ...]:
    return Index(server.url, web.get).project(name)


@pytest.mark.parametrize("html_only", [False, True])
def test_an_index_in_both_its_forms(wheels: Path, web: Web, *, html_only: bool) -> None:
    how = Behaviour(html_only=html_only, yanked="old", requires_python=">=3.10")
    with IndexServer(wheels, {"demo": how}, path="whl/cu130") as server:
        assert server.url.endswith("/whl/cu130")
        (file,) = project(server, web, "Demo")
        name, sha256 = wheel_and_hash(wheels)
        assert (file.filename, file.sha256) == (name, sha256)
        assert file.url == f"{server.origin}/files/{name}"
        assert (file.yanked, file.requires_python, file.metadata_announced) == ("old", ">=3.10", True)
        assert web.download(file.url, wheels / "again", sha256=sha256, size=file.size, description=name).is_file()


@pytest.mark.parametrize(
    ("how", "kind", "reference"),
    [
        (Behaviour(missing=True), NoCandidateError, "project-not-found"),
        (Behaviour(status=403), NetworkError, "access-denied"),
        (Behaviour(errors=3), NetworkError, "server-error"),
        (Behaviour(slow=5), NetworkError, "network-timeout"),
        (Behaviour(page_of="other"), IntegrityError, "wrong-project"),
        (Behaviour(page_of="other", html_only=True), IntegrityError, "wrong-project"),
        (Behaviour(body=b"<html><a href='/login'>Sign in</a></html>"), NetworkError, "not-an-index"),
        (Behaviour(json_body=b"{'no': json}"), NetworkError, "not-an-index"),
    ],
)
def test_a_bad_index(wheels: Path, web: Web, how: Behaviour, kind: type[SparkError], reference: str) -> None:
    make_wheel(wheels, "other", "1.0")
    with IndexServer(wheels, {"demo": how}) as server, pytest.raises(kind) as caught:
        project(server, web)
    assert caught.value.reference == reference
    assert caught.value.hint


def test_a_file_that_is_not_what_the_page_promised(wheels: Path, web: Web, tmp_path: Path) -> None:
    with IndexServer(wheels, {"demo": Behaviour(wrong_hash=True)}) as server:
        (file,) = project(server, web)
        with pytest.raises(IntegrityError) as caught:
            web.download(file.url, tmp_path / "out" / "x", sha256=str(file.sha256), size=file.size, description="x")
    assert caught.value.reference == "wrong-hash"
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("metadata", [True, False])
def test_what_a_wheel_requires_costs_no_wheel(wheels: Path, web: Web, *, metadata: bool) -> None:
    big = make_wheel(wheels, "torch", "2.9.1", requires=["nvidia-cuda-nvrtc-cu12==12.8.93"], files={"x": bytes(10**6)})
    with IndexServer(wheels, {"torch": Behaviour(metadata=metadata, announced=False)}) as server:
        (file,) = project(server, web, "torch")
        text = read_metadata(file, web)
        ranges = [headers.get("Range") for headers in server.headers if "Range" in headers]
    assert "Name: torch\nVersion: 2.9.1\nRequires-Dist: nvidia-cuda-nvrtc-cu12==12.8.93" in text
    assert (len(ranges) == 0) if metadata else (0 < len(ranges) < 4)
    assert big.stat().st_size > 10**6


def test_an_index_that_is_a_folder(wheels: Path, web: Web, tmp_path: Path) -> None:
    name, sha256 = wheel_and_hash(wheels)
    page = tmp_path / "simple" / "demo" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<!DOCTYPE html><a href="../../wheels/{name}#sha256={sha256}">{name}</a>')
    (file,) = Index((tmp_path / "simple").as_uri(), web.get).project("demo")
    assert read_metadata(file, web).startswith("Metadata-Version: 2.1\nName: demo\n")
    web.download(file.url, tmp_path / "copy.whl", sha256=str(file.sha256), description=name)
