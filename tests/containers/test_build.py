"""A build in a container: its image, what runs in it, what it sees, and that none is left however a build ends."""

from __future__ import annotations

import os
import signal
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from scripts.errors import NoCandidateError, UsageError
from scripts.home import CHECKOUT, CONSTRAINTS, Home
from scripts.model.builds import BuildRequest
from scripts.model.recipes import Recipe, Resources, SourceKind, SourceSpec
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.build_container import BuildContainer
from scripts.operations.build_place import BuildPlace, container_place
from scripts.operations.context import Context
from scripts.shell import Completed, ProgramNotFoundError, Streamed, run, stream
from scripts.wheels.devicecode import read_device_code
from tests.containers.builder_base import NAME, PYTHON, TAG, builder_base, write_table
from tests.containers.daemon import DockerEngine
from tests.containers.needs import DOCKER, PODMAN, needing
from tests.containers.podman import PodmanEngine

pytestmark = pytest.mark.containers

RECIPE = Recipe(
    name="small",
    distribution="small-cuda",
    summary="a shared library of CUDA code, without torch",
    tried="here",
    source=SourceSpec(kind=SourceKind.FOLDER),
    resources=Resources(memory_per_job_gb=1, disk_gb=1, core_minutes=1),
    against_torch=False,
)
SETUP = """
import os
import subprocess
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class Nvcc(build_ext):
    def build_extension(self, ext):
        nvcc = os.path.join(os.environ["CUDA_HOME"], "bin", "nvcc")
        flags = ["-shared", "-Xcompiler", "-fPIC", "-gencode=arch=compute_121a,code=sm_121a"]
        target = self.get_ext_fullpath(ext.name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        subprocess.run([nvcc, *flags, *ext.sources, "-o", target], check=True)


setup(
    name="small-cuda",
    version="1.0",
    packages=["small_cuda"],
    ext_modules=[Extension("small_cuda.scale", ["scale.cu"])],
    cmdclass={"build_ext": Nvcc},
)
"""
KERNEL = 'extern "C" __global__ void scale(float *x, float by) { x[threadIdx.x] *= by; }\n'


def nothing() -> None:
    """Let it go on."""


@dataclass
class Watched:
    """A runner that keeps what it was asked."""

    seen: list[list[str]] = field(default_factory=list)

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
        return run(argv, env=env, cwd=cwd, timeout=timeout, tee=tee, pass_fds=pass_fds)

    def asked(self, *words: str) -> int:
        return sum(argv[1 : 1 + len(words)] == list(words) for argv in self.seen)


@dataclass(frozen=True, kw_only=True)
class Builder:
    """An engine that has the stand-in of NVIDIA's image, and a data root."""

    engine: DockerEngine | PodmanEngine
    context: Context
    client: Watched

    def place(
        self, *, cuda: str = "auto", python: PythonVersion | None = None, packages: tuple[str, ...] = ()
    ) -> BuildPlace:
        return container_place(
            BuildRequest(recipe="small", place="container", cuda=cuda),
            replace(RECIPE, system=(("debian", packages), ("ubuntu", ("of-another-distribution",)))),
            cuda_version="13.2",
            architecture=Architecture(self.context.facts.host.architecture),
            context=self.context,
            python=python,
        )


def _builder(engine: DockerEngine | PodmanEngine, folder: Path, made: Context) -> Builder:
    name = builder_base(made, engine.environ(), engine=engine.name)
    assert name == f"{NAME}:{TAG}"
    write_table(folder / "constraints")
    client = Watched()
    context = Context(
        home=Home(root=folder / "data"), run=client, constraints=folder / "constraints", environ=engine.environ()
    )
    engines = tuple(one for one in context.facts.engines if one.name == engine.name)
    context.__dict__["facts"] = replace(context.facts, engines=engines)
    return Builder(engine=engine, context=context, client=client)


@pytest.fixture(scope="module", params=["docker", "podman"])
def builder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, containers_context: Context
) -> Builder:
    engine = request.getfixturevalue("plain_docker" if request.param == "docker" else "podman")
    with needing(DOCKER if request.param == "docker" else PODMAN):
        return _builder(engine, tmp_path_factory.mktemp(f"builder-{request.param}"), containers_context)


@pytest.fixture(scope="module")
def place(builder: Builder) -> BuildPlace:
    return builder.place(python=PythonVersion.parse(PYTHON))


@pytest.fixture
def work(builder: Builder) -> Iterator[Path]:
    """A build's folder."""
    folder = builder.context.home.builds / f"small-{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    yield folder
    assert builder.engine.containers() == []


