"""Every way in which an engine fails us, provoked with a real one, and what is said of it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from scripts.environments.container import ContainerPlace, container_place
from scripts.environments.engine_errors import engine_failure
from scripts.environments.engines import choose_engine, engine_named, read_image
from scripts.errors import BuildError, DiskError, EngineError, ExitCode, NetworkError, NoCandidateError, SparkError
from scripts.facts.gather import gather
from scripts.home import Home
from scripts.model.environment import ContainerRecord
from scripts.model.facts import EngineFacts
from scripts.shell import Completed, run
from tests.containers.archive import foreign_program, write_archive
from tests.containers.conftest import NGC
from tests.containers.daemon import DockerEngine, docker_engine, small_disk
from tests.containers.needs import DOCKER, needing
from tests.containers.podman import PodmanEngine
from tests.containers.registry import registry

pytestmark = pytest.mark.containers

NOBODY = 65534
TINY = "kokoro-spark/tiny:test"
OTHER = ("arm64", 183) if platform.machine() == "x86_64" else ("amd64", 62)
"""An architecture that is not this machine's: as Go names it, and in ELF."""
DOCKER_CLI = engine_named("docker")


def load(engine: DockerEngine, folder: Path, *, name: str = TINY, architecture: str, program: bytes) -> str:
    """Give an engine an image that holds one program, /bin/sh."""
    archive = write_archive(folder / "image.tar", name, {"bin/sh": program}, architecture=architecture)
    done = run(["docker", "load", "--input", str(archive)], env=engine.environ())
    assert done.ok, done.stderr
    return name


def place(image: str, environ: Mapping[str, str], *, gpu: bool = False, engine: str = "docker") -> ContainerPlace:
    record = ContainerRecord(
        engine=engine, image=image, image_id=image, base="", base_id="", torch="", cuda=None, python="3.12"
    )
    return container_place(record, run=run, gpu=gpu, environ=environ)


def failed(call: Callable[[], object]) -> SparkError:
    """Give the error of a call; every one of them helps."""
    with pytest.raises(SparkError) as caught:
        call()
    error = caught.value
    assert error.message
    assert error.hint
    assert "Traceback" not in str(error)
    return error


def pulled(image: str, environ: Mapping[str, str], engine: str = "docker") -> SparkError:
    done = run(engine_named(engine).pull(image), env=environ)
    assert not done.ok
    return engine_failure(done.stderr, doing="pulling the base image", engine=engine)


def engines(environ: Mapping[str, str], tmp_path: Path) -> tuple[EngineFacts, ...]:
    return gather(run, Home(tmp_path / "data"), environ).engines


