"""Passports over real HTTP, and against cuobjdump."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.errors import ExitCode, IntegrityError, NetworkError, SparkError
from scripts.home import Home
from scripts.model.target import GB10, Architecture, PythonVersion, Target
from scripts.operations.context import Context
from scripts.operations.inspecting import Inspected, inspect_wheel
from scripts.wheels.metering import MAX_BYTES, MAX_REQUESTS
from scripts.wheels.passport import Fit
from tests.support.cuobjdump import as_listed, find_cuobjdump, list_code
from tests.support.index_server import Behaviour, IndexServer, make_wheel

pytestmark = pytest.mark.integration

FATBINS = Path(__file__).parents[1] / "data" / "fatbins"
SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
TAG = "cp312-cp312-manylinux_2_28_aarch64"
NAMES = ("plain.so", "compressed.so", "relocatable.so", "hopper.so")
LARGE = 3_000_000


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    files = {f"demo/{name}": (FATBINS / name).read_bytes() for name in NAMES}
    files["demo/large.so"] = (FATBINS / "plain.so").read_bytes() + bytes(LARGE)
    return make_wheel(tmp_path / "wheels", "demo", "1.0", TAG, files=files)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Context]:
    one = Context(home=Home(root=tmp_path / "data"))
    yield one
    one.web.close()


def inspect(
    what: str | Path, made: Context, *, index: str | None = None, download: bool = False, sha256: str | None = None
) -> Inspected:
    return inspect_wheel(
        str(what), made, sm=GB10, target=SPARK, index=index, download=download, sha256=sha256, strategy="pypi"
    )


def test_from_afar_only_its_end_is_read(wheel: Path, made: Context) -> None:
    with IndexServer(wheel.parent) as server:
        passport = inspect(f"{server.origin}/files/{wheel.name}", made).passport
        asked = [headers.get("Range") for headers in server.headers]
    assert all(one is not None and one.startswith("bytes=") for one in asked)
    assert len(asked) == passport.requests <= MAX_REQUESTS
    assert passport.bytes_read < wheel.stat().st_size - LARGE + 100_000 < MAX_BYTES
    assert (passport.name, passport.fits, passport.size) == ("demo", True, wheel.stat().st_size)
    assert {one.known for one in passport.libraries} == {"not read: --download"}


def test_redirects_are_followed(wheel: Path, made: Context) -> None:
    with IndexServer(wheel.parent, {"demo": Behaviour(moved=True)}) as server:
        found = inspect(f"{server.origin}/files/{wheel.name}", made)
    assert found.passport.name == "demo"


def test_a_requirement_on_an_index_read_and_downloaded(wheel: Path, made: Context) -> None:
    with IndexServer(wheel.parent) as server:
        unread = inspect("demo==1.0", made, index=server.url).passport
        whole = inspect("demo==1.0", made, index=server.url, download=True).passport
        before = len(server.requests)
        again = inspect("demo==1.0", made, index=server.url, download=True).passport
        assert not [one for one in server.requests[before:] if "/files/" in one]  # it is kept, by its hash
    assert (unread.fit, whole.fit) == (Fit.UNKNOWN, Fit.RUNS)
    assert unread.sha256 == whole.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert again.libraries == whole.libraries


def test_a_server_without_ranges_says_what_a_download_costs(wheel: Path, made: Context) -> None:
    with IndexServer(wheel.parent, {"demo": Behaviour(ranges=False)}) as server:
        with pytest.raises(NetworkError, match=r"only be downloaded whole, 3\.\d MB") as caught:
            inspect("demo", made, index=server.url)
        assert caught.value.hint == "say so with --download"
        with pytest.raises(NetworkError, match="only be downloaded whole") as caught:
            inspect(f"{server.origin}/files/{wheel.name}", made)
        assert "--sha256" in caught.value.hint
        assert inspect("demo", made, index=server.url, download=True).passport.fit is Fit.RUNS


@pytest.mark.parametrize(
    ("behaviour", "reference"),
    [
        (Behaviour(file_status=403), "http-error"),
        (Behaviour(file_status=404), "http-error"),
        (Behaviour(file_status=500), "server-error"),
        (Behaviour(truncated=True), "connection-lost"),
    ],
)
@pytest.mark.parametrize("download", [False, True])
def test_a_server_that_fails(
    wheel: Path, made: Context, behaviour: Behaviour, reference: str, *, download: bool
) -> None:
    with IndexServer(wheel.parent, {"demo": behaviour}) as server:
        with pytest.raises(SparkError) as caught:
            inspect("demo", made, index=server.url, download=download)
        assert caught.value.reference in {reference, "truncated-file"}
        assert caught.value.exit_code in {ExitCode.NETWORK, ExitCode.INTEGRITY}


def test_a_wheel_of_another_hash(wheel: Path, made: Context) -> None:
    with IndexServer(wheel.parent, {"demo": Behaviour(wrong_hash=True)}) as server:
        with pytest.raises(IntegrityError) as caught:
            inspect("demo", made, index=server.url, download=True)
        assert caught.value.reference == "wrong-hash"
    assert not list((made.home.cache / "wheels").iterdir())


def test_a_file_behind_a_url_is_read_whole(wheel: Path, made: Context) -> None:
    assert inspect(wheel.as_uri(), made).passport.fit is Fit.RUNS


def test_cuobjdump_counts_the_same(wheel: Path, made: Context, tmp_path: Path) -> None:
    cuobjdump = find_cuobjdump(tmp_path / "cuobjdump")
    libraries = {one.library.rpartition("/")[2]: one for one in inspect(wheel, made).passport.libraries}
    for name in NAMES:
        assert as_listed(libraries[name].cubins, libraries[name].ptx) == list_code(cuobjdump, FATBINS / name)
