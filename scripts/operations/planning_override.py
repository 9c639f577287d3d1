"""The plan of `nvrtc-override`: torch from lane cu128, else from the default index, and one newer NVRTC beside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from scripts.errors import IntegrityError, NetworkError
from scripts.model.plan import Lock, Plan, Request
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.site import Site
from scripts.operations.targets import target_capability
from scripts.operations.torch_lock import torch_lock
from scripts.operations.torch_plan import rest_lock, unreachable
from scripts.strategies.assembly import assemble
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.locks import OVERRIDE, make_lock
from scripts.strategies.override import (
    DEFAULT_TORCH,
    LANE,
    PACKAGE,
    NvrtcOverride,
    Tables,
    require_liftable,
    require_use,
)
from scripts.wheels.made import made_pins
from scripts.wheels.measured import load_measured
from scripts.wheels.nvrtc import load_nvrtc


def plan_override(request: Request, site: Site, context: Context) -> Plan:
    """Plan an environment of a CUDA 12 torch with a lifted NVRTC.

    Raises NoCandidateError where that would mend nothing on the GPU, NetworkError where no index can be reached.
    """
    strategy = NvrtcOverride(context.lanes.named(LANE))
    source = strategy.lane_source(request)
    capability = request.sm or target_capability("", context)
    tables = load_tables(context.constraints)
    lifted = override_lock(context.constraints)
    if request.torch is None and not source.mirrored:
        require_use(strategy.lane, lifted.pins[0], capability, tables.nvrtc)
    planning = _Planning(
        request=request, site=site, context=context, lifted=lifted, tables=tables, capability=capability
    )
    try:
        plan = planning.plan(source)
        if context.store.whole(plan.environment) is None:
            context.reach(source.index)  # its pins may be known already, so that nobody has asked it yet
    except NetworkError as error:
        behind = strategy.default_source(request, site.target)
        if behind is None:
            raise unreachable(error, strategy.name, source.index) from error
        note = f"{source.name}: {error.message}; torch comes from the default index instead"
        try:
            return planning.plan(behind, torch=DEFAULT_TORCH, notes=(note,))
        except NetworkError as second:
            raise unreachable(second, strategy.name, behind.index) from second
    return plan


def load_tables(constraints: Path) -> Tables:
    """Load what was measured."""
    return Tables(measured=load_measured(constraints / "devicecode.toml"), nvrtc=load_nvrtc(constraints / "nvrtc.toml"))


def override_lock(constraints: Path) -> Lock:
    """Read the pin of the NVRTC that is lifted to. Raises IntegrityError where it is missing or another package's."""
    path = constraints / f"{OVERRIDE}.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    lock = make_lock(f"constraints/{path.name}", text, index=None)
    if [pin.name for pin in lock.pins] != [PACKAGE]:
        raise IntegrityError(
            f"constraints/{path.name} does not pin {PACKAGE} alone",
            reference="bad-lock",
            hint=f"regenerate it with `invoke lock --only {OVERRIDE}`",
        )
    return lock


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Planning:
    """One request, to be tried with one source after another."""

    request: Request
    site: Site
    context: Context
    lifted: Lock
    tables: Tables
    capability: ComputeCapability

    def plan(self, source: TorchSource, *, torch: str | None = None, notes: tuple[str, ...] = ()) -> Plan:
        """Plan with one source; `torch` is the release where the request names none."""
        request = dataclasses.replace(self.request, torch=self.request.torch or torch)
        context, target = self.context, self.site.target
        rest = rest_lock(target, context.constraints)
        lock = torch_lock(source, target, request, rest, context)
        pin = require_liftable(lock, target, self.capability, self.tables)
        (instead,) = self.lifted.pins
        about = f"NVRTC {instead.version} stands in the place of {pin.version}, which torch pins: for {self.capability}"
        inputs = PlanInputs(
            source=source,
            target=target,
            interpreter=self.site.interpreter,
            locks=(lock, rest),
            made=made_pins(),
            notes=(*self.site.notes, *notes, about, *context.facts.index.notes),
        )
        return assemble(OVERRIDE, inputs, lifted=self.lifted)
