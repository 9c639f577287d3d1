"""A build's commands in containers: what goes in, what has the network, and that none is left however one ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.engines import Mount, engine_named
from scripts.environments.locking import locked
from scripts.errors import BusyError, EngineError, TerminatedError
from scripts.operations.build_container import IMAGE_PATH, BuildContainer, has_remote_cache, inner_path
from scripts.shell import Completed, ProgramNotFoundError, Streamed

UV = "/toolkit/bin/uv"
CALLER = {
    "PATH": "/usr/bin:/only/here",
    "HOME": "/home/me",
    "DOCKER_HOST": "unix:///x",
    "MY_SECRET": "s",
    "HF_TOKEN": "t",
    "CXXFLAGS": "-O1",
    "CCACHE_REMOTE_STORAGE": "file:/shared",
    "HTTPS_PROXY": "http://proxy.example",
    "UV_DEFAULT_INDEX": "https://me:secret@mirror.example/simple",
    "UV_KEYRING_PROVIDER": "subprocess",
    "LD_LIBRARY_PATH": "/opt/lib",
}
ALWAYS = {"CXXFLAGS", "CCACHE_REMOTE_STORAGE"}


@dataclass
class Client:
    """An engine's client, run or streamed, that ends as it is told."""

    code: int | None = 0
    err: str = ""
    lines: tuple[str, ...] = ()
    stopped: str | None = None
    raises: BaseException | None = None
    seen: list[list[str]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, **_: object) -> Completed:
        self._note(argv, env)
        if argv[1] != "run":
            return Completed(argv=tuple(argv), returncode=1, stdout="", stderr="no such container", seconds=0)
        if self.raises is not None:
            raise self.raises
        return Completed(argv=tuple(argv), returncode=self.code, stdout="out", stderr=self.err, seconds=1)

    def stream(
        self, argv: Sequence[str], *, env: Mapping[str, str], on_line: Callable[[str], None], **_: object
    ) -> Streamed:
        self._note(argv, env)
        if self.raises is not None:
            raise self.raises
        for line in self.lines:
            on_line(line)
        assert self.code is not None
        return Streamed(returncode=self.code, seconds=1, stopped=self.stopped)

    def _note(self, argv: Sequence[str], env: Mapping[str, str] | None) -> None:
        self.seen.append(list(argv))
        self.environments.append(dict(env or {}))

    def verbs(self) -> list[str]:
        return [argv[1] for argv in self.seen]

    def started(self) -> list[str]:
        return next(argv for argv in self.seen if argv[1] == "run")

    def after(self, word: str) -> str:
        argv = self.started()
        return argv[argv.index(word) + 1]

    def given(self) -> set[str]:
        argv = self.started()
        return {after for word, after in pairwise(argv) if word == "--env"} - {"HOME=/tmp"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "builds" / "x").mkdir(parents=True)
    return tmp_path


def container(client: Client, data: Path, **changes: Any) -> BuildContainer:
    values: dict[str, Any] = {
        "engine": engine_named("docker"),
        "image": "sha256:ab",
        "run": client,
        "start": client.stream,
        "mounts": (Mount(folder=data / "builds", writable=True), Mount(folder=Path("/toolkit"), writable=False)),
        "environ": CALLER,
        "fetcher": UV,
        "fetching": (("UV_CACHE_DIR", "/uv"),),
        **changes,
    }
    return BuildContainer(**values)


def streamed(client: Client, data: Path, env: Mapping[str, str] | None = None, **changes: Any) -> Streamed:
    folder = data / "builds" / "x"
    made = container(client, data, **changes)
    return made.stream(
        ["python", "-m", "build"],
        env=env or {},
        cwd=folder,
        log=folder / "log",
        on_line=lambda _: None,
        on_tick=lambda: None,
    )


