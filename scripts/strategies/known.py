"""Every strategy there is, by its name. Which is better than which is the ladder's to say (strategies/ladder.py)."""

from __future__ import annotations

from scripts.home import CONSTRAINTS
from scripts.strategies.base import Strategy
from scripts.strategies.cpu import CpuWheels
from scripts.strategies.cuda import CudaWheels
from scripts.strategies.images import load_images
from scripts.strategies.ngc import Ngc
from scripts.strategies.onnx import OnnxRuntime
from scripts.strategies.override import LANE as OVERRIDDEN_LANE
from scripts.strategies.override import NvrtcOverride
from scripts.strategies.prebuilt import PrebuiltWheel
from scripts.strategies.source import SourceBuild
from scripts.wheels.lanes import LaneTable

LANES = ("pypi", "cu130", "cu132", "cu129", "cu128", "cu126")
"""The default index and the lanes that hold CUDA builds."""


def strategies(lanes: LaneTable) -> dict[str, Strategy]:
    """Give every strategy by its name, in the order in which a message lists them."""
    known: tuple[Strategy, ...] = (
        *(CudaWheels(lanes.named(name)) for name in LANES),
        # Every other strategy has one line here.
        NvrtcOverride(lanes.named(OVERRIDDEN_LANE)),
        Ngc(load_images(CONSTRAINTS / "images.toml")),
        OnnxRuntime(),
        PrebuiltWheel(),
        SourceBuild(),
        CpuWheels(lanes.named("cpu")),
    )
    return {strategy.name: strategy for strategy in known}
