"""A container as a place: what its client is asked, what its end means, and that no container is left."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.environments.container import PYTHON, ContainerPlace, container_place
from scripts.environments.engines import Mount
from scripts.environments.sharing import is_shared
from scripts.errors import EngineError, NoCandidateError, TerminatedError
from scripts.shell import Completed, ProgramNotFoundError
from tests.support.plans import CONTAINER

SHARED = (Mount(folder=Path("/data"), writable=True), Mount(folder=Path("/checkout"), writable=False))


@dataclass
class Client:
    """An engine's client that ends as it is told, by the word after its name."""

    code: int | None = 0
    out: str = ""
    err: str = ""
    raises: BaseException | None = None
    seen: list[list[str]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

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
        self.seen.append(list(argv))
        self.environments.append(dict(env or {}))
        if argv[1] in {"kill", "rm"}:
            return Completed(argv=tuple(argv), returncode=1, stdout="", stderr="no such container", seconds=0)
        if self.raises is not None:
            raise self.raises
        return Completed(argv=tuple(argv), returncode=self.code, stdout=self.out, stderr=self.err, seconds=1.5)

    def verbs(self) -> list[str]:
        return [argv[1] for argv in self.seen]

    def names(self) -> set[str]:
        started = {argv[argv.index("--name") + 1] for argv in self.seen if "--name" in argv}
        return started | {argv[-1] for argv in self.seen if argv[1] in {"kill", "rm"}}


def place(client: Client, *, gpu: bool = False) -> ContainerPlace:
    return container_place(CONTAINER, run=client, gpu=gpu, mounts=SHARED)


def test_runs_the_image_on_record_as_the_caller() -> None:
    client = Client(out="hello")
    done = place(client).run(["python", "-c", "1"], env={"PATH": "/bin", "HF_HUB_OFFLINE": "1"}, cwd=Path("/data/x"))
    assert (done.argv, done.returncode, done.stdout, done.seconds) == (("python", "-c", "1"), 0, "hello", 1.5)
    (argv,) = client.seen
    assert "sha256:ab" in argv
    assert argv[argv.index("--user") + 1] == f"{os.getuid()}:{os.getgid()}"
    assert argv[argv.index("--workdir") + 1] == "/data/x"
    assert "HF_HUB_OFFLINE" in argv
    assert "PATH" not in argv
    assert client.environments[0]["PATH"] == "/bin", "the client is found by it"
    assert "--gpus" not in argv


def test_the_engine_is_found_by_the_environment_that_the_place_was_made_with(tmp_path: Path) -> None:
    client = Client(out=json.dumps([{"Id": "sha256:ab"}]))
    made = container_place(CONTAINER, run=client, gpu=False, environ={"DOCKER_HOST": "unix:///x"})
    made.image_id()
    made.find(Path("/l"), "*")
    made.fetch(Path("/l/x"), tmp_path)
    assert client.environments == [{"DOCKER_HOST": "unix:///x"}] * len(client.seen)
    made.run(["x"], env={"DOCKER_HOST": "unix:///y"})
    assert client.environments[-1] == {"DOCKER_HOST": "unix:///y"}


def test_gives_the_gpu() -> None:
    client = Client()
    place(client, gpu=True).run(["true"], env={})
    assert "--gpus" in client.seen[0]


@pytest.mark.parametrize(
    ("cwd", "mounted"), [("/data/x", False), ("/elsewhere", True), ("/checkout/x", True), ("/database", True)]
)
def test_the_working_folder_can_be_written(cwd: str, *, mounted: bool) -> None:
    client = Client()
    place(client).run(["true"], env={}, cwd=Path(cwd))
    assert (f"type=bind,source={cwd},target={cwd}" in client.seen[0]) is mounted


@pytest.mark.parametrize(
    ("code", "returned"), [(0, 0), (1, 1), (139, -11), (134, -6), (137, -9), (255, 255), (128, 128)]
)
def test_a_signal_is_told_from_an_exit(code: int, returned: int) -> None:
    assert place(Client(code=code)).run(["x"], env={}).returncode == returned


def test_no_container_is_left_of_one_that_overstays() -> None:
    client = Client(code=None)
    assert place(client).run(["x"], env={}, timeout=1).returncode is None
    assert client.verbs() == ["run", "kill", "rm"]
    assert len(client.names()) == 1


def test_no_container_is_left_of_one_that_is_interrupted() -> None:
    client = Client(raises=TerminatedError("ended", reference="terminated"))
    with pytest.raises(TerminatedError):
        place(client).run(["x"], env={})
    assert client.verbs() == ["run", "kill", "rm"]
    assert len(client.names()) == 1


def test_every_run_has_a_name_of_its_own() -> None:
    client = Client()
    for _ in range(5):
        place(client).run(["x"], env={})
    assert len(client.names()) == 5


def test_the_engines_own_failure() -> None:
    words = 'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].'
    with pytest.raises(EngineError) as caught:
        place(Client(code=125, err=words), gpu=True).run(["/opt/x/python"], env={})
    assert caught.value.reference == "no-nvidia-runtime"
    assert "running python in a container" in caught.value.message


def test_podman_says_126_for_its_own_failures_too() -> None:
    words = "Error: setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=all"
    with pytest.raises(EngineError) as caught:
        place(Client(code=126, err=words), gpu=True).run(["python"], env={})
    assert caught.value.reference == "no-nvidia-runtime"


@pytest.mark.parametrize("code", [126, 127])
def test_a_program_that_the_image_has_not(code: int) -> None:
    with pytest.raises(ProgramNotFoundError):
        place(Client(code=code, err="sh: 1: nosuch: not found")).run(["nosuch"], env={})


def test_an_image_of_another_architecture() -> None:
    with pytest.raises(NoCandidateError) as caught:
        place(Client(code=1, err="exec /bin/sh: exec format error")).run(["python"], env={})
    assert caught.value.reference == "wrong-architecture"


def test_an_engine_that_is_gone() -> None:
    client = Client(raises=ProgramNotFoundError("docker was not found", reference="program-not-found"))
    for call in (lambda: place(client).run(["x"], env={}), place(client).image_id):
        with pytest.raises(EngineError) as caught:
            call()
        assert caught.value.reference == "engine-missing"


def test_sharing_a_folder_more() -> None:
    more = place(Client()).sharing(Path("/more"))
    assert is_shared(Path("/more/x"), more.run.mounts, writable=True)
    assert more.python == PYTHON


def test_fetch_copies_once_and_starts_nothing(tmp_path: Path) -> None:
    client = Client()
    fetched = place(client).fetch(Path("/opt/torch/lib/libtorch_cuda.so"), tmp_path)
    assert fetched == tmp_path / "libtorch_cuda.so"
    assert client.verbs() == ["create", "cp", "rm"]
    fetched.write_bytes(b"there")
    place(client).fetch(Path("/opt/torch/lib/libtorch_cuda.so"), tmp_path)
    assert client.verbs() == ["create", "cp", "rm"]


def test_fetch_of_an_image_that_is_gone(tmp_path: Path) -> None:
    client = Client(code=1, err="Error response from daemon: No such image: sha256:ab")
    with pytest.raises(NoCandidateError) as caught:
        place(client).fetch(Path("/opt/x"), tmp_path)
    assert caught.value.reference == "image-gone"


def test_find_lists_in_order() -> None:
    assert place(Client(out="/l/b.so\n/l/a.so\n")).find(Path("/l"), "*.so") == (Path("/l/a.so"), Path("/l/b.so"))
    assert place(Client(out="\n")).find(Path("/l"), "*.so") == ()


def test_image_id() -> None:
    client = Client(out=json.dumps([{"Id": "sha256:ab"}]))
    assert place(client).image_id() == "sha256:ab"
    assert client.seen == [["docker", "image", "inspect", "kokoro-spark/ngc:1"]]
    assert place(Client(code=1, err="Error: No such image: kokoro-spark/ngc:1")).image_id() is None
    with pytest.raises(EngineError):
        place(Client(code=1, err="Cannot connect to the Docker daemon at unix:///x.")).image_id()


def test_uv_unpacks_for_the_image_s_python() -> None:
    assert place(Client()).uv_python() == ("--python-version", "3.12")
