"""Engines of the tests' own, and the base images that they hold.

`docker` has the stand-ins of NVIDIA's toolkit and gives a simulated GB10; `plain_docker` has nothing of NVIDIA's. Both
last for the session, and so do their images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.operations.context import Context
from scripts.operations.site import this_machine
from tests.containers.base_image import NGC, python_image, torch_image
from tests.containers.daemon import DockerEngine, docker_engine
from tests.containers.needs import DOCKER, PODMAN, needing
from tests.containers.nvidia import StandIns
from tests.containers.podman import PodmanEngine, podman_engine
from tests.simulated_gpu.conftest import environment
from tests.simulated_gpu.environments import newest_torch
from tests.simulated_gpu.gpu import SimulatedGpu
from tests.support.roots import CannotBuildError

OLD_TORCH = "2.9.1"
"""Its NVRTC, 12.8, does not know a GB10."""
OLD_TAG = "25.02-py3"
TAG = "25.12-py3"
SMALL = "kokoro-spark/python:test"


@pytest.fixture(scope="session")
def containers_context() -> Context:
    """The data root that what is made once is kept in."""
    return Context()


@pytest.fixture(scope="session")
def interpreter(containers_context: Context) -> Callable[[str], Path]:
    """Gives the interpreter of the slim environment with a torch."""

    @cache
    def find(torch: str) -> Path:
        return environment(torch, containers_context)

    return find


@pytest.fixture(scope="session")
def newest(containers_context: Context) -> str:
    """The pinned torch's version."""
    return newest_torch(this_machine(containers_context.facts.host)[0], containers_context)


@pytest.fixture(scope="session")
def docker(containers_context: Context) -> Iterator[DockerEngine]:
    simulators = containers_context.home.cache / "simulated-gpu"
    stand_ins = StandIns(simulators=simulators, gpu=SimulatedGpu(python=Path("python"), cache=simulators))
    with needing(DOCKER), docker_engine(nvidia=stand_ins) as engine:
        yield engine


@pytest.fixture(scope="session")
def plain_docker() -> Iterator[DockerEngine]:
    with needing(DOCKER), docker_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def podman() -> Iterator[PodmanEngine]:
    with needing(PODMAN), podman_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def ngc_base(docker: DockerEngine, containers_context: Context, interpreter: Callable[[str], Path], newest: str) -> str:
    """The stand-in of nvcr.io/nvidia/pytorch:25.12-py3: the pinned torch, whose NVRTC knows a GB10."""
    return made(TAG, interpreter(newest), containers_context, docker)


@pytest.fixture(scope="session")
def old_ngc_base(docker: DockerEngine, containers_context: Context, interpreter: Callable[[str], Path]) -> str:
    """One under another tag, with a torch whose NVRTC does not know a GB10."""
    return made(OLD_TAG, interpreter(OLD_TORCH), containers_context, docker)


def made(tag: str, python: Path, context: Context, engine: DockerEngine) -> str:
    """Make a base image; what the simulated GPU needs is missing here where it says so."""
    with needing(DOCKER):
        try:
            return torch_image(tag, python, context.home, engine.environ())
        except UsageError as error:
            raise CannotBuildError(str(error)) from error


@pytest.fixture(scope="session")
def small_image(
    docker: DockerEngine, containers_context: Context, interpreter: Callable[[str], Path], newest: str
) -> str:
    """A Debian and a Python, with an environment at our place, and no torch."""
    with needing(DOCKER):
        return python_image(SMALL, interpreter(newest), containers_context.home, docker.environ())


@pytest.fixture(scope="session")
def small_podman_image(
    podman: PodmanEngine, containers_context: Context, interpreter: Callable[[str], Path], newest: str
) -> str:
    """The same for podman, which puts its own host before a name that has none."""
    with needing(PODMAN):
        name = f"localhost/{SMALL}"
        home = containers_context.home
        return python_image(name, interpreter(newest), home, podman.environ(), engine="podman")


__all__ = ["NGC", "OLD_TAG", "TAG"]
