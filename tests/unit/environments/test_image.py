"""An image built by an engine that is scripted: what it is asked, what is recorded, what is left after a failure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.environments.image import BUILD_LABEL, ImageBuilder, by_digest, image_stands, image_tag, remove_image
from scripts.environments.image_context import PRIVATE, pip_settings
from scripts.environments.store import Store, read_record
from scripts.errors import BuildError, EngineError, NetworkError, NoCandidateError, SparkError
from scripts.home import Home
from scripts.model.environment import ContainerRecord, EnvironmentState
from scripts.model.plan import BuildImage, InstallMade
from scripts.shell import Completed, ProgramNotFoundError
from tests.support.plans import REST_LOCK, plan

BASE = "nvcr.io/nvidia/pytorch:25.12-py3"
OURS = (
    InstallMade(name="kokoro_spark", version="0.1.0", sha256="1" * 64),
    BuildImage(engine="docker", base=BASE, recipe_sha256="2" * 64, lock=REST_LOCK),
)
PLAN = plan(strategy="ngc", source="ngc", torch="", cuda="", nvrtc=None, steps=OURS, image=BASE)
TAG = image_tag(PLAN)
ANSWER = {"python": "3.12.3", "torch": "2.10.0a0+b4e4ee81d3", "cuda": "13.1", "file": "/usr/lib/torch/__init__.py"}
GONE = "Error response from daemon: No such image: x"


@dataclass
class PretendingDocker:
    """Keeps images by name; what `failing` names fails with `words`."""

    images: dict[str, str] = field(default_factory=dict)
    failing: str = ""
    words: str = "it broke"
    code: int | None = 1
    architecture: str = "amd64"
    seen: list[list[str]] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)
    pip: str = ""
    """What pip.conf said while the image was built."""

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
        self.environments.append(env or {})
        if argv[0] != "docker":
            raise ProgramNotFoundError(f"{argv[0]} was not found", reference="program-not-found")
        done = self._answer(list(argv))
        return dataclasses.replace(done, argv=tuple(argv))

    def _answer(self, argv: list[str]) -> Completed:
        if argv[1] == "build":
            self.pip = (Path(argv[-1]) / PRIVATE / "pip.conf").read_text(encoding="utf-8")
        if self.failing and self.failing in " ".join(argv):
            return _completed(self.code, err=self.words)
        match argv[1:]:
            case ["image", "inspect", name]:
                if name not in self.images:
                    return _completed(1, err=GONE)
                return _completed(0, out=json.dumps([self._facts(name)]))
            case ["pull", name]:
                self.images[name] = "sha256:ba5e"
            case ["build", *words]:
                self.images[words[words.index("--tag") + 1]] = "sha256:0123"
            case ["cp", _, folder]:
                (Path(folder) / "image.json").write_text(json.dumps(ANSWER), encoding="utf-8")
            case ["image", "rm", name]:
                if self.images.pop(name, None) is None:
                    return _completed(1, err=GONE)
            case _:
                pass
        return _completed(0)

    def _facts(self, name: str) -> dict[str, object]:
        return {
            "Id": self.images[name],
            "Architecture": self.architecture,
            "Os": "linux",
            "RepoDigests": [],
            "Config": {},
        }

    def asked(self, *words: str) -> list[list[str]]:
        return [argv for argv in self.seen if argv[1 : 1 + len(words)] == list(words)]


def _completed(code: int | None, *, out: str = "", err: str = "") -> Completed:
    return Completed(argv=(), returncode=code, stdout=out, stderr=err, seconds=0.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(root=tmp_path))


def make_wheel(name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    return wheel


def builder(store: Store, docker: PretendingDocker) -> ImageBuilder:
    return ImageBuilder(
        store=store,
        run=docker,
        environ={"PATH": "/bin", "DOCKER_HOST": "unix:///x"},
        pip=pip_settings({"UV_DEFAULT_INDEX": "https://user:secret@mirror.example/simple"}),
        uv_version="0.13.9",
        make_wheel=make_wheel,
        lock_descriptor=7,
    )


def fails(store: Store, docker: PretendingDocker, kind: type[SparkError], reference: str) -> None:
    with pytest.raises(kind) as told:
        builder(store, docker).realise(PLAN)
    assert told.value.reference == reference
    folder = store.path(PLAN.environment)
    record = read_record(folder)
    assert record.state is EnvironmentState.FAILED
    assert record.reason == told.value.message
    assert [path.name for path in folder.iterdir()] == ["kokoro-spark.json"], "the context is gone"


def test_a_base_that_is_not_here_is_pulled_and_the_record_holds_what_the_image_is(store: Store) -> None:
    docker = PretendingDocker()
    record = builder(store, docker).realise(PLAN)
    assert record.container == ContainerRecord(
        engine="docker",
        image=TAG,
        image_id="sha256:0123",
        base=BASE,
        base_id="sha256:ba5e",
        torch=ANSWER["torch"],
        cuda="13.1",
        python="3.12.3",
    )
    assert (record.plan.torch, record.plan.cuda) == (ANSWER["torch"], "13.1"), "the table did not know"
    assert record.state is EnvironmentState.READY
    assert read_record(store.path(PLAN.environment)) == record
    assert store.whole(PLAN.environment) == record, "no bin/python, and whole all the same"
    assert docker.asked("pull", BASE)
    assert all(env["DOCKER_HOST"] == "unix:///x" for env in docker.environments)


def test_a_base_that_is_here_is_not_asked_for_at_its_registry(store: Store) -> None:
    docker = PretendingDocker(images={BASE: "sha256:ba5e"})
    builder(store, docker).realise(PLAN)
    assert not docker.asked("pull")


def test_pips_configuration_is_there_while_it_is_built_and_not_after(store: Store) -> None:
    docker = PretendingDocker(images={BASE: "sha256:ba5e"})
    builder(store, docker).realise(PLAN)
    assert "secret" in docker.pip
    folder = store.path(PLAN.environment)
    left = [path for path in folder.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert left == []
    only = ["--force", "--filter", f"label={BUILD_LABEL}={PLAN.digest}"]
    assert docker.asked("image", "prune") == [["docker", "image", "prune", *only]]
    assert docker.asked("container", "prune") == [["docker", "container", "prune", *only]]
    (build,) = docker.asked("build")
    assert not any("secret" in word for word in build), "everyone may read a process's arguments"
    environ = docker.environments[docker.seen.index(build)]
    assert environ["DOCKER_BUILDKIT"] == "0", "the cache of the other builder keeps it, and no label finds it there"


def test_a_failed_build_leaves_its_reason_and_nothing_else(store: Store) -> None:
    docker = PretendingDocker(images={BASE: "sha256:ba5e"}, failing="docker build")
    docker.words = "kokoro-spark: python-mismatch: the base image has Python 3.13 on x86_64; pins: none"
    fails(store, docker, NoCandidateError, "python-mismatch")
    assert docker.asked("image", "prune"), "what it left with the engine is deleted"


def test_a_pull_that_fails(store: Store) -> None:
    docker = PretendingDocker(failing="docker pull")
    docker.words = 'Get "https://nvcr.io/v2/": dial tcp: lookup nvcr.io: no such host'
    fails(store, docker, NetworkError, "registry-unreachable")
    assert not docker.asked("build")


@pytest.mark.parametrize("at", ["docker pull", "docker build"])
def test_a_client_that_is_killed(store: Store, at: str) -> None:
    fails(store, PretendingDocker(failing=at, code=-9), BuildError, "engine-killed")


def test_an_image_of_another_processor_is_refused_before_it_is_built_on(store: Store) -> None:
    docker = PretendingDocker(images={BASE: "sha256:ba5e"}, architecture="arm64")
    fails(store, docker, NoCandidateError, "wrong-architecture")
    assert not docker.asked("build")


def test_an_engine_that_is_not_installed(store: Store) -> None:
    step = dataclasses.replace(OURS[1], engine="podman")
    with pytest.raises(EngineError) as told:
        builder(store, PretendingDocker()).realise(dataclasses.replace(PLAN, steps=(OURS[0], step)))
    assert told.value.reference == "engine-missing"


def container(**changes: str) -> ContainerRecord:
    made = ContainerRecord(
        engine="docker",
        image=TAG,
        image_id="sha256:0123",
        base=BASE,
        base_id="x",
        torch="2",
        cuda="13.1",
        python="3.12.3",
    )
    return dataclasses.replace(made, **changes)


def test_whether_the_image_is_still_there() -> None:
    assert image_stands(container(), PretendingDocker(images={TAG: "sha256:0123"}), {})
    assert not image_stands(container(), PretendingDocker(images={TAG: "sha256:4567"}), {}), "its tag names another"
    assert not image_stands(container(), PretendingDocker(), {})


def test_an_engine_that_is_down_is_no_missing_image() -> None:
    docker = PretendingDocker(failing="inspect", words="Cannot connect to the Docker daemon at unix:///x")
    with pytest.raises(EngineError):
        image_stands(container(), docker, {})


def test_removing_the_image() -> None:
    docker = PretendingDocker(images={TAG: "sha256:0123", BASE: "sha256:ba5e"})
    remove_image(PLAN, docker, {})
    assert docker.images == {BASE: "sha256:ba5e"}
    only = f"label={BUILD_LABEL}={PLAN.digest}"
    assert docker.asked("image", "prune") == [["docker", "image", "prune", "--force", "--filter", only]]
    assert docker.asked("container", "prune"), "a killed build's stage holds pip's configuration"
    remove_image(PLAN, docker, {})


def test_an_image_that_cannot_be_removed() -> None:
    docker = PretendingDocker(
        images={TAG: "sha256:0123"},
        failing="image rm",
        words="permission denied while trying to connect to the docker API",
    )
    with pytest.raises(EngineError):
        remove_image(PLAN, docker, {})


@pytest.mark.parametrize(
    ("base", "digests", "told"),
    [
        (BASE, (), BASE),
        (BASE, ("nvcr.io/nvidia/pytorch@sha256:12",), f"{BASE}@sha256:12"),
        (BASE, ("mirror.example/pytorch@sha256:12",), BASE),
        ("host:5000/torch", ("host:5000/torch@sha256:12",), "host:5000/torch@sha256:12"),
        ("x.example/y@sha256:12", ("x.example/y@sha256:12",), "x.example/y@sha256:12"),
    ],
)
def test_the_record_has_the_bases_digest_where_the_engine_knows_it(
    base: str, digests: tuple[str, ...], told: str
) -> None:
    assert by_digest(base, digests) == told
