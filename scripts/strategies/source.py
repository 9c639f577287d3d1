"""`source`: torch built here for exactly this GPU, then installed like any wheel that is here."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.model.facts import Facts
from scripts.model.plan import Blocker
from scripts.model.target import Target
from scripts.strategies.checks import gpu_is_usable, wheels_run

SOURCE = "source"
RECIPE = "torch-lean"
"""What is built where no recipe is named: what Kokoro needs of torch, and no more."""


@dataclass(frozen=True)
class SourceBuild:
    """A build of torch from source. Its planner looks into the wheelhouse; only setup --yes builds."""

    @property
    def name(self) -> str:
        """`source`."""
        return SOURCE

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """Operating system and platform. What a build lacks is told by its own preflight."""
        return wheels_run(facts, target)

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """The GPU."""
        return gpu_is_usable(facts)
