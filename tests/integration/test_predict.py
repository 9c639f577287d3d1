"""predict against a real index on loopback, through the real web and the real `invoke predict`.

How many requests were made and how many bytes came is what the server itself says.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.home import CHECKOUT, Home
from scripts.model.evidence import VerdictKind
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.predicting import foresee
from scripts.shell import Completed, run
from scripts.verification.foresee import DEVICE_CODE, STATED
from scripts.wheels.metering import MAX_BYTES, MAX_REQUESTS
from tests.support.index_server import Behaviour, IndexServer, make_wheel
from tests.support.machines import SPARK_TARGET
from tests.support.torch_wheels import MB, MEMBER, STATES, TAG, changed, entry_of, large_wheel
from tests.support.zips import with_zip64_end

pytestmark = pytest.mark.integration

UNMEASURED, MEASURED = "2.15.7", "2.15.0"
"""2.15.0 has a row in constraints/devicecode.toml."""
NVRTC = "nvidia-cuda-nvrtc==13.2.86"
KNOWN_REQUESTS, KNOWN_BYTES = 10, 2_500_000
"""What a wheel whose device code was measured may take."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The large wheels, made once."""
    folder = tmp_path_factory.mktemp("shelf")
    large_wheel(folder / "unmeasured", UNMEASURED, NVRTC)
    large_wheel(folder / "measured", MEASURED, NVRTC)
    large_wheel(folder / "silent", UNMEASURED, NVRTC, states=None)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for one test's large wheels, which are not left behind."""
    made = tmp_path / "wheels"
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    made = Context(home=Home(tmp_path / "home"), environ={})
    with made.web:
        yield made


def ask(context: Context, server: IndexServer, torch: str | None = None, **options: bool) -> Forecast:
    request = ForecastRequest(strategy="pypi", torch=torch, target=SPARK_TARGET, capability=GB10, index=server.url)
    return foresee(request, context, **options)


def server_of(folder: Path, **behaviour: Any) -> IndexServer:
    return IndexServer(folder, {"torch": Behaviour(**behaviour)})


