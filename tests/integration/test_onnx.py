"""`onnx` with real uv and stub wheels: one build alone is installed, and what requires the other name is content."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.store import read_record
from scripts.shell import run
from scripts.strategies.onnx import LOWEST_GPU_PYTHON, Build
from scripts.wheels.made import ONNX_VERSION
from tests.support.index_server import make_wheel
from tests.support.world import Recorder, World, pin

pytestmark = pytest.mark.integration


@pytest.fixture
def onnx_world(world: World) -> World:
    """A world that has kokoro-onnx and both builds of ONNX Runtime, which write the same files, as they do."""
    default = world.root / "default"
    kokoro = make_wheel(default, "kokoro-onnx", "0.6.1", requires=["onnxruntime>=1.20.1"])
    nvrtc = make_wheel(default, "nvidia-cuda-nvrtc", "13.0.88")
    builds = {
        build: make_wheel(
            default, build.package, version, files={"onnxruntime/__init__.py": f'IS = "{build}"\n'.encode()}
        )
        for build, version in ((Build.GPU, ONNX_VERSION), (Build.CPU, "1.32.0"))
    }
    world.write_lock(Build.GPU.part, pin(kokoro), pin(nvrtc), pin(builds[Build.GPU]))
    world.write_lock(Build.CPU.part, pin(kokoro), pin(builds[Build.CPU]))
    return world


def imported(folder: Path) -> str:
    """Import onnxruntime there: which build is it, and which releases go by its names?"""
    question = (
        "import onnxruntime\nfrom importlib.metadata import distributions\n"
        "print(onnxruntime.IS, *sorted(d.name + '=' + d.version for d in distributions() if 'onnxruntime' in d.name))"
    )
    done = run([str(folder / "bin" / "python"), "-I", "-c", question])
    assert done.ok, done.stderr
    return done.stdout.strip()


def test_the_build_for_cuda_stands_alone_under_both_names(onnx_world: World) -> None:
    if onnx_world.interpreter.minor < LOWEST_GPU_PYTHON:
        pytest.skip(f"onnxruntime-gpu has no wheels for Python {onnx_world.python}")
    result = onnx_world.setup(onnx_world.request("onnx", source="gpu"))
    folder = onnx_world.home.environments / result.environment
    assert (result.plan.onnxruntime, result.plan.cuda, result.plan.torch) == (ONNX_VERSION, "13.0", "")
    assert (result.current, result.prediction) == (True, None), "nothing was predicted for torch, and none was asked"
    assert imported(folder) == f"gpu onnxruntime-gpu={ONNX_VERSION} onnxruntime={ONNX_VERSION}"
    record = read_record(folder)
    assert {one.name for one in record.distributions} >= {"onnxruntime", "onnxruntime-gpu", "kokoro-onnx"}
    (alias,) = folder.glob("lib/python3.*/site-packages/onnxruntime-*.dist-info/RECORD")
    assert all("dist-info" in line for line in alias.read_text().splitlines()), "a name, and no file of the module"


def test_the_cpu_build_needs_no_alias_and_is_found_again(onnx_world: World) -> None:
    request = onnx_world.request("onnx", source="cpu")
    result = onnx_world.setup(request)
    assert (result.plan.cuda, result.reused) == (None, False)
    assert any("runs on the CPU" in note for note in result.notes)
    assert imported(onnx_world.home.environments / result.environment) == "cpu onnxruntime=1.32.0"
    runner = Recorder()
    again = onnx_world.setup(request, onnx_world.context(runner))
    assert (again.environment, again.reused) == (result.environment, True)
    assert runner.uv() == []


def test_only_the_default_index_is_asked_and_for_one_build_alone(onnx_world: World) -> None:
    result = onnx_world.setup(onnx_world.request("onnx", source="cpu"))
    asked = {request.split()[1].strip("/").split("/")[1] for request in onnx_world.default.requests}
    assert "onnxruntime" in asked
    assert "onnxruntime-gpu" not in asked
    assert not onnx_world.cpu.requests
    assert not onnx_world.cu130.requests
    assert result.current
