"""Where a wheel is built: what a container is of, what it sees, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BuildError, EngineError, NoCandidateError, SparkError, UsageError
from scripts.model.builds import BuildRequest
from scripts.model.facts import EngineFacts, Facts
from scripts.model.recipes import Recipe, Resources, SourceKind, SourceSpec
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.build_container import IMAGE_PATH, BuildContainer
from scripts.operations.build_place import HOST, PYTHON, BuildPlace, build_mounts, container_place, host_place
from scripts.operations.context import Context
from scripts.shell import Completed, stream
from tests.support.contexts import context
from tests.support.machines import PC, SPARK

DOCKER = EngineFacts(name="docker", client_version="28.2.2", server_version="28.2.2", nvidia_runtime=False)
PODMAN = dataclasses.replace(DOCKER, name="podman")
RECIPE = Recipe(
    name="small",
    distribution="small",
    summary="",
    tried="",
    source=SourceSpec(kind=SourceKind.FOLDER),
    resources=Resources(memory_per_job_gb=1, disk_gb=1, core_minutes=1),
    system=(("debian", ("libx-dev",)), ("ubuntu", ("liby-dev",))),
)
REQUEST = BuildRequest(recipe="small", place="container")


@dataclass
class Engine:
    """An engine that has every base image, and containers with a Python."""

    python: str | None = "3.12"
    uv_cache: str = ""
    architecture: str = "amd64"
    built: set[str] = field(default_factory=set)
    seen: list[list[str]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], **_: object) -> Completed:
        self.seen.append(list(argv))
        code, out = 0, ""
        match list(argv)[1:]:
            case ["--no-config", "cache", "dir"]:
                code, out = int(not self.uv_cache), f"{self.uv_cache}\n"
            case ["image", "inspect", name]:
                if name.startswith("kokoro-spark/") and name not in self.built:
                    code = 1
                else:
                    out = json.dumps([{"Id": f"sha256:{name}", "Os": "linux", "Architecture": self.architecture}])
            case ["build", *words]:
                self.built.add(words[words.index("--tag") + 1])
            case ["run", *_]:
                code, out = int(self.python is None), f"{self.python}\n"
            case _:
                pass
        return Completed(argv=tuple(argv), returncode=code, stdout=out, stderr="", seconds=0)

    def built_with(self) -> list[str]:
        (argv,) = (one for one in self.seen if one[1] == "build")
        return argv


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(uv_cache=str(tmp_path / "uv-cache"))


def made(
    folder: Path, engine: Engine, facts: Facts = PC, engines: tuple[EngineFacts, ...] = (DOCKER,), **environ: str
) -> Context:
    return context(folder, dataclasses.replace(facts, engines=engines), run=engine, environ=environ)


def placed(where: Context, request: BuildRequest = REQUEST, recipe: Recipe = RECIPE, **changes: Any) -> BuildPlace:
    values = {"cuda_version": "13.2", "architecture": Architecture.X86_64, "context": where, **changes}
    return container_place(request, recipe, **values)


def test_the_host(tmp_path: Path, engine: Engine) -> None:
    where = made(tmp_path, engine)
    interpreter = PC.host.interpreters[0]
    place = host_place(interpreter, where)
    assert (place.python, place.inputs, place.cuda_home, place.image) == (interpreter.path, HOST, None, None)
    assert place.run is engine
    assert place.environ is where.environ
    assert place.stream is stream


def test_a_container(tmp_path: Path, engine: Engine) -> None:
    place = placed(made(tmp_path, engine, CXX="/only/here/g++"), python=PythonVersion(3, 12))
    assert dict(place.environ) == {"PATH": IMAGE_PATH}, "its compilers are the image's"
    assert (place.python, place.cuda_home) == (PYTHON, "/usr/local/cuda")
    assert place.inputs.startswith("docker.io/nvidia/cuda:13.2.0-devel-ubuntu24.04@sha256:f9492f2e")
    argv = engine.built_with()
    assert "PACKAGES=liby-dev" in argv, "Ubuntu's names, not Debian's"
    assert argv[0] == "docker"
    container = place.run
    assert isinstance(container, BuildContainer)
    assert container.image == f"sha256:{place.image}"
    assert container.fetcher == "uv"
    assert place.stream == container.stream
    again = placed(made(tmp_path, engine))
    assert again.inputs == place.inputs
    engine.built_with()  # still one


def test_another_cuda_is_another_base(tmp_path: Path, engine: Engine) -> None:
    assert "13.0.2-devel" in placed(made(tmp_path, engine), cuda_version="13.0").inputs
    plain = dataclasses.replace(RECIPE, cuda=False)
    place = placed(made(tmp_path, engine), recipe=plain, cuda_version="11.8")
    assert place.cuda_home is None
    assert placed(made(tmp_path, engine), dataclasses.replace(REQUEST, cuda="index")).cuda_home is None


def test_a_cross_compiler_where_the_wheel_is_for_another_machine(tmp_path: Path, engine: Engine) -> None:
    placed(made(tmp_path, engine), architecture=Architecture.AARCH64)
    assert "PACKAGES=g++-aarch64-linux-gnu libc6-dev-arm64-cross liby-dev" in engine.built_with()
    there = Engine(uv_cache=engine.uv_cache, architecture="arm64")
    placed(made(tmp_path, there, SPARK), architecture=Architecture.AARCH64)
    assert "PACKAGES=liby-dev" in there.built_with()


def test_podman_where_there_is_no_docker(tmp_path: Path, engine: Engine) -> None:
    placed(made(tmp_path, engine, engines=(PODMAN,)))
    assert engine.built_with()[0] == "podman"


@pytest.mark.parametrize(
    ("changes", "kind", "reference"),
    [
        ({"request": dataclasses.replace(REQUEST, cuda="/opt/cuda")}, UsageError, "cuda-not-in-container"),
        ({"cuda_version": "11.8"}, NoCandidateError, "no-builder-image"),
        ({"python": PythonVersion(3, 11)}, UsageError, "python-mismatch"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, engine: Engine, changes: dict[str, Any], kind: type[SparkError], reference: str
) -> None:
    with pytest.raises(kind) as told:
        placed(made(tmp_path, engine), **changes)
    assert told.value.reference == reference
    assert told.value.hint


def test_no_engine(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(EngineError) as told:
        placed(made(tmp_path, engine, engines=()))
    assert told.value.reference == "no-engine"
    assert engine.seen == []


def test_an_image_of_another_processor(tmp_path: Path, engine: Engine) -> None:
    engine.architecture = "arm64"
    with pytest.raises(NoCandidateError) as told:
        placed(made(tmp_path, engine))
    assert told.value.reference == "wrong-architecture"


def test_what_does_not_answer(tmp_path: Path, engine: Engine) -> None:
    engine.python = None
    with pytest.raises(BuildError) as told:
        placed(made(tmp_path, engine))
    assert told.value.reference == "no-python"
    with pytest.raises(BuildError) as told:
        placed(made(tmp_path, Engine()))
    assert told.value.reference == "uv-failed"


def test_what_the_container_sees(tmp_path: Path, engine: Engine) -> None:
    netrc, shared = tmp_path / ".netrc", tmp_path / "shared cache"
    netrc.touch()
    where = made(
        tmp_path,
        engine,
        HOME=str(tmp_path),
        SSL_CERT_FILE="/nowhere/ca.pem",
        CCACHE_DIR=str(tmp_path / "ccache"),
        CCACHE_REMOTE_STORAGE=f"file:{str(shared).replace(' ', '%20')}|read-only http://cache.example",
    )
    where.home.wheelhouse.mkdir(parents=True)
    mounts = {one.folder: one.writable for one in build_mounts(where, [tmp_path / "uv-cache"])}
    written = [where.home.builds, where.home.cache, where.home.compiler_cache]
    written += [tmp_path / "uv-cache", tmp_path / "ccache", shared]
    assert {folder for folder, writable in mounts.items() if writable} == set(written)
    assert all(folder.is_dir() for folder in written)
    assert {folder for folder, writable in mounts.items() if not writable} == {
        where.home.wheelhouse,
        Path("uv").absolute(),
        netrc,
    }
    container = placed(where).run
    assert isinstance(container, BuildContainer)
    assert dict(container.fetching) == {
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_LINK_MODE": "copy",
        "UV_PYTHON_DOWNLOADS": "never",
        "NETRC": str(netrc),
    }


def test_a_folder_behind_a_link_is_seen_by_both_names(tmp_path: Path, engine: Engine) -> None:
    where = made(tmp_path, engine)
    where.home.root.mkdir(parents=True)
    (tmp_path / "disk").mkdir()
    where.home.builds.symlink_to(tmp_path / "disk")
    folders = [one.folder for one in build_mounts(where, [])]
    assert {where.home.builds, tmp_path / "disk"} <= set(folders)


def test_a_folder_that_the_image_has_itself(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(UsageError) as told:
        build_mounts(made(tmp_path, engine, CCACHE_DIR="/usr"), [])
    assert told.value.reference == "hides-image"
