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


MEASURED = {"13.0.1": "13.0.88", "13.2.1": "13.2.86", "12.9.1": "12.9.86", "12.8.1": "12.8.93", "12.6.1": "12.6.77"}
"""The world's NVRTCs, and the releases of them that the tables know."""
BLACKWELL = ComputeCapability(12, 0)


def with_a_gpu(context: Context, capability: ComputeCapability = BLACKWELL) -> Context:
    """Let this machine's facts tell of a GPU."""
    gpu = gpus(capability, driver="580.95.05", cuda="13.0")
    context.__dict__["facts"] = dataclasses.replace(context.facts, gpu=gpu, engines=())
    return context


def prepare(world: World) -> World:
    """Give a world a CUDA build on its default index, and the tables that a climb goes by."""
    for name in TABLES:
        shutil.copy(CONSTRAINTS / name, world.constraints)
    default = world.root / "default"
    nvrtc = make_wheel(default, *NVRTC)
    torch = make_torch(default, TORCH, requires=["==".join(NVRTC)])
    lanes = world.constraints / "lanes.toml"
    text = lanes.read_text()
    for made_up, measured in MEASURED.items():
        text = text.replace(f'nvrtc = "{made_up}"', f'nvrtc = "{measured}"')
    lanes.write_text(text)
    world.write_lock("pypi", pin(torch), pin(nvrtc))
    return world
