"""prebuilt with real uv: wheels here, behind a URL and on an index that behaves or does not."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.environments.store import read_record
from scripts.errors import ExitCode, IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.environment import EnvironmentState
from scripts.model.facts import Gpu, GpuFacts
from scripts.model.plan import InstallWheel, Plan, Request
from scripts.model.target import GB10, Architecture
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.setup import SetupResult, setup
from scripts.shell import run
from tests.support.index_server import Behaviour, IndexServer, make_wheel
from tests.support.world import ARCHITECTURE, CLOSED, STUB, World

pytestmark = pytest.mark.integration

FATBINS = Path(__file__).parents[1] / "data" / "fatbins"
MACHINES = {Architecture.X86_64: 62, Architecture.AARCH64: 183}
"""ELF's e_machine."""
GPU = (("nvidia-cuda-nvrtc", "13.0.88"), ("triton", "3.9.0"))
REQUIRES = ["filelock", *(f"{name}=={version}" for name, version in GPU)]
TABLES = ("devicecode.toml", "nvrtc.toml", "triton.toml", "drivers.toml", "sonames.toml", "ladder.toml")
SECRET = "token-of-nobody"


@pytest.fixture
def gpu_world(world: World) -> World:
    """A world whose default index has what a torch with CUDA requires, and whose tables are the real ones."""
    for name, version in GPU:
        make_wheel(world.root / "default", name, version)
    for table in TABLES:
        shutil.copy(CONSTRAINTS / table, world.constraints / table)
    return world


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IndexServer]:
    with IndexServer(tmp_path / "served") as made:
        yield made


def library(name: str) -> bytes:
    """One of the libraries, with this machine as its machine: they were made on another."""
    data = (FATBINS / name).read_bytes()
    return data[:18] + MACHINES[ARCHITECTURE].to_bytes(2, "little") + data[20:]


def torch(world: World, folder: Path, version: str = "2.15.0+cu130", *, code: str = "plain.so") -> Path:
    """Make a torch that cannot compute, with device code for 12.1 (plain.so) or for 9.0 alone (hopper.so)."""
    tag = world.interpreter.minor.tag
    files = {
        "torch/__init__.py": STUB % version.encode(),
        "torch/version.py": b"cuda: Optional[str] = '13.0'\n",
        "torch/lib/libtorch_cuda.so": library(code),
    }
    return make_wheel(folder, "torch", version, f"{tag}-{tag}-linux_{ARCHITECTURE}", requires=REQUIRES, files=files)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def asked(world: World, wheel: str | Path, sha256: str | None = None) -> Request:
    return world.request("prebuilt", wheel=str(wheel), sha256=sha256)


def planned(world: World, request: Request) -> Plan:
    return make_plan(request, world.context()).plan


def made(world: World, request: Request) -> SetupResult:
    """Set up without a smoke, for this torch has nothing to be asked."""
    return setup(request, None, GB10, world.context(), smoke=False)


def refused(world: World, request: Request, kind: type[SparkError]) -> SparkError:
    """Insist on a whole error, no environment, and no wheel in the cache."""
    with pytest.raises(kind) as caught:
        made(world, request)
    error = caught.value
    assert type(error) is kind
    assert error.hint
    assert SECRET not in str(error.to_dict())
    assert world.entries() == {}
    assert not list((world.home.cache / "wheels").rglob("*.whl"))
    return error


def whole_requests(server: IndexServer, wheel: Path) -> int:
    """Count how often a file was asked for as a whole."""
    pairs = zip(server.requests, server.headers, strict=True)
    return sum(path == f"GET /files/{wheel.name}" and "Range" not in headers for path, headers in pairs)


def installed(plan: Plan) -> InstallWheel:
    return next(step for step in plan.steps if isinstance(step, InstallWheel))


@pytest.mark.parametrize("folder", ["wheels", "a folder (of mine) @ home"])
def test_a_wheel_by_its_path(gpu_world: World, tmp_path: Path, folder: str) -> None:
    wheel = torch(gpu_world, tmp_path / folder)
    result = made(gpu_world, asked(gpu_world, wheel))
    record = read_record(gpu_world.home.environments / result.environment)
    assert (record.state, result.reused, result.current) == (EnvironmentState.READY, False, True)
    assert (record.plan.torch, record.plan.cuda, record.plan.nvrtc) == ("2.15.0+cu130", "13.0", "13.0.88")
    assert {one.name for one in record.distributions} >= {"torch", "nvidia-cuda-nvrtc", "kokoro"}
    python = gpu_world.home.environments / result.environment / "bin" / "python"
    done = run([str(python), "-I", "-c", "import torch, kokoro, kokoro_spark; print(torch.__version__)"])
    assert done.stdout == "2.15.0+cu130\n", done.stderr
    again = made(gpu_world, asked(gpu_world, wheel))
    assert (again.reused, again.environment) == (True, result.environment)