@pytest.fixture
def without_engines(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has a shell and no engine."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "uname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    return {"PATH": str(programs), "HOME": str(tmp_path)}


def test_no_engine(without_engines: dict[str, str], tmp_path: Path) -> None:
    error = failed(lambda: choose_engine(engines(without_engines, tmp_path)))
    assert (error.reference, error.exit_code) == ("no-engine", ExitCode.ENGINE)
    assert "apt-get install docker.io" in error.hint


def test_an_engine_that_has_gone_since(without_engines: dict[str, str]) -> None:
    error = failed(lambda: place("any:1", without_engines).run(["true"]))
    assert (error.reference, error.exit_code) == ("engine-missing", ExitCode.ENGINE)


def test_the_daemon_is_down(plain_docker: DockerEngine, tmp_path: Path) -> None:
    environ = plain_docker.environ() | {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"}
    docker = [one for one in engines(environ, tmp_path) if one.name == "docker"]
    chosen = failed(lambda: choose_engine(docker))
    used = failed(lambda: place("any:1", environ).run(["true"]))
    looked = failed(place("any:1", environ).image_id)
    assert {chosen.reference, used.reference, looked.reference} == {"engine-down"}
    assert chosen.exit_code == used.exit_code == ExitCode.ENGINE
    assert "systemctl start docker" in used.hint


def test_a_socket_that_nobody_listens_at(plain_docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> None:
    left = plain_docker.folder / "left.sock"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(left))
    environ = plain_docker.environ() | {"DOCKER_HOST": f"unix://{left}"}
    assert failed(lambda: place("any:1", environ).run(["true"])).reference == "engine-down"


def test_no_right_to_talk_to_it(plain_docker: DockerEngine, tmp_path: Path) -> None:
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def nobody(argv: list[str], **options: object) -> Completed:
        return run([*as_nobody, *argv], **options)  # type: ignore[arg-type]

    environ = plain_docker.environ() | {"HOME": "/nonexistent", "DOCKER_CONFIG": "/nonexistent"}
    docker = [one for one in gather(nobody, Home(tmp_path / "data"), environ).engines if one.name == "docker"]  # type: ignore[arg-type]
    chosen = failed(lambda: choose_engine(docker))
    done = nobody(DOCKER_CLI.pull("any:1"), env=environ)
    used = engine_failure(done.stderr, doing="pulling", engine="docker")
    assert {chosen.reference, used.reference} == {"engine-not-permitted"}
    assert chosen.exit_code == used.exit_code == ExitCode.ENGINE
    assert "usermod -aG docker" in chosen.hint
    assert "usermod -aG docker" in used.hint


def test_no_nvidia_runtime(plain_docker: DockerEngine, tmp_path: Path) -> None:
    image = load(plain_docker, tmp_path, architecture=_own(), program=b"")
    error = failed(lambda: place(image, plain_docker.environ(), gpu=True).run(["true"]))
    assert (error.reference, error.exit_code) == ("no-nvidia-runtime", ExitCode.ENGINE)
    assert "nvidia-container-toolkit" in error.hint
    asked = run(["docker", "run", "--rm", "--runtime", "nvidia", image, "true"], env=plain_docker.environ())
    assert engine_failure(asked.stderr, doing="running", engine="docker").reference == "no-nvidia-runtime"
    (docker,) = [one for one in engines(plain_docker.environ(), tmp_path) if one.name == "docker"]
    assert docker.problem is None
    assert not docker.nvidia_runtime


def test_with_the_stand_in_runtime_the_fact_says_so(docker: DockerEngine, tmp_path: Path) -> None:
    (found,) = [one for one in engines(docker.environ(), tmp_path) if one.name == "docker"]
    assert (found.problem, found.nvidia_runtime) == (None, True)


def test_podman_without_cdi(podman: PodmanEngine, small_podman_image: str) -> None:
    error = failed(lambda: place(small_podman_image, podman.environ(), gpu=True, engine="podman").run(["true"]))
    assert (error.reference, error.exit_code) == ("no-nvidia-runtime", ExitCode.ENGINE)
    assert "nvidia-ctk cdi generate" in error.hint


@pytest.fixture
def _nvcr_cannot_be_reached() -> None:
    try:
        socket.getaddrinfo(NGC.partition("/")[0], 443)
    except OSError:
        return
    pytest.skip("the registry can be reached from this machine")


@pytest.mark.usefixtures("_nvcr_cannot_be_reached")
@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_registry_that_cannot_be_reached(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue("plain_docker" if name == "docker" else name)
    error = pulled(f"{NGC}:25.12-py3", engine.environ(), name)
    assert (type(error), error.reference) == (NetworkError, "registry-unreachable")
    assert error.message.startswith("pulling the base image: ")


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_registry_that_nobody_serves(name: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue("plain_docker" if name == "docker" else name)
    error = pulled("127.0.0.1:9/nvidia/pytorch:25.12-py3", engine.environ(), name)
    assert (type(error), error.reference) == (NetworkError, "registry-unreachable")


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    with registry() as address:
        yield address


@pytest.mark.parametrize(
    ("repository", "kind", "reference"),
    [
        ("locked/pytorch", EngineError, "pull-refused"),
        ("denied/pytorch", EngineError, "pull-refused"),
        ("nvidia/pytorch", NoCandidateError, "no-such-tag"),
        ("foreign/pytorch", NoCandidateError, "wrong-architecture"),
    ],
)
@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_registry_that_refuses(
    name: str, repository: str, kind: type[SparkError], *, reference: str, refusing: str, request: pytest.FixtureRequest
) -> None:
    engine = request.getfixturevalue("plain_docker" if name == "docker" else name)
    error = pulled(f"{refusing}/{repository}:25.12-py3", engine.environ(), name)
    assert (type(error), error.reference) == (kind, reference), error.context
    if reference == "pull-refused":
        assert "docker login nvcr.io" in error.hint
        assert "$oauthtoken" in error.hint


def test_an_image_that_was_never_here(plain_docker: DockerEngine) -> None:
    gone = place("kokoro-spark/never:1", plain_docker.environ())
    for call in (lambda: gone.run(["true"]), lambda: gone.fetch(Path("/x"), Path("/nonexistent"))):
        error = failed(call)
        assert (type(error), error.reference) == (NoCandidateError, "image-gone")
        assert "invoke setup" in error.hint
    assert gone.image_id() is None


def test_another_architecture(plain_docker: DockerEngine, tmp_path: Path) -> None:
    architecture, machine = OTHER
    image = load(plain_docker, tmp_path, architecture=architecture, program=foreign_program(machine))
    found = read_image(run(DOCKER_CLI.inspect_image(image), env=plain_docker.environ()).stdout)
    assert found is not None
    assert found.architecture == architecture, "what setup compares before it builds"
    if _emulated(machine):
        pytest.skip("this machine runs programs of that architecture by emulation")
    error = failed(lambda: place(image, plain_docker.environ()).run(["true"]))
    assert (type(error), error.reference) == (NoCandidateError, "wrong-architecture")


def test_a_build_step_that_fails(docker: DockerEngine, small_image: str, tmp_path: Path) -> None:
    recipe = tmp_path / "Dockerfile"
    recipe.write_text(f"FROM {small_image}\nRUN echo it did not work >&2 && exit 3\n", encoding="utf-8")
    error = build(docker, recipe, tmp_path)
    assert (type(error), error.reference) == (BuildError, "image-build-failed")
    assert "it did not work" in error.context
    assert docker.containers() == [], "nor is the step's container left"


def test_a_limit_that_may_not_be_lifted(plain_docker: DockerEngine, tmp_path: Path) -> None:
    """NVIDIA's images ask for unlimited locked memory; root of a virtual machine's container may not give it."""
    image = load(plain_docker, tmp_path, architecture=_own(), program=b"")
    done = run(["docker", "run", "--rm", "--ulimit", "memlock=-1", image, "/bin/sh"], env=plain_docker.environ())
    if "setting rlimit" not in done.stderr:
        pytest.skip("this machine may lift every limit")
    error = engine_failure(done.stderr, doing="running python in a container", engine="docker")
    assert (type(error), error.reference) == (EngineError, "memlock-not-permitted")
    assert "CAP_SYS_RESOURCE" in error.hint


@pytest.fixture
def full_docker(tmp_path: Path) -> Iterator[DockerEngine]:
    with needing(DOCKER), small_disk(48) as disk, docker_engine(data=disk / "data") as engine:
        yield engine


def test_a_full_disk(full_docker: DockerEngine, tmp_path: Path) -> None:
    image = load(full_docker, tmp_path, architecture=_own(), program=b"")
    (tmp_path / "large").write_bytes(os.urandom(60 << 20))
    recipe = tmp_path / "Dockerfile"
    recipe.write_text(f"FROM {image}\nCOPY large /large\n", encoding="utf-8")
    error = build(full_docker, recipe, tmp_path)
    assert (type(error), error.reference) == (DiskError, "disk-full")
    assert "docker system df" in error.hint


def build(engine: DockerEngine, recipe: Path, folder: Path) -> SparkError:
    argv = DOCKER_CLI.build(folder, dockerfile=recipe, tag="kokoro-spark/built:test", arguments={}, network=None)
    done = run(argv, env=engine.environ())
    assert not done.ok
    return engine_failure(done.stderr + done.stdout, doing="building the image", engine="docker")


def test_a_folder_that_the_engine_does_not_see(plain_docker: DockerEngine, tmp_path: Path) -> None:
    image = load(plain_docker, tmp_path, architecture=_own(), program=b"")
    missing = place(image, plain_docker.environ()).sharing(tmp_path / "not-there")
    error = failed(lambda: missing.run(["true"]))
    assert (type(error), error.reference) == (EngineError, "mount-missing")
    assert "snap" in error.hint


def _own() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def _emulated(machine: int) -> bool:
    """Tell whether the kernel hands that architecture's programs to an emulator."""
    name = {183: "aarch64", 62: "x86_64"}[machine]
    return any(name in path.name for path in Path("/proc/sys/fs/binfmt_misc").glob("qemu-*"))
