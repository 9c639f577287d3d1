"""A world in which `auto` can climb: a GPU that is not there, CUDA builds on both indexes, the ladder's own tables."""

from __future__ import annotations

import dataclasses
import shutil

from scripts.home import CONSTRAINTS
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from tests.support.index_server import make_wheel
from tests.support.machines import gpus
from tests.support.world import TORCH, World, make_torch, pin

TABLES = ("ladder.toml", "devicecode.toml", "nvrtc.toml", "nvrtc-override.txt")
NVRTC = ("nvidia-cuda-nvrtc", "13.2.86")


def with_a_gpu(context: Context) -> Context:
    """Let this machine's facts tell of a GPU of compute capability 12.0."""
    gpu = gpus(ComputeCapability(12, 0), driver="580.95.05", cuda="13.0", name="NVIDIA GeForce RTX 5090")
    context.__dict__["facts"] = dataclasses.replace(context.facts, gpu=gpu, engines=())
    return context


def prepare(world: World) -> World:
    """Give a world a CUDA build on its default index, and the tables that a climb goes by."""
    for name in TABLES:
        shutil.copy(CONSTRAINTS / name, world.constraints)
    default = world.root / "default"
    nvrtc = make_wheel(default, *NVRTC)
    torch = make_torch(default, TORCH, requires=["==".join(NVRTC)])
    world.write_lock("pypi", pin(torch), pin(nvrtc))
    return world