def test_the_best_of_a_folder(gpu_world: World, tmp_path: Path) -> None:
    torch(gpu_world, tmp_path / "wheels", "2.15.1+cu130", code="hopper.so")
    torch(gpu_world, tmp_path / "wheels", "2.15.2+cpu")
    best = torch(gpu_world, tmp_path / "wheels")
    result = made(gpu_world, asked(gpu_world, tmp_path / "wheels"))
    assert installed(result.plan).filename == best.name
    assert any("2.15.1+cu130" in note and "no device code" in note for note in result.notes)


@pytest.mark.parametrize("moved", [False, True])
def test_a_url_is_downloaded_once_and_checked(gpu_world: World, server: IndexServer, *, moved: bool) -> None:
    wheel = torch(gpu_world, server.folder)
    server.behaviours = {"torch": Behaviour(moved=moved)}
    url = f"{server.origin}/files/{wheel.name}".replace("http://", f"http://me:{SECRET}@")
    request = asked(gpu_world, url, digest_of(wheel))
    plan = planned(gpu_world, request)
    assert whole_requests(server, wheel) == 0
    assert not Path(installed(plan).path).exists()
    result = made(gpu_world, request)
    assert result.current
    assert whole_requests(server, wheel) == 1
    text = (gpu_world.home.environments / result.environment / "kokoro-spark.json").read_text()
    assert SECRET not in text
    assert SECRET not in repr(result)
    server.requests.clear()
    assert made(gpu_world, request).reused
    assert server.requests == []


@pytest.mark.parametrize("page", ["", "/torch/"])
@pytest.mark.parametrize("html_only", [False, True])
def test_an_index(gpu_world: World, server: IndexServer, page: str, *, html_only: bool) -> None:
    torch(gpu_world, server.folder, "2.15.1+cu130", code="hopper.so")
    best = torch(gpu_world, server.folder)
    server.behaviours = {"torch": Behaviour(html_only=html_only)}
    result = made(gpu_world, asked(gpu_world, f"{server.url}{page}", digest_of(best)))
    assert (result.plan.torch, result.current) == ("2.15.0+cu130", True)
    assert whole_requests(server, best) == 1


@pytest.mark.parametrize(
    ("how", "kind", "reference"),
    [
        (Behaviour(missing=True), NoCandidateError, "project-not-found"),
        (Behaviour(errors=99), NetworkError, "server-error"),
        (Behaviour(status=403), NetworkError, "access-denied"),
        (Behaviour(body=b"<a href='/login'>Sign in</a>"), NetworkError, "not-an-index"),
        (Behaviour(page_of="torchaudio"), IntegrityError, "wrong-project"),
        (Behaviour(wrong_hash=True), IntegrityError, "wrong-hash"),
        (Behaviour(file_errors=99), NetworkError, "server-error"),
        (Behaviour(file_status=404), NetworkError, "http-error"),
        (Behaviour(file_status=403), NetworkError, "http-error"),
        (Behaviour(truncated=True), NetworkError, "connection-lost"),
        (Behaviour(ranges=False), NetworkError, "no-range-support"),
    ],
)
def test_an_index_that_does_not_deliver(
    gpu_world: World, server: IndexServer, how: Behaviour, kind: type[SparkError], reference: str
) -> None:
    wheel = torch(gpu_world, server.folder)
    make_wheel(server.folder, "torchaudio", "2.15.0")
    server.behaviours = {"torch": how}
    url = server.url.replace("http://", f"http://me:{SECRET}@")
    error = refused(gpu_world, asked(gpu_world, url, digest_of(wheel)), kind)
    assert error.reference == reference
    server.behaviours = {}
    assert made(gpu_world, asked(gpu_world, url, digest_of(wheel))).current, "once the cause is gone it works"


def test_nobody_there(gpu_world: World) -> None:
    url = f"{CLOSED}/whl".replace("http://", f"http://me:{SECRET}@")
    assert refused(gpu_world, asked(gpu_world, url, "5" * 64), NetworkError).reference == "network-unreachable"
    name = f"torch-2.15.0-py3-none-linux_{ARCHITECTURE}.whl"
    url = url.replace("/whl", f"/files/{name}")
    assert refused(gpu_world, asked(gpu_world, url, "5" * 64), NetworkError).reference == "network-unreachable"


def test_the_hash_of_another_file(gpu_world: World, server: IndexServer) -> None:
    wheel = torch(gpu_world, server.folder)
    url = f"{server.origin}/files/{wheel.name}"
    error = refused(gpu_world, asked(gpu_world, url, "5" * 64), IntegrityError)
    assert (error.exit_code, error.reference) == (ExitCode.INTEGRITY, "wrong-hash")
    assert digest_of(wheel) in error.context


