"""setup --strategy nvrtc-override with real uv: torch of a lane, a newer NVRTC, and what uv's check says of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.environments.foreign import versions_of
from scripts.environments.store import read_record
from scripts.errors import IntegrityError, NetworkError, NoCandidateError
from scripts.home import CONSTRAINTS
from scripts.model.environment import EnvironmentState
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.setup import SetupResult, setup
from scripts.strategies.override import PACKAGE
from tests.support.index_server import IndexServer, make_wheel
from tests.support.strangers import LIFTED, OLD, nvrtc_wheel, site_of
from tests.support.world import ARCHITECTURE, World, make_torch, pin

pytestmark = pytest.mark.integration

TORCH = "2.11.0+cu128"


@pytest.fixture
def prepared(world: World) -> World:
    """Lane cu128 is still closed; the default index has the newer NVRTC, and constraints pin it."""
    (world.constraints / "nvrtc-override.txt").write_text(pin(nvrtc_wheel(world.root / "default", LIFTED)))
    for name in ("nvrtc.toml", "devicecode.toml"):
        shutil.copy(CONSTRAINTS / name, world.constraints)
    return world


@pytest.fixture
def lane(prepared: World) -> Iterator[World]:
    """Lane cu128 is open, with a torch that pins an NVRTC that does not know a GB10."""
    folder = prepared.root / "cu128"
    nvrtc_wheel(folder, OLD)
    make_wheel(folder, "nvidia-cuda-runtime-cu12", "12.8.90")
    make_torch(folder, TORCH, requires=[f"{PACKAGE}=={OLD}", "nvidia-cuda-runtime-cu12==12.8.90"])
    with IndexServer(folder, path="whl/cu128") as server:
        lanes = prepared.constraints / "lanes.toml"
        lanes.write_text(re.sub(r'"[^"]*/whl/cu128"', f'"{server.url}"', lanes.read_text()))
        yield prepared


def made(world: World, *, sm: ComputeCapability = GB10) -> SetupResult:
    """Set up without a smoke: a stub cannot be asked what it would do on a GPU."""
    request = world.request("nvrtc-override", sm=sm)
    return setup(request, None, sm, world.context(), wait_seconds=60, smoke=False)


def folder_of(world: World, result: SetupResult) -> Path:
    return world.home.environments / result.environment


def test_one_package_is_lifted_and_the_rest_is_as_torch_pins_it(lane: World) -> None:
    result = made(lane)
    site = site_of(folder_of(lane, result))
    found = {name: versions_of(site, name) for name in ("torch", PACKAGE, "nvidia-cuda-runtime-cu12", "kokoro")}
    assert found == {
        "torch": (TORCH,),
        PACKAGE: (LIFTED,),
        "nvidia-cuda-runtime-cu12": ("12.8.90",),
        "kokoro": ("0.9.4",),
    }
    record = read_record(folder_of(lane, result))
    assert (record.state, record.plan.cuda, record.plan.nvrtc) == (EnvironmentState.READY, "12.8", LIFTED)
    assert (PACKAGE, LIFTED) in {(one.name, one.version) for one in record.distributions}
    assert made(lane).reused


def test_another_package_that_is_not_content_with_it(lane: World) -> None:
    """uv's check complains of two, and only torch's complaint is expected."""
    default = lane.root / "default"
    make_wheel(default, "misaki", "0.9.4", extras=["en"], requires=[f"{PACKAGE}<12.9"])
    lane.write_lock("kokoro", *lane.rest_pins())
    with pytest.raises(IntegrityError) as caught:
        made(lane)
    assert caught.value.reference == "packages-disagree"
    assert "The package `misaki` requires" in caught.value.context


def test_a_gpu_that_needs_no_lifting_asks_no_index(lane: World) -> None:
    with pytest.raises(NoCandidateError) as caught:
        made(lane, sm=ComputeCapability(12, 0))
    assert caught.value.reference == "nothing-to-lift"
    assert not lane.home.environments.exists()


def test_the_lane_out_of_reach(prepared: World) -> None:
    """The default index's torch of that time is CUDA 12 for x86_64 alone."""
    default = prepared.root / "default"
    nvrtc_wheel(default, OLD)
    make_torch(default, "2.9.1", requires=[f"{PACKAGE}=={OLD}"])
    if ARCHITECTURE == "x86_64":
        result = made(prepared)
        assert (result.plan.source, result.plan.torch) == ("pypi", "2.9.1")
        assert versions_of(site_of(folder_of(prepared, result)), PACKAGE) == (LIFTED,)
        return
    with pytest.raises(NetworkError):
        made(prepared)
