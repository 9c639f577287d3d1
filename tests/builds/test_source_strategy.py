"""setup --strategy source, end to end: a stand-in of torch from a loopback index, built by nvcc, then installed.

Real are uv, git-free fetching by hash, nvcc, ninja, the wheelhouse and the environment; torch is a STAND-IN.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.builds.toolchain import make_cuda_home
from scripts.environments.store import read_record
from scripts.errors import IntegrityError, NoCandidateError
from scripts.facts.interpreters import find_interpreters
from scripts.facts.tools import find_uv
from scripts.home import CONSTRAINTS
from scripts.model.facts import Interpreter
from scripts.model.plan import Request
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.setup import SetupResult, setup
from scripts.shell import run
from tests.builds.conftest import SOURCES
from tests.support.index_server import make_wheel
from tests.support.world import World, pin, supported

pytestmark = pytest.mark.builds

GPU = (("nvidia-cuda-nvrtc", "13.2.86"), ("triton", "3.9.0"))
TABLES = ("devicecode.toml", "nvrtc.toml", "triton.toml", "drivers.toml", "sonames.toml", "ladder.toml")
RECIPE = """
name = "torch-stand-in"
distribution = "torch"
summary = "a stand-in of torch"
tried = "in this test"

[source]
kind = "sdist"
project = "torch"
version = "2.15.0"
sha256 = "%s"

[build]
against_torch = false
cuda_from_index = false
rpath = ["{site}/nvidia/cu13/lib", "$ORIGIN"]

[environment]
PYTORCH_BUILD_VERSION = "2.15.0+cu{cuda}.{sm}"
PYTORCH_EXTRA_INSTALL_REQUIREMENTS = "{requires}"
CUDA_RELEASE = "13.2"

[resources]
memory_per_job_gb = 0.5
disk_gb = 1
core_minutes = 1
basis = "a guess"

[checks]
imports = ["torch"]
"""


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    found = supported(find_interpreters(run, os.environ))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def cuda_home(tmp_path_factory: pytest.TempPathFactory, interpreter: Interpreter) -> Path:
    """NVIDIA's compiler from the real default index, as a toolkit that is installed here."""
    folder = tmp_path_factory.mktemp("toolkit") / "venv"
    uv, pins = find_uv(), str(CONSTRAINTS / "nvcc-cu132.txt")
    install = ["pip", "install", "--quiet", "--python", str(folder), "--no-deps", "--require-hashes", "-r", pins]
    for arguments in (["venv", "--quiet", "--python", interpreter.path, str(folder)], install):
        subprocess.run([uv, "--no-config", *arguments], check=True)
    return make_cuda_home(folder)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory, interpreter: Interpreter) -> Path:
    """The wheels of constraints/builder.txt, which the loopback index serves."""
    folder = tmp_path_factory.mktemp("tools")
    # Of the same Python: pip goes by its own markers.
    subprocess.run([interpreter.path, "-m", "venv", str(folder / "venv")], check=True)
    pip, pins = [str(folder / "venv" / "bin" / "python"), "-m", "pip"], str(CONSTRAINTS / "builder.txt")
    only = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    subprocess.run([*pip, "download", *only, "-d", str(folder / "wheels"), "-r", pins], check=True)
    return folder / "wheels"


@pytest.fixture
def world(tmp_path: Path, interpreter: Interpreter, tools: Path) -> Iterator[World]:
    with World(tmp_path / "world", interpreter) as made:
        default = made.root / "default"
        for wheel in tools.iterdir():
            shutil.copy(wheel, default)
        packages = [make_wheel(default, name, version) for name, version in GPU]
        made.write_lock("pypi", *map(pin, packages))
        for table in (*TABLES, "builder.txt"):
            shutil.copy(CONSTRAINTS / table, made.constraints / table)
        yield made


def sdist(world: World) -> str:
    """Put the stand-in's source onto the loopback index; give its hash."""
    path = world.root / "default" / "torch-2.15.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(SOURCES / "torch_stand_in", "torch-2.15.0")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def asked(world: World, *, build: bool) -> Request:
    recipe = world.root / "stand-in.toml"
    if not recipe.is_file():
        recipe.write_text(RECIPE % sdist(world))
    return replace(world.request("source"), recipe=str(recipe), build=build, sm=GB10)


def context(world: World, cuda_home: Path) -> Context:
    made = world.context()
    made.environ = {**made.environ, "CUDA_HOME": str(cuda_home)}
    return made


def done(world: World, request: Request, cuda_home: Path) -> SetupResult:
    return setup(request, None, GB10, context(world, cuda_home), smoke=False)


def test_asked_first_then_built_then_found(world: World, cuda_home: Path) -> None:
    with pytest.raises(NoCandidateError) as caught:
        done(world, asked(world, build=False), cuda_home)
    assert caught.value.reference == "not-built"
    assert "expected: " in caught.value.context
    assert "--yes" in caught.value.hint
    assert world.entries() == {}

    built = done(world, asked(world, build=True), cuda_home)
    assert (built.plan.strategy, built.plan.torch, built.plan.cuda) == ("source", "2.15.0+cu132.sm121a", "13.2")
    assert built.environment.startswith("source-")
    assert built.current
    record = read_record(world.home.environments / built.environment)
    assert {one.name for one in record.distributions} >= {"torch", "nvidia-cuda-nvrtc", "kokoro"}
    python = world.home.environments / built.environment / "bin" / "python"
    told = run([str(python), "-I", "-c", "import torch, kokoro; print(torch.__version__)"])
    assert told.stdout.strip() == "2.15.0+cu132.sm121a"

    again = done(world, asked(world, build=False), cuda_home)
    assert (again.reused, again.environment) == (True, built.environment)
    assert make_plan(asked(world, build=False), context(world, cuda_home)).plan.environment == built.environment


def test_a_source_that_is_not_the_pinned_one(world: World, cuda_home: Path) -> None:
    recipe = world.root / "stand-in.toml"
    right = RECIPE % sdist(world)
    recipe.write_text(RECIPE % ("0" * 64))
    with pytest.raises(IntegrityError) as caught:
        done(world, asked(world, build=True), cuda_home)
    assert caught.value.reference == "hash-mismatch"
    assert world.entries() == {}
    recipe.write_text(right)
    assert done(world, asked(world, build=True), cuda_home).current
