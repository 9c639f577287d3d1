"""wheel.serve: what is answered and what is not, over real sockets on loopback, and the task as a process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.request import urlopen

import pytest

from scripts.builds import serving
from scripts.builds.serving import open_server, serve
from scripts.builds.wheelhouse import Wheelhouse
from scripts.errors import ExitCode, UsageError
from scripts.home import CHECKOUT
from scripts.model.builds import Published
from tests.support.index_server import JSON, make_wheel
from tests.support.publishing import publish

pytestmark = pytest.mark.integration

PAGE = "/simple/demo-ext/"


class Served:
    """A wheelhouse with one wheel, and what it answers."""

    def __init__(self, folder: Path) -> None:
        (folder / "secret.txt").write_text("secret")
        self.house = Wheelhouse(folder / "house")
        self.one: Published = publish(self.house, make_wheel(folder, "demo-ext", "1.0"), "one")
        self.wheel = (self.house.root / self.one.wheel).read_bytes()
        self.server = open_server(self.house.root, "127.0.0.1", 0, verbose=True)
        self.port = self.server.server_address[1]

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Ask for a path as it is, nothing of it tidied up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def part(self, wanted: str) -> tuple[int, bytes, str | None]:
        status, body, headers = self.ask(f"/{self.one.wheel}", Range=wanted)
        return status, body, headers["Content-Range"]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(serving, "say", lambda line, **_: lines.append(line))
    return lines


@pytest.fixture
def served(tmp_path: Path, said: list[str]) -> Iterator[Served]:
    made = Served(tmp_path)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()
    assert not [line for line in said if "could not be answered" in line]


def test_pages_by_what_is_accepted(served: Served) -> None:
    status, body, headers = served.ask(PAGE, Accept=f"{JSON}, text/html;q=0.1")
    assert (status, headers["Content-Type"], headers["Vary"]) == (200, JSON, "Accept")
    assert json.loads(body)["files"][0]["hashes"] == {"sha256": served.one.sha256}
    status, body, headers = served.ask(PAGE, Accept="text/html")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "text/html", "no-cache")
    assert body.startswith(b"<!DOCTYPE html>")
    for accepted in (JSON, "text/html"):
        status, _, headers = served.ask(PAGE.rstrip("/"), Accept=accepted)
        assert (status, headers["Location"]) == (301, PAGE), "relative links want the slash"


def test_head(served: Served) -> None:
    status, body, headers = served.ask(f"/{served.one.wheel}", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(served.one.size))
    assert headers["Accept-Ranges"] == "bytes"
    status, body, headers = served.ask(PAGE, "HEAD", Accept=JSON)
    assert (status, body, headers["Content-Type"]) == (200, b"", JSON)
    assert served.ask("/simple/nothing/", "HEAD")[:2] == (404, b"")


def test_ranges(served: Served) -> None:
    wheel, size = served.wheel, served.one.size
    assert served.part("bytes=0-9") == (206, wheel[:10], f"bytes 0-9/{size}")
    assert served.part("bytes=10-") == (206, wheel[10:], f"bytes 10-{size - 1}/{size}")
    assert served.part("bytes=-7") == (206, wheel[-7:], f"bytes {size - 7}-{size - 1}/{size}")
    assert served.part(f"bytes=-{size + 5}") == (206, wheel, f"bytes 0-{size - 1}/{size}")
    assert served.part(f"bytes=5-{size + 5}") == (206, wheel[5:], f"bytes 5-{size - 1}/{size}")
    for wanted in (f"bytes={size}-", "bytes=-0", "bytes=" + "9" * 18 + "-"):
        assert served.part(wanted) == (416, b"", f"bytes */{size}")


@pytest.mark.parametrize("wanted", ["bytes=-", "bytes=9-1", "bytes=0-1,3-4", "lines=0-1", "bytes=" + "9" * 5000 + "-"])
def test_what_is_no_range_is_passed_over(served: Served, wanted: str) -> None:
    assert served.part(wanted) == (200, served.wheel, None)


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/simple/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/simple/%2e%2e%2f%2e%2e%2fsecret.txt",
        "//../secret.txt",
        "/simple/..%00/secret.txt",
        "/%00",
        "/linked.txt",
        "/round",
        "/pipe",
        "/.hidden",
        "/%2ehidden",
        "/.folder/file",
        "/files/",
        "/stamps/",
        "/",
        "/" + "long" * 100,
        "/simple/%ff%fe/",
        "/SHA256SUMS/file",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there(served: Served, path: str, method: str) -> None:
    root = served.house.root
    (root / "linked.txt").symlink_to(root.parent / "secret.txt")
    (root / "round").symlink_to("round")
    os.mkfifo(root / "pipe")
    (root / ".hidden").write_text("secret")
    (root / ".folder").mkdir()
    (root / ".folder/file").write_text("secret")
    for headers in ({}, {"Range": "bytes=0-3"}, {"Accept": JSON}):
        status, body, _ = served.ask(path, method, **headers)
        assert status == 404
        assert b"secret" not in body
        assert b"demo" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(served: Served, method: str) -> None:
    assert served.ask(f"/{served.one.wheel}", method)[0] == 501
    assert served.house.require(served.one)


def test_who_goes_away_in_the_middle(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    (served.house.root / "large").write_bytes(bytes(32 << 20))
    for extra in ("", "Range: bytes=1-\r\n"):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(f"GET /large HTTP/1.1\r\nHost: x\r\n{extra}\r\n".encode())
            assert connection.recv(10)
    assert served.ask(PAGE)[0] == 200
    served.house.root.joinpath("large").unlink()
    while [one for one in threading.enumerate() if "process_request_thread" in one.name]:
        time.sleep(0.02)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_what_is_asked_for_cannot_write_on_the_terminal(served: Served, said: list[str]) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(b"GET /\x1b[2Jx HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while connection.recv(1000):
            pass
    assert any("\\x1b[2Jx" in line for line in said)
    assert all(line.isprintable() for line in said)


@pytest.mark.parametrize(("host", "notes"), [("0.0.0.0", 1), ("127.0.0.1", 0), ("localhost", 0), ("::1", 0)])
def test_a_note_where_others_can_read(tmp_path: Path, said: list[str], host: str, notes: int) -> None:
    house = Served(tmp_path)
    house.server.server_close()
    if ":" in host and not Path("/proc/net/if_inet6").is_file():
        pytest.skip("there is no IPv6 here")

    def ready(url: str) -> None:
        raise KeyboardInterrupt(url)

    with pytest.raises(KeyboardInterrupt, match=r"^http://(\[::1\]|[\w.]+):\d+/simple/$"):
        serve(house.house.root, host, 0, ready=ready, verbose=False)
    assert len([line for line in said if "can read this wheelhouse" in line]) == notes


def test_addresses_that_cannot_be_listened_on(served: Served) -> None:
    for host, port in (("127.0.0.1", served.port), ("192.0.2.1", 0), ("a..b", 0)):
        with pytest.raises(UsageError) as caught:
            open_server(served.house.root, host, port, verbose=False)
        assert caught.value.reference == "cannot-listen"


def test_no_wheelhouse(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_server(tmp_path, "127.0.0.1", 0, verbose=False)
    assert caught.value.reference == "no-wheelhouse"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_the_task(tmp_path: Path, number: signal.Signals, code: ExitCode) -> None:
    house = Wheelhouse(tmp_path / "house")
    publish(house, make_wheel(tmp_path, "demo", "1.0"), "one")
    command = ["env", "--default-signal=INT", sys.executable, "-m", "invoke", "wheel.serve"]
    command += ["--port", "0", "--json", "--wheelhouse", str(house.root)]
    environ = {**os.environ, "KOKORO_SPARK_HOME": str(tmp_path / "home")}
    with Popen(command, cwd=CHECKOUT, env=environ, stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline() or "{}")
            assert told["wheelhouse"] == str(house.root)
            with urlopen(told["url"] + "demo/", timeout=20) as answer:
                assert b"demo-1.0" in answer.read()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == code, err
    assert "Traceback" not in err
