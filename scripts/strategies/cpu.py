"""`cpu`: Kokoro without a GPU. The CPU lane's small build, or the default index's build used on the CPU."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.errors import UsageError
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, Plan, Request
from scripts.model.target import Target
from scripts.model.wheels import Lane
from scripts.strategies.assembly import assemble
from scripts.strategies.base import CPU_LANE, PlanInputs, TorchSource
from scripts.strategies.checks import lane_serves, wheels_run
from scripts.wheels.lanes import LaneTable


@dataclass(frozen=True)
class CpuWheels:
    """The lane `cpu`, with the default index behind it."""

    lane: Lane

    @property
    def name(self) -> str:
        """`cpu`."""
        return self.lane.name

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform."""
        return wheels_run(facts, target) + lane_serves(self.lane, target)

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """None: this is where `auto` ends."""
        del facts
        return ()

    def sources(self, request: Request, lanes: LaneTable) -> tuple[TorchSource, ...]:
        """The lane, then the default index: `--source lane|default` leaves one of them."""
        del lanes
        if request.nightly:
            raise UsageError(
                "--nightly is not for strategy cpu",
                reference="no-nightly",
                hint="choose a lane of the PyTorch index, e.g. --strategy cu130 --nightly",
            )
        lane = TorchSource(
            name=self.name,
            index=request.index or self.lane.index,
            lane_cuda=CPU_LANE,
            cuda_required=False,
            mirrored=request.index is not None,
        )
        default = TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=False)
        match request.source:
            case None:
                return (lane,) if request.index is not None else (lane, default)
            case "lane":
                return (lane,)
            case "default" if request.index is not None:
                raise UsageError(
                    "--index names a mirror of the lane, and --source default does without the lane",
                    reference="contradicting-options",
                    hint="leave one of them out",
                )
            case "default":
                return (default,)
            case other:
                raise UsageError(
                    f"unknown source {other!r}",
                    reference="unknown-source",
                    hint="choose one of: lane, default",
                )

    def plan(self, inputs: PlanInputs) -> Plan:
        """A venv."""
        return assemble(self.name, inputs)