def test_the_image_is_built_once(builder: Builder, place: BuildPlace) -> None:
    built = builder.client.asked("build")
    again = builder.place()
    assert builder.client.asked("build") == built == 1
    assert builder.client.asked("pull") == 0
    assert (again.inputs, again.image) == (place.inputs, place.image)
    assert place.inputs.startswith(f"{NAME}:{TAG}")
    assert "sha256:" in place.inputs
    assert (place.python, place.cuda_home) == ("/usr/bin/python3", "/usr/local/cuda")
    assert builder.place(cuda="index").cuda_home is None


def test_a_recipes_packages_are_in_an_image_of_their_own(builder: Builder, place: BuildPlace) -> None:
    other = builder.place(packages=("patch",))
    assert other.image != place.image
    assert other.inputs != place.inputs
    assert other.run(["patch", "--version"]).ok
    with pytest.raises(ProgramNotFoundError):
        place.run(["patch", "--version"])
    run([builder.engine.name, "image", "rm", str(other.image)], env=builder.engine.environ())


def test_a_package_that_is_not_there(builder: Builder) -> None:
    with pytest.raises(NoCandidateError) as told:
        builder.place(packages=("no-such-package",))
    assert told.value.reference == "no-such-package"
    assert "Unable to locate package no-such-package" in told.value.context
    assert builder.engine.containers() == []


def test_a_python_that_the_image_has_not(builder: Builder) -> None:
    with pytest.raises(UsageError) as told:
        builder.place(python=PythonVersion(3, 12))
    assert told.value.reference == "python-mismatch"
    assert "--python 3.11" in told.value.hint


def test_compilers_run_there(place: BuildPlace) -> None:
    assert "(Debian" in place.run(["g++", "--version"], env=place.environ).stdout
    assert "release 13.2" in place.run(["/usr/local/cuda/bin/nvcc", "--version"]).stdout
    assert place.run(["sh", "-c", "exit 3"]).returncode == 3
    assert place.run(["sh", "-c", "kill -SEGV $$"]).returncode == -signal.SIGSEGV
    with pytest.raises(ProgramNotFoundError):
        place.run(["cmake", "--version"])


def test_what_is_seen_from_inside(builder: Builder, place: BuildPlace, work: Path) -> None:
    program = (
        "import os, socket\n"
        "for name in ('CUDA_HOME', 'MAX_JOBS', 'CCACHE_DIR', 'PATH', 'SECRET', 'DOCKER_HOST', 'HOME'):\n"
        "    print(name, os.environ.get(name))\n"
        "print('user', os.getuid(), os.getgid())\n"
        "print('interfaces', [name for _, name in socket.if_nameindex()])\n"
        f"print('checkout', os.path.exists({str(CHECKOUT / 'tasks.py')!r}))\n"
        "print('cwd', os.getcwd()); open('made', 'w').close()\n"
    )
    caller = {**builder.context.environ, "SECRET": "1"}
    assert "SECRET" not in str(builder.context.environ)
    tools = builder.context.home.builds / "environments" / "x" / "bin"
    environ = {
        **caller,
        "MAX_JOBS": "2",
        "CCACHE_DIR": str(builder.context.home.compiler_cache),
        "PATH": f"{tools}:{os.environ['PATH']}:/only/here",
        "CUDA_HOME": "/usr/local/cuda",
    }
    del environ["SECRET"]
    done = place.run([place.python, "-I", "-c", program], env=environ, cwd=work)
    seen = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    assert seen["CUDA_HOME"] == "/usr/local/cuda", done.stderr
    assert (seen["MAX_JOBS"], seen["CCACHE_DIR"]) == ("2", str(builder.context.home.compiler_cache))
    assert seen["PATH"].startswith(f"{tools}:/usr/local/cuda/bin:")
    assert "/only/here" not in seen["PATH"]
    assert (seen["SECRET"], seen["DOCKER_HOST"], seen["HOME"]) == ("None", "None", "/tmp")
    assert seen["user"] == f"{os.getuid()} {os.getgid()}"
    assert seen["interfaces"] == "['lo']"
    assert seen["checkout"] == "False"
    assert seen["cwd"] == str(work)
    assert (work / "made").stat().st_uid == os.getuid()


def test_a_build_streams(place: BuildPlace, work: Path) -> None:
    lines: list[str] = []
    program = "echo one; echo two >&2; echo $RECIPES_OWN; exit 4"
    done = place.stream(
        ["sh", "-c", program],
        env={"RECIPES_OWN": "three"},
        cwd=work,
        log=work / "log.txt",
        on_line=lines.append,
        on_tick=nothing,
    )
    assert (done.returncode, done.stopped) == (4, None)
    assert sorted(line.strip() for line in lines) == ["one", "three", "two"]
    assert "three" in (work / "log.txt").read_text()


def test_a_build_that_is_stopped_leaves_no_container(builder: Builder, place: BuildPlace, work: Path) -> None:
    done = place.stream(
        ["sh", "-c", "trap '' TERM; sleep 3600"],
        env={},
        cwd=work,
        log=work / "log.txt",
        on_line=lambda _: None,
        on_tick=lambda: "enough" if builder.engine.containers() else None,
    )
    assert done.stopped == "enough"


