"""`pypi` and the lanes of the PyTorch index: CUDA wheels in a venv."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.errors import UsageError
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, Plan, Request
from scripts.model.target import Target
from scripts.model.wheels import Lane
from scripts.strategies.assembly import assemble
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.checks import driver_is_new_enough, gpu_is_usable, lane_serves, wheels_run
from scripts.wheels.lanes import LaneTable


@dataclass(frozen=True)
class CudaWheels:
    """One lane. The default index is a lane like any other: it has no URL of its own."""

    lane: Lane

    @property
    def name(self) -> str:
        """The lane's name."""
        return self.lane.name

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform."""
        return wheels_run(facts, target) + lane_serves(self.lane, target)

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """GPU and driver."""
        return gpu_is_usable(facts) or driver_is_new_enough(facts, self.lane.cuda)

    def sources(self, request: Request, lanes: LaneTable) -> tuple[TorchSource, ...]:
        """Name the lane's index, its nightly one, or the mirror that `--index` names."""
        del lanes
        if request.source is not None:
            raise UsageError(
                f"--source is not for strategy {self.name}",
                reference="option-not-for-strategy",
                hint="--source default|lane belongs to --strategy cpu",
            )
        index = self.lane.index
        if request.nightly:
            if self.lane.nightly_index is None:
                raise UsageError(
                    f"strategy {self.name} has no nightly builds",
                    reference="no-nightly",
                    hint="choose a lane of the PyTorch index, e.g. --strategy cu130 --nightly",
                )
            index = self.lane.nightly_index
        return (
            TorchSource(
                name=f"{self.name}-nightly" if request.nightly else self.name,
                index=request.index or index,
                lane_cuda=self.lane.cuda if self.lane.index is not None else None,
                cuda_required=True,
                prereleases=request.nightly,
                mirrored=request.index is not None,
            ),
        )

    def plan(self, inputs: PlanInputs) -> Plan:
        """A venv."""
        return assemble(self.name, inputs)