def test_a_command_is_the_callers_and_offline(data: Path) -> None:
    client = Client()
    done = container(client, data)(["g++", "--version"], cwd=data / "builds" / "x")
    assert (done.argv, done.returncode, done.stdout) == (("g++", "--version"), 0, "out")
    argv = client.started()
    assert argv[-4:] == ["env", f"PATH={IMAGE_PATH}", "g++", "--version"]
    assert "sha256:ab" in argv
    assert (client.after("--network"), client.after("--cap-drop")) == ("none", "ALL")
    assert client.after("--user") == f"{os.getuid()}:{os.getgid()}"
    assert client.after("--workdir") == str(data / "builds" / "x")
    assert client.given() == ALWAYS
    assert client.environments[0]["DOCKER_HOST"] == "unix:///x"
    assert client.environments[0]["PATH"] == CALLER["PATH"], "the client's own"


def test_what_is_set_for_a_command_goes_in(data: Path) -> None:
    client = Client()
    tools = data / "builds" / "env" / "bin"
    given = {**CALLER, "PYTHONPATH": "/x", "PATH": f"{tools}:/only/here", "CXXFLAGS": "-O2", "HOME": "/elsewhere"}
    container(client, data)(["python"], env=given)
    assert client.given() == {*ALWAYS, "PYTHONPATH"}
    assert client.environments[0]["CXXFLAGS"] == "-O2"
    assert client.environments[0]["HOME"] == "/home/me"
    assert f"PATH={tools}:{IMAGE_PATH}" in client.started()


def test_uv_alone_has_the_network_and_what_it_takes(data: Path) -> None:
    client = Client()
    container(client, data)([UV, "pip", "install", "x"])
    assert client.after("--network") == "host"
    assert client.given() == {*ALWAYS, "HTTPS_PROXY", "UV_CACHE_DIR", "UV_DEFAULT_INDEX"}
    assert client.environments[0]["UV_CACHE_DIR"] == "/uv"
    assert "secret" not in str(client.seen), "everyone can read a process's arguments"
    offline = Client()
    container(offline, data)([UV, "pip", "install", "--offline", "x"])
    assert offline.after("--network") == "none"


def test_a_folder_that_is_not_shared_is_mounted(data: Path, tmp_path: Path) -> None:
    client = Client()
    container(client, data)(["true"], cwd=tmp_path / "elsewhere")
    assert f"type=bind,source={tmp_path}/elsewhere,target={tmp_path}/elsewhere" in client.started()


@pytest.mark.parametrize(("code", "returned"), [(0, 0), (2, 2), (137, -signal.SIGKILL), (139, -signal.SIGSEGV)])
def test_an_end_is_the_commands_own(data: Path, code: int, returned: int) -> None:
    assert container(Client(code=code), data)(["x"]).returncode == returned
    assert streamed(Client(code=code), data).returncode == returned


def test_a_program_that_is_not_there(data: Path) -> None:
    words = "env: 'cmake': No such file or directory"
    with pytest.raises(ProgramNotFoundError, match="cmake") as told:
        container(Client(code=127, err=words), data)(["cmake"])
    assert "`system`" in told.value.hint
    with pytest.raises(ProgramNotFoundError) as told:
        streamed(Client(code=127, lines=(words,)), data)
    assert told.value.context == words


def test_an_engine_that_fails(data: Path) -> None:
    words = "docker: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"
    with pytest.raises(EngineError) as told:
        container(Client(code=125, err=words), data)(["x"])
    assert told.value.reference == "engine-down"
    with pytest.raises(EngineError) as told:
        streamed(Client(code=125, lines=("compiling", words)), data)
    assert told.value.reference == "engine-down"
    for start in (lambda client: container(client, data)(["x"]), lambda client: streamed(client, data)):
        missing = Client()
        missing.raises = ProgramNotFoundError("no docker", reference="program-not-found")
        with pytest.raises(EngineError) as told:
            start(missing)
        assert told.value.reference == "engine-missing"


