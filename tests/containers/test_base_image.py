"""The stand-ins of NVIDIA's image and runtime: torch in a container, without a GPU and with the simulated GB10."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.environments.container import ContainerPlace, ContainerRunner
from scripts.environments.engines import Mount, engine_named
from scripts.home import CHECKOUT
from scripts.model.evidence import Observation, Outcome
from scripts.probing import ask
from scripts.shell import run
from tests.containers.daemon import DockerEngine

pytestmark = pytest.mark.containers

PYTHON = Path("/usr/local/bin/python3")


@pytest.fixture
def probe(docker: DockerEngine, tmp_path: Path) -> Callable[..., Observation]:
    def ask_inside(image: str, name: str, *, gpu: bool, **request: object) -> Observation:
        runner = ContainerRunner(
            engine=engine_named("docker"),
            image=image,
            run=run,
            gpu=gpu,
            mounts=(Mount(folder=CHECKOUT, writable=False),),
            environ=docker.environ(),
        )
        place = ContainerPlace(python=PYTHON, run=runner, image=image, python_version="3.12")
        return ask(PYTHON, name, request, run=place.run, workdir=tmp_path, environ=docker.environ())

    return ask_inside


def test_torch_without_a_gpu(ngc_base: str, probe: Callable[..., Observation]) -> None:
    found = probe(ngc_base, "device", gpu=False)
    assert (found.outcome, found.error) == (Outcome.PASSED, "")
    assert found.detail["built_with_cuda"] is True
    assert found.detail["device"] is None
    assert str(found.detail["torch_folder"]).startswith("/usr/local/lib/python3")


def test_torch_with_the_simulated_gb10(ngc_base: str, probe: Callable[..., Observation]) -> None:
    found = probe(ngc_base, "device", gpu=True)
    assert (found.outcome, found.error) == (Outcome.PASSED, "")
    assert found.detail["device"]["name"] == "NVIDIA GB10"
    assert found.detail["device"]["capability"] == "12.1"
    assert found.detail["simulated"] is True


def test_a_nvrtc_that_knows_the_gb10(ngc_base: str, probe: Callable[..., Observation]) -> None:
    found = probe(ngc_base, "canary", gpu=True, operation="abs", device="cuda:0")
    assert (found.outcome, found.error) == (Outcome.PASSED, "")


def test_a_nvrtc_that_does_not(old_ngc_base: str, probe: Callable[..., Observation]) -> None:
    found = probe(old_ngc_base, "canary", gpu=True, operation="abs", device="cuda:0")
    assert found.outcome is Outcome.FAILED
    assert "invalid value for --gpu-architecture" in found.error