def test_without_a_hash_nothing_remote_is_installed(gpu_world: World, server: IndexServer) -> None:
    wheel = torch(gpu_world, server.folder)
    for what in (server.url, f"{server.origin}/files/{wheel.name}"):
        error = refused(gpu_world, asked(gpu_world, what), UsageError)
        assert error.reference == "hash-needed"
    assert whole_requests(server, wheel) == 0


def test_what_only_the_whole_wheel_shows_keeps_it_from_being_installed(gpu_world: World, server: IndexServer) -> None:
    wheel = torch(gpu_world, server.folder, code="hopper.so")
    request = asked(gpu_world, f"{server.origin}/files/{wheel.name}", digest_of(wheel))
    with pytest.raises(NoCandidateError) as caught:
        made(gpu_world, request)
    assert caught.value.reference == "no-device-code"
    assert gpu_world.entries() == {}


def test_a_file_that_changes_before_it_is_installed(gpu_world: World, tmp_path: Path) -> None:
    wheel = torch(gpu_world, tmp_path / "wheels")
    context = gpu_world.context()
    request = asked(gpu_world, wheel, digest_of(wheel))
    make_plan(request, context)
    wheel.write_bytes(wheel.read_bytes() + b"more")
    with pytest.raises(IntegrityError) as caught:
        setup(request, None, GB10, context, smoke=False)
    assert caught.value.reference == "wrong-hash"
    assert gpu_world.entries() == {}


def test_what_it_requires_is_on_no_index(gpu_world: World, tmp_path: Path) -> None:
    wheel = torch(gpu_world, tmp_path / "wheels")
    next((gpu_world.root / "default").glob("triton-*")).unlink()
    error = refused(gpu_world, asked(gpu_world, wheel), NoCandidateError)
    assert error.reference == "no-solution"
    assert "triton" in error.message + error.context


def test_the_default_index_is_gone(gpu_world: World, tmp_path: Path) -> None:
    wheel = torch(gpu_world, tmp_path / "wheels")
    gpu_world.variables["UV_DEFAULT_INDEX"] = f"{CLOSED}/simple"
    error = refused(gpu_world, asked(gpu_world, wheel), NetworkError)
    assert error.message.startswith("strategy prebuilt: ")


def test_what_a_mirror_has_comes_from_there(gpu_world: World, tmp_path: Path) -> None:
    wheel = torch(gpu_world, tmp_path / "wheels")
    for name, _ in GPU:
        next((gpu_world.root / "default").glob(f"{name.replace('-', '_')}-*")).unlink()
    request = dataclasses.replace(asked(gpu_world, wheel), index=gpu_world.cu130.url)
    assert made(gpu_world, request).current
    assert not any("filelock" in path for path in gpu_world.cu130.requests)


def seen_by(world: World, *, cuda: str) -> Context:
    """A context of this machine with a GB10 in it, which nothing is run on."""
    context = world.context()
    gpu = Gpu(index=0, name="NVIDIA GB10", uuid=None, capability=GB10, memory_total=None, unified_memory=True)
    facts = dataclasses.replace(context.facts, gpu=GpuFacts(driver_version="1", cuda_version=cuda, gpus=(gpu,)))
    context.__dict__["facts"] = facts
    return context


def test_auto_comes_down_to_the_wheel_that_is_named(gpu_world: World, server: IndexServer) -> None:
    wheel = torch(gpu_world, server.folder)
    never = ("pypi", "cu129", "nvrtc-override", "ngc", "onnx")
    request = dataclasses.replace(asked(gpu_world, server.url, digest_of(wheel)), strategy="auto", never=never)
    for rung in gpu_world.cu130.folder.glob("torch-*"):
        rung.unlink()
    result = setup(request, None, GB10, seen_by(gpu_world, cuda="13.0"), smoke=False)
    assert result.climb is not None
    assert result.climb.chosen is not None
    assert (result.climb.chosen.strategy, result.plan.strategy) == ("prebuilt", "prebuilt")
    assert whole_requests(server, wheel) == 1
    with pytest.raises(NoCandidateError) as caught:
        setup(request, None, GB10, seen_by(gpu_world, cuda="12.8"), smoke=False)
    assert f"{wheel.name}: the driver serves CUDA 12.8, older than the build's 13.0" in caught.value.context
    nothing = dataclasses.replace(request, wheel=None, sha256=None)
    with pytest.raises(NoCandidateError) as caught:
        setup(nothing, None, GB10, seen_by(gpu_world, cuda="13.0"), smoke=False)
    assert "no wheel is named" in caught.value.context
