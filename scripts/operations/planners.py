"""Which function plans which strategy. Whatever is not named here takes its torch from an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from scripts.model.plan import Plan, Request
from scripts.operations.context import Context
from scripts.operations.planning_image import plan_image
from scripts.operations.planning_onnx import plan_onnx
from scripts.operations.planning_override import plan_override
from scripts.operations.planning_prebuilt import plan_prebuilt
from scripts.operations.planning_source import plan_source
from scripts.operations.site import Site
from scripts.operations.torch_plan import plan_torch
from scripts.strategies.base import Strategy, TorchStrategy

Planner: TypeAlias = Callable[[Request, Site, Context], Plan]
"""Decide on an environment, changing nothing but the cache. Raises the error of what stands in the way."""

PLANNERS: dict[str, Planner] = {
    "ngc": plan_image,
    "nvrtc-override": plan_override,
    "onnx": plan_onnx,
    "prebuilt": plan_prebuilt,
    "source": plan_source,
}


def plan_for(strategy: Strategy, request: Request, site: Site, context: Context, *, refresh: bool) -> Plan:
    """Plan an environment of one strategy. `refresh`: ask the index again for what an earlier plan resolved."""
    planner = PLANNERS.get(strategy.name)
    if planner is not None:
        return planner(request, site, context)
    if isinstance(strategy, TorchStrategy):
        return plan_torch(strategy, request, site, context, refresh=refresh)
    raise AssertionError(f"nothing plans {strategy.name}")
