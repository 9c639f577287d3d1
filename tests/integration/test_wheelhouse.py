"""The wheelhouse with real uv, pip and sha256sum; published by processes that meet, are killed, and have no space."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import unquote

import pytest

from scripts.builds.serving import open_server
from scripts.builds.wheelhouse import Wheelhouse
from scripts.errors import DiskError
from scripts.facts.tools import find_uv
from scripts.home import CHECKOUT
from scripts.shell import run
from tests.support.index_server import make_wheel
from tests.support.publishing import publish

pytestmark = pytest.mark.integration


@pytest.fixture
def house(tmp_path: Path) -> Wheelhouse:
    """A wheelhouse with one wheel, of a version that a link has to quote."""
    made = Wheelhouse(tmp_path / "a wheelhouse")
    publish(made, make_wheel(tmp_path / "built", "Demo_Ext", "1.0+sm121a", requires_python=">=3.10"), "one")
    return made


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pip") / "venv"
    venv.create(folder, with_pip=True)
    return folder / "bin/python"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)])
    if not mounted.ok:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    assert run(["umount", str(folder)]).ok


@contextmanager
def served(house: Wheelhouse) -> Iterator[str]:
    with open_server(house.root, "127.0.0.1", 0, verbose=False) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def index(house: Wheelhouse, how: str) -> Iterator[str]:
    if how == "file":
        yield f"{house.root.as_uri()}/simple"
    else:
        with served(house) as url:
            yield url


def call(folder: Path, *command: str) -> str:
    """Run uv or pip with nothing of this machine's: no settings, no cache, no proxy."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)uv_|pip_|.*_proxy$", name)}
    own = {"UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(folder / "cache"), "PIP_CONFIG_FILE": os.devnull}
    own |= {"HOME": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, env=kept | own, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def uv_install(folder: Path, target: str, *arguments: str) -> Path:
    options = ("--python", sys.executable, "--target", str(folder / target))
    call(folder, find_uv(), "pip", "install", *options, *arguments)
    return folder / target


def requirements(house: Wheelhouse, folder: Path) -> str:
    path = folder / "requirements.txt"
    lines = [f"{one.project}=={one.version} --hash=sha256:{one.sha256}\n" for one in house.wheels()]
    path.write_text("".join(lines))
    return str(path)


@pytest.mark.parametrize("how", ["file", "http"])
def test_uv_installs(house: Wheelhouse, tmp_path: Path, how: str) -> None:
    with index(house, how) as url:
        choice = ("--offline", "--index", url) if how == "file" else ("--default-index", url)
        wanted = ("--require-hashes", "-r", requirements(house, tmp_path))
        target = uv_install(tmp_path, "target", *choice, *wanted)
    assert (target / "demo_ext.py").read_text() == '__version__ = "1.0+sm121a"\n'


@pytest.mark.parametrize("how", ["file", "http"])
def test_pip_downloads(house: Wheelhouse, tmp_path: Path, pip: Path, how: str) -> None:
    (one,) = house.wheels()
    with index(house, how) as url:
        wanted = ("--require-hashes", "-r", requirements(house, tmp_path), "--dest", "got")
        call(tmp_path, str(pip), "-m", "pip", "download", "--no-cache-dir", "--index-url", url, *wanted)
    assert (tmp_path / "got" / one.filename).read_bytes() == (house.root / one.wheel).read_bytes()


def test_what_was_published_since_is_seen(house: Wheelhouse, tmp_path: Path) -> None:
    """A page that has not changed for long is taken from a cache for long, unless the server says otherwise."""
    for page in (house.root / "simple").rglob("index.*"):
        os.utime(page, (1e9, 1e9))
    with served(house) as url:
        arguments = ("--default-index", url, "demo-ext")
        assert list(uv_install(tmp_path, "first", *arguments).glob("demo_ext-1.0*"))
        publish(house, make_wheel(tmp_path / "built", "Demo_Ext", "2.0"), "two")
        assert list(uv_install(tmp_path, "second", *arguments).glob("demo_ext-2.0*"))


def test_the_folder_is_an_index_wherever_it_is(house: Wheelhouse, tmp_path: Path) -> None:
    moved = Wheelhouse(tmp_path / "else where")
    shutil.copytree(house.root, moved.root)
    shutil.rmtree(house.root)
    assert "OK" in call(moved.root, "sha256sum", "--strict", "-c", "SHA256SUMS")
    url = f"{moved.root.as_uri()}/simple"
    assert (uv_install(tmp_path, "target", "--offline", "--index", url, "demo-ext") / "demo_ext.py").is_file()


def listed(house: Wheelhouse) -> list[str]:
    """Give every file of the pages, each as its page says it is."""
    names = []
    for page in sorted((house.root / "simple").glob("*/index.html")):
        for link, sha256, metadata in re.findall(
            r'<a href="([^"#]+)#sha256=(\w+)" data-core-metadata="sha256=(\w+)"', page.read_text()
        ):
            path = page.parent / unquote(link)
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
            assert hashlib.sha256(Path(f"{path}.metadata").read_bytes()).hexdigest() == metadata
            names.append(path.name)
    return names


def in_json(house: Wheelhouse) -> list[str]:
    pages = sorted((house.root / "simple").glob("*/index.json"))
    return [file["filename"] for page in pages for file in json.loads(page.read_text())["files"]]


def start(house: Wheelhouse, wheel: Path, build: str, steps: Path, kill_at: int = 0) -> Popen[str]:
    arguments: Sequence[str] = (str(house.root), str(wheel), build, str(steps), str(kill_at))
    return Popen([sys.executable, "-m", "tests.support.publishing", *arguments], cwd=CHECKOUT, stderr=PIPE, text=True)


def end(process: Popen[str]) -> int:
    _, said = process.communicate(timeout=120)
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode


def test_published_at_once(house: Wheelhouse, tmp_path: Path) -> None:
    versions = [f"2.{number}" for number in range(4)]
    wheels = [make_wheel(tmp_path / "built", "Demo_Ext", version) for version in versions]
    processes = [start(house, wheel, wheel.name, tmp_path / "steps") for wheel in wheels]
    assert [end(one) for one in processes] == [0] * 4
    assert len(listed(house)) == 5
    assert sorted(listed(house)) == sorted(in_json(house))
    assert call(house.root, "sha256sum", "--strict", "-c", "SHA256SUMS").count("OK") == 5


@pytest.mark.parametrize("repeated", [False, True], ids=["a new wheel", "a build repeated"])
def test_killed_at_any_step_then_mended(tmp_path: Path, *, repeated: bool) -> None:
    """What was published before is never lost by a new wheel, and the next publication leaves nothing half done."""
    first = make_wheel(tmp_path / "built", "demo", "1.0")
    version = "1.0" if repeated else "2.0"
    second = make_wheel(tmp_path / "again", "demo", version, files={"demo.py": b"another = True\n"})
    kill_at, code = 0, -signal.SIGKILL
    while code != 0:
        kill_at += 1
        house = Wheelhouse(tmp_path / f"house-{kill_at}")
        publish(house, first, "one")
        build, steps = "one" if repeated else "two", tmp_path / f"steps-{kill_at}"
        code = end(start(house, second, build, steps, kill_at))
        found = house.wheels()
        assert all(house.require(one) for one in found), steps.read_text()
        if not repeated:
            assert first.name in listed(house), steps.read_text()
        publish(house, second, build)
        assert listed(house) == in_json(house) == sorted({first.name, second.name})
        assert house.require(house.wheels()[-1]).read_bytes() == second.read_bytes()
    assert kill_at > 10


def test_deleted_then_published_by_another_build(house: Wheelhouse, tmp_path: Path) -> None:
    """As the hint of same-name has it: the file's name is free then."""
    (old,) = house.wheels()
    (house.root / old.wheel).unlink()
    wheel = make_wheel(tmp_path / "again", "Demo_Ext", "1.0+sm121a", files={"demo_ext.py": b""})
    made = publish(house, wheel, "another")
    assert house.wheels() == (made,)
    assert house.find(old.stamp) is None
    assert listed(house) == in_json(house) == [made.filename]


def test_a_disk_that_can_only_be_read(house: Wheelhouse, disk: Path, tmp_path: Path) -> None:
    shutil.copytree(house.root, disk / "house")
    assert run(["mount", "-o", "remount,ro", str(disk)]).ok
    there = Wheelhouse(disk / "house")
    (one,) = there.wheels()
    assert there.find(one.stamp) == one
    assert there.require(one)
    with served(there) as url:
        assert (uv_install(tmp_path, "target", "--default-index", url, "demo-ext") / "demo_ext.py").is_file()
    for attempt in (there.require_writable, lambda: publish(there, make_wheel(tmp_path, "other", "1"), "other")):
        with pytest.raises(DiskError) as caught:
            attempt()
        assert caught.value.reference == "not-writable"


def test_a_full_disk(disk: Path, tmp_path: Path) -> None:
    house = Wheelhouse(disk / "house")
    first = publish(house, make_wheel(tmp_path, "demo", "1.0"), "one")
    large = make_wheel(tmp_path, "demo", "2.0", files={"demo.bin": os.urandom(2 << 20)})
    with pytest.raises(DiskError) as caught:
        publish(house, large, "two")
    assert (caught.value.reference, house.wheels(), listed(house)) == ("disk-full", (first,), [first.filename])
    assert [path.name for path in (house.root / "stamps").iterdir()] == [f"{first.stamp}.json"]
    assert not list((house.root / "files").rglob(".*")), "the space is given back"
    publish(house, make_wheel(tmp_path, "demo", "3.0"), "three")