WAYS = {
    "announced": {},
    "not announced": {"announced": False},
    "no metadata": {"metadata": False},
    "html": {"html_only": True},
    "html, no metadata": {"html_only": True, "metadata": False},
    "redirected": {"moved": True},
    "redirected, no metadata": {"moved": True, "metadata": False},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_measured_wheel_takes_little(shelf: Path, context: Context, way: dict[str, bool]) -> None:
    with server_of(shelf / "measured", **way) as server:
        found = ask(context, server)
    assert (found.prediction.kind, found.prediction.reasons[0].evidence) == (VerdictKind.NOT_NEEDED, DEVICE_CODE)
    followed = server.statuses.count(302)
    assert len(server.requests) - followed == found.requests <= KNOWN_REQUESTS
    assert server.served == found.bytes_read <= KNOWN_BYTES


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_one_that_nobody_measured_is_read_as_far_as_its_list(
    shelf: Path, context: Context, way: dict[str, bool]
) -> None:
    with server_of(shelf / "unmeasured", **way) as server:
        found = ask(context, server)
    assert (found.prediction.kind, found.prediction.reasons[0].evidence) == (VerdictKind.NOT_NEEDED, STATED)
    assert (found.built_for, found.nvrtc) == (STATES, "13.2.86")
    followed = server.statuses.count(302)
    assert len(server.requests) - followed == found.requests <= MAX_REQUESTS
    assert server.served == found.bytes_read <= MAX_BYTES
    assert 5 * MB < found.bytes_read < 8 * MB, "the list lies 5 MB in, and parts are read a megabyte at a time"


@pytest.mark.parametrize("etag", [True, False])
@pytest.mark.parametrize("which", ["measured", "unmeasured"])
def test_warm(shelf: Path, context: Context, which: str, *, etag: bool) -> None:
    with server_of(shelf / which, etag=etag) as server:
        first = ask(context, server)
        asked, served = len(server.requests), server.served
        again = ask(context, server)
        assert server.statuses[asked:] == ([304] if etag else [])
        assert server.served == served
        assert again.prediction == first.prediction
        assert (again.requests, again.bytes_read) == (1 if etag else 0, 0)
        renewed = ask(context, server, refresh=True)
        assert (renewed.requests, renewed.bytes_read) == (first.requests, first.bytes_read)


def test_a_release_that_appears_is_seen_by_its_etag(shelf: Path, context: Context, folder: Path) -> None:
    for path in (shelf / "measured").iterdir():
        (folder / path.name).symlink_to(path)
    with server_of(folder, etag=True) as server:
        assert ask(context, server).torch == MEASURED
        make_wheel(folder, "torch", "2.16.0", TAG, requires=["filelock"])
        assert ask(context, server).torch == "2.16.0"


@pytest.mark.parametrize("metadata", [True, False])
def test_without_ranges_it_says_what_a_download_costs(shelf: Path, context: Context, *, metadata: bool) -> None:
    (wheel,) = (shelf / "unmeasured").iterdir()
    with server_of(wheel.parent, ranges=False, metadata=metadata) as server:
        with pytest.raises(NetworkError) as caught:
            ask(context, server)
        assert caught.value.reference == "no-range-support"
        assert (
            f"{wheel.name} would have to be downloaded whole ({wheel.stat().st_size / MB:.0f} MB)"
            in caught.value.message
        )
        assert "--download" in caught.value.hint
        found = ask(context, server, download=True)
        assert (found.prediction.kind, found.built_for) == (VerdictKind.NOT_NEEDED, STATES)
        assert "was downloaded whole" in found.notes[-1]
        assert found.bytes_read < 100_000
        asked = len(server.requests)
        assert ask(context, server, download=True).prediction == found.prediction
        assert not [one for one in server.requests[asked:] if "/files/" in one]


def test_without_ranges_a_measured_wheel_s_metadata_is_enough(shelf: Path, context: Context) -> None:
    with server_of(shelf / "measured", ranges=False) as server:
        assert ask(context, server).prediction.kind is VerdictKind.NOT_NEEDED


@pytest.mark.parametrize(
    ("behaviour", "kind", "reference"),
    [
        ({"status": 403}, NetworkError, "access-denied"),
        ({"status": 404}, NoCandidateError, "project-not-found"),
        ({"missing": True}, NoCandidateError, "project-not-found"),
        ({"status": 500}, NetworkError, "server-error"),
        ({"body": b"<h1>Sign in</h1>"}, NetworkError, "not-an-index"),
        ({"file_status": 403}, NetworkError, "http-error"),
        ({"file_status": 404}, NetworkError, "http-error"),
        ({"file_status": 500}, NetworkError, "server-error"),
        ({"metadata": False, "truncated": True}, NetworkError, "connection-lost"),
    ],
)
def test_a_server_that_fails(
    shelf: Path, context: Context, behaviour: dict[str, Any], kind: type[SparkError], reference: str
) -> None:
    with server_of(shelf / "measured", **behaviour) as server, pytest.raises(kind) as caught:
        ask(context, server)
    assert caught.value.reference == reference
    assert caught.value.hint
    assert server.served <= KNOWN_BYTES
    assert len(server.requests) <= KNOWN_REQUESTS


def test_a_page_that_is_larger_than_all_that_may_be_read(shelf: Path, context: Context) -> None:
    with server_of(shelf / "measured", json_body=b" " * (MAX_BYTES + MB)) as server:
        with pytest.raises(NetworkError, match=f"sends more than {MAX_BYTES:,} bytes") as caught:
            ask(context, server)
        assert caught.value.reference == "too-large"
        assert len(server.requests) == 1


def test_a_server_that_fails_once_is_asked_again(shelf: Path, context: Context) -> None:
    with server_of(shelf / "measured", errors=1, file_errors=1) as server:
        assert ask(context, server).prediction.kind is VerdictKind.NOT_NEEDED
    assert server.statuses.count(500) == 2


def test_parts_that_break_off_leave_the_device_code_unknown(shelf: Path, context: Context) -> None:
    with server_of(shelf / "unmeasured", truncated=True) as server:
        found = ask(context, server)
    assert found.prediction.kind is VerdictKind.UNDECIDED
    assert "broke off" in found.prediction.reasons[0].text
    assert "wheel.inspect" in found.settle[0]


@dataclass(frozen=True)
class Damage:
    """What is done to a good wheel, and what may be said of it."""

    apply: Callable[[bytes], bytes]
    references: frozenset[str]


def damage(apply: Callable[[bytes], bytes], *references: str) -> Damage:
    return Damage(apply, frozenset(references))


END = -22
"""Where the end record is, without a comment (APPNOTE.TXT 4.3.16)."""

DAMAGED = {
    "empty": damage(lambda _: b"", "bad-wheel"),
    "no zip": damage(lambda data: b"x" * len(data), "bad-wheel"),
    "its second half is missing": damage(lambda data: data[: len(data) // 2], "bad-wheel"),
    "its last byte is missing": damage(lambda data: data[:-1], "bad-wheel"),
    "a directory as large as the wheel": damage(
        lambda data: changed(data, len(data) + END + 12, "<I", len(data) - 22), "bad-wheel", "too-much-traffic"
    ),
    "a directory larger than the wheel": damage(
        lambda data: changed(data, len(data) + END + 12, "<I", 0xFFFFFFF0), "bad-wheel"
    ),
    "a directory beyond the end": damage(
        lambda data: changed(data, len(data) + END + 16, "<I", 0xFFFFFFF0), "bad-wheel"
    ),
    "zip64 records that are not there": damage(
        lambda data: changed(data, len(data) + END + 8, "<HHII", 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF), "bad-wheel"
    ),
    "METADATA somewhere else": damage(lambda data: changed(data, _metadata_entry(data) + 42, "<I", 7), "bad-wheel"),
    "METADATA of 4 GB": damage(
        lambda data: changed(data, _metadata_entry(data) + 20, "<II", 0xFFFFFFF0, 0xFFFFFFF0), "bad-wheel"
    ),
    "METADATA that says it is small": damage(
        lambda data: changed(data, _metadata_entry(data) + 24, "<I", 5), "bad-wheel", "wrong-metadata"
    ),
}


def _metadata_entry(data: bytes) -> int:
    return entry_of(data, f"torch-{MEASURED}.dist-info/METADATA")


@pytest.mark.parametrize("how", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_wheel_without_metadata_beside_it(shelf: Path, context: Context, folder: Path, how: Damage) -> None:
    (wheel,) = (shelf / "measured").iterdir()
    (folder / wheel.name).write_bytes(how.apply(wheel.read_bytes()))
    with server_of(folder, metadata=False) as server, pytest.raises(SparkError) as caught:
        ask(context, server)
    assert caught.value.reference in how.references
    assert caught.value.exit_code in {ExitCode.INTEGRITY, ExitCode.NETWORK}
    assert caught.value.hint
    assert server.served <= MAX_BYTES
    assert len(server.requests) <= MAX_REQUESTS


LIES = {
    "its library is larger than the wheel": lambda data: changed(
        data, entry_of(data, MEMBER) + 20, "<II", 0xFFFFFFF0, 0xFFFFFFF0
    ),
    "its library begins beyond the end": lambda data: changed(data, entry_of(data, MEMBER) + 42, "<I", 0x7FFFFFFF),
    "its library begins in the middle of another": lambda data: changed(
        data, entry_of(data, MEMBER) + 42, "<I", 99_999
    ),
    "its library is empty": lambda data: changed(data, entry_of(data, MEMBER) + 20, "<I", 0),
    "its library is encrypted": lambda data: changed(data, entry_of(data, MEMBER) + 8, "<H", 1),
    "its library is damaged": lambda data: data.replace(data[20 * MB : 20 * MB + 5000], b"\xff" * 5000),
    "its library is said to be stored": lambda data: changed(data, entry_of(data, MEMBER) + 10, "<H", 0),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_directory_that_lies_about_the_library(
    shelf: Path, context: Context, folder: Path, lie: Callable[[bytes], bytes]
) -> None:
    (wheel,) = (shelf / "silent").iterdir()
    (folder / wheel.name).write_bytes(lie(wheel.read_bytes()))
    with server_of(folder) as server:
        found = ask(context, server)
    assert found.prediction.kind is VerdictKind.UNDECIDED, "what it requires is known, what it holds is not"
    assert "torch's device code is not known" in found.prediction.reasons[0].text
    assert "wheel.inspect" in found.settle[0]
    assert server.served <= MAX_BYTES + MB
    assert len(server.requests) <= MAX_REQUESTS


@pytest.mark.parametrize("size", [0, 1, 5000, 10**12])
@pytest.mark.parametrize("which", ["measured", "unmeasured"])
def test_a_page_that_lies_about_the_size(shelf: Path, context: Context, which: str, size: int) -> None:
    (wheel,) = (shelf / which).iterdir()
    entry = {"filename": wheel.name, "url": f"/files/{wheel.name}", "hashes": {"sha256": "0" * 64}, "size": size}
    page = {"meta": {"api-version": "1.1"}, "name": "torch", "versions": [], "files": [entry]}
    served = server_of(wheel.parent, metadata=False, json_body=json.dumps(page).encode())
    with served as server, pytest.raises((IntegrityError, NetworkError)) as caught:
        ask(context, server)
    assert caught.value.hint
    assert server.served <= KNOWN_BYTES
    assert len(server.requests) <= KNOWN_REQUESTS


@pytest.mark.parametrize("metadata", [True, False])
def test_zip64(context: Context, folder: Path, *, metadata: bool) -> None:
    wheel = large_wheel(folder, UNMEASURED, NVRTC, zip64=True)
    wheel.write_bytes(with_zip64_end(wheel.read_bytes()))
    with server_of(wheel.parent, metadata=metadata) as server:
        found = ask(context, server)
    assert (found.prediction.kind, found.built_for) == (VerdictKind.NOT_NEEDED, STATES)
    assert server.served == found.bytes_read <= MAX_BYTES


@pytest.mark.parametrize("what", ["stored", "no list", "no library"])
def test_other_wheels(context: Context, folder: Path, what: str) -> None:
    if what == "no library":
        make_wheel(folder, "torch", UNMEASURED, TAG, requires=[NVRTC])
    else:
        large_wheel(folder, UNMEASURED, NVRTC, states=STATES if what == "stored" else None, method=0)
    with server_of(folder) as server:
        found = ask(context, server)
    assert found.prediction.kind is (VerdictKind.NOT_NEEDED if what == "stored" else VerdictKind.UNDECIDED)
    assert server.served == found.bytes_read <= MAX_BYTES


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user who has nothing yet."""
    (tmp_path / "user").mkdir()
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path / "user"),
        "KOKORO_SPARK_HOME": str(tmp_path / "home"),
        "PIP_CONFIG_FILE": os.devnull,
        "LC_ALL": "C.UTF-8",
    }


def invoke(environ: dict[str, str], *arguments: str) -> Completed:
    done = run([sys.executable, "-m", "invoke", "predict", *arguments], env=environ, cwd=CHECKOUT)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_task(shelf: Path, environ: dict[str, str]) -> None:
    with server_of(shelf / "unmeasured", etag=True) as server:
        environ |= {"UV_DEFAULT_INDEX": server.url}
        done = invoke(environ)
        assert done.ok, done.stderr
        assert done.stdout.startswith("predicted  not-needed: ")
        assert f"built for  {STATES}" in done.stdout
        again = invoke(environ, "--json", "--expect", "needed")
        assert again.returncode == ExitCode.DRIFT
        assert server.statuses[-1] == 304
    (line,) = again.stdout.splitlines()
    document = json.loads(line)
    assert (document["prediction"]["kind"], document["requests"], document["bytes_read"]) == ("not-needed", 1, 0)


def test_the_task_without_ranges(shelf: Path, environ: dict[str, str]) -> None:
    (wheel,) = (shelf / "unmeasured").iterdir()
    with server_of(wheel.parent, ranges=False, metadata=False) as server:
        refused = invoke(environ, "--index", server.url)
        assert refused.returncode == ExitCode.NETWORK
        assert f"({wheel.stat().st_size / MB:.0f} MB)" in refused.stderr
        assert "hint: say so with --download" in refused.stderr
        assert refused.stdout == ""
        done = invoke(environ, "--index", server.url, "--download")
    assert done.ok, done.stderr
    assert "was downloaded whole" in done.stdout


@pytest.mark.parametrize(
    ("behaviour", "arguments", "code"),
    [
        ({"status": 403}, (), ExitCode.NETWORK),
        ({"file_status": 403}, (), ExitCode.NETWORK),
        ({}, ("--torch", "9.9.9"), ExitCode.NO_CANDIDATE),
        ({}, ("--sm", "sm_121"), ExitCode.USAGE),
    ],
)
def test_the_task_s_failures(
    shelf: Path, environ: dict[str, str], behaviour: dict[str, Any], arguments: tuple[str, ...], code: ExitCode
) -> None:
    with server_of(shelf / "measured", **behaviour) as server:
        done = invoke(environ, "--json", "--index", server.url, *arguments)
    assert done.returncode == code
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["exit_code"] == code


@pytest.mark.parametrize("by", ["option", "variable"])
def test_credentials_appear_nowhere(shelf: Path, environ: dict[str, str], by: str) -> None:
    with server_of(shelf / "unmeasured", metadata=False) as server:
        url = server.url.replace("http://", "http://someone:topsecret@")
        arguments = ("--index", url) if by == "option" else ()
        environ |= {"UV_DEFAULT_INDEX": url} if by == "variable" else {}
        said = []
        for more in ((), ("--json",), ("--torch", "9.9.9"), ("--verbose",)):
            done = invoke(environ, *arguments, *more)
            said += [done.stdout, done.stderr]
        server.behaviours = {"torch": Behaviour(file_status=403, metadata=False)}
        done = invoke(environ, *arguments, "--refresh")
        assert done.returncode == ExitCode.NETWORK
        said += [done.stdout, done.stderr]
    assert all("Authorization" in headers for headers in server.headers), "they were sent"
    assert not [text for text in said if "topsecret" in text]
    kept = [path for path in Path(environ["KOKORO_SPARK_HOME"]).rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"topsecret" in path.read_bytes()]