def test_no_container_is_left(data: Path) -> None:
    late = Client(code=None)
    assert container(late, data)(["x"], timeout=1).returncode is None
    assert late.verbs() == ["run", "kill", "rm"]
    ended = TerminatedError("ended", reference="terminated")
    interrupted = Client(raises=ended)
    with pytest.raises(TerminatedError):
        container(interrupted, data)(["x"])
    assert interrupted.verbs() == ["run", "kill", "rm"]
    for client in (Client(raises=ended), Client(stopped="wrong flags", code=143), Client(code=-9)):
        try:
            done = streamed(client, data)
        except TerminatedError:
            done = None
        assert client.verbs() == ["rm", "run", "kill", "rm"]
        names = {argv[-1] for argv in client.seen if argv[1] in {"kill", "rm"}}
        assert names == {client.after("--name")}
        assert done is None or (done.stopped, done.returncode) in {("wrong flags", 143), (None, -9)}


def test_a_build_has_its_whole_environment_but_what_is_this_machines(data: Path) -> None:
    client = Client()
    lines: list[str] = []
    folder = data / "builds" / "x"
    env = {"USE_KINETO": "0", "CXXFLAGS": "-O1", "HOME": "/home/me", "DOCKER_HOST": "y", "TMPDIR": "/t"}
    env |= {"PATH": str(folder), "LD_LIBRARY_PATH": "/opt/lib", "LD_PRELOAD": "/x.so", "VIRTUAL_ENV": "/env"}
    made = container(Client(lines=("one", "two")), data)
    made.stream(["x"], env=env, cwd=folder, log=folder / "log", on_line=lines.append, on_tick=lambda: None)
    assert lines == ["one", "two"]
    streamed(client, data, env)
    assert client.given() == {"USE_KINETO", "CXXFLAGS", "VIRTUAL_ENV"}
    assert client.after("--network") == "none"
    assert client.environments[-1]["DOCKER_HOST"] == "unix:///x"
    assert client.after("env") == "LD_PRELOAD=/x.so", "what was set for it, not the caller's LD_LIBRARY_PATH"
    assert client.after("LD_PRELOAD=/x.so") == f"PATH={folder}:{IMAGE_PATH}"
    assert client.environments[-1]["LD_LIBRARY_PATH"] == "/opt/lib"
    assert "LD_PRELOAD" not in client.environments[-1], "the client is not given it"
    assert client.started()[-4:] == [str(folder / "log.alive"), "python", "-m", "build"]


def test_a_compiler_cache_elsewhere_has_the_network(data: Path) -> None:
    client = Client()
    streamed(client, data, {"CCACHE_REMOTE_STORAGE": "redis://cache.example"})
    assert client.after("--network") == "host"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CCACHE_REMOTE_STORAGE", "http://cache.example|read-only", True),
        ("CCACHE_SECONDARY_STORAGE", "redis://cache.example", True),
        ("CCACHE_REMOTE_STORAGE", "file:/shared http://cache.example", True),
        ("CCACHE_REMOTE_STORAGE", "file:///shared read-only=true", False),
        ("CCACHE_DIR", "/x", False),
    ],
)
def test_where_a_compiler_cache_is(name: str, value: str, *, expected: bool) -> None:
    assert has_remote_cache({name: value}) is expected


def test_two_at_once_in_one_folder(data: Path) -> None:
    client = Client()
    alive = data / "builds" / "x" / "log.alive"
    with locked(alive, wait_seconds=0, waiting=lambda _: None), pytest.raises(BusyError):
        streamed(client, data)
    assert client.seen == [], "the other's container is left alone"


def test_a_folder_has_one_name(data: Path) -> None:
    first, second = Client(), Client()
    streamed(first, data)
    streamed(second, data)
    assert first.after("--name") == second.after("--name")
    other = Client()
    elsewhere = data / "builds" / "y"
    elsewhere.mkdir()
    made = container(other, data)
    made.stream(["x"], env={}, cwd=elsewhere, log=elsewhere / "log", on_line=lambda _: None, on_tick=lambda: None)
    assert other.after("--name") != first.after("--name")


def test_path_inside() -> None:
    mounts = (Mount(folder=Path("/data"), writable=True),)
    assert inner_path("/data/bin::relative:/usr/local/bin:/data/x", mounts) == f"/data/bin:/data/x:{IMAGE_PATH}"
    assert inner_path("", mounts) == IMAGE_PATH