def test_an_interruption_ends_the_container(builder: Builder, place: BuildPlace, work: Path) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt() -> None:
        if builder.engine.containers():
            raise Interrupted

    with pytest.raises(Interrupted):
        place.stream(
            ["sh", "-c", "trap '' TERM; sleep 3600"],
            env={},
            cwd=work,
            log=work / "log.txt",
            on_line=lambda _: None,
            on_tick=interrupt,
        )


TASK = """
import sys, tasks
from pathlib import Path
from scripts.environments.engines import Mount, engine_named
from scripts.operations.build_container import BuildContainer
from scripts.shell import run, stream

tasks._handle_signals()
engine, image, work = sys.argv[1:]
container = BuildContainer(
    engine=engine_named(engine), image=image, run=run, start=stream, environ=dict(__import__("os").environ),
    mounts=(Mount(folder=Path(work), writable=True),), fetcher="uv",
)
container.stream(
    ["sh", "-c", "trap '' TERM INT; while :; do date > beat; sleep 0.2; done"], env={}, cwd=Path(work),
    log=Path(work, "log.txt"), on_line=print, on_tick=lambda: None,
)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_task_that_is_ended_leaves_no_container(
    builder: Builder, place: BuildPlace, work: Path, *, number: signal.Signals
) -> None:
    task = Popen(
        ["env", "--default-signal=INT", sys.executable, "-c", TASK, builder.engine.name, str(place.image), str(work)],
        cwd=CHECKOUT,
        env=builder.engine.environ(),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    while not (work / "beat").exists():
        assert task.poll() is None, task.communicate()
        time.sleep(0.1)
    task.send_signal(number)
    task.communicate()
    assert task.returncode != 0
    for _ in range(600):  # after SIGKILL nobody waits for the container: it ends by itself
        if not builder.engine.containers():
            break
        time.sleep(0.1)


def test_what_a_kill_left_is_ended_by_the_next_build(builder: Builder, place: BuildPlace, work: Path) -> None:
    """As if its end were not seen inside, on a file system that does not tell of locks."""
    started: list[list[str]] = []

    def keeping(argv: Sequence[str], **options: Any) -> Streamed:
        started.append(list(argv))
        return stream(argv, **options)

    container = place.run
    assert isinstance(container, BuildContainer)
    lines: list[str] = []
    for _ in range(2):
        replace(container, start=keeping).stream(
            ["echo", "next"], env={}, cwd=work, log=work / "log.txt", on_line=lines.append, on_tick=nothing
        )
        argv = started[-1]
        left = [*argv[:2], "--detach", *argv[2 : argv.index("env")], "sleep", "3600"]
        assert run(left, env=builder.engine.environ()).ok
        assert len(builder.engine.containers()) == 1
    done = place.stream(["echo", "last"], env={}, cwd=work, log=work / "log.txt", on_line=lines.append, on_tick=nothing)
    assert (done.returncode, [line.strip() for line in lines]) == (0, ["next", "next", "last"])


def test_cuda_code_is_built_into_a_wheel(builder: Builder, place: BuildPlace, work: Path) -> None:
    """With the pinned build tools, which uv installs there: for exactly the GPU that was asked for, by nvcc 13.2."""
    context, tools, source = builder.context, work / "env", work / "source"
    for argv in (
        ["venv", "--quiet", "--python", place.python, str(tools)],
        [
            *("pip", "install", "--quiet", "--python", str(tools), "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "-r", str(shared(CONSTRAINTS / "builder.txt", work))),
        ],
    ):
        done = place.run([context.uv, "--no-config", *argv], env=context.uv_environ)
        assert done.ok, done.stderr
    (source / "small_cuda").mkdir(parents=True)
    (source / "small_cuda" / "__init__.py").touch()
    (source / "scale.cu").write_text(KERNEL)
    (source / "setup.py").write_text(SETUP)
    lines: list[str] = []
    built = place.stream(
        [str(tools / "bin" / "python"), "-m", "build", "--wheel", "--no-isolation", "--outdir", str(work), str(source)],
        env={"PATH": str(tools / "bin"), "CUDA_HOME": str(place.cuda_home)},
        cwd=source,
        log=work / "log.txt",
        on_line=lines.append,
        on_tick=nothing,
    )
    assert built.returncode == 0, lines
    (wheel,) = work.glob("*.whl")
    assert wheel.name.startswith("small_cuda-1.0-cp311-cp311-linux_")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".so"))
        archive.extract(name, work)
    code = read_device_code(work / name)
    assert set(code.cubins) == {"sm_121a"}
    assert code.ptx == {}


def shared(file: Path, folder: Path) -> Path:
    """Copy a file to where the container sees it."""
    copied = folder / file.name
    copied.write_bytes(file.read_bytes())
    return copied
