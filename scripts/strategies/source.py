"""`source`: torch built here for this GPU. On the ladder, and not there yet."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.model.facts import Facts
from scripts.model.plan import Blocker
from scripts.model.target import Target


@dataclass(frozen=True)
class SourceBuild:
    """A build of torch from source. This version has none."""

    @property
    def name(self) -> str:
        """`source`."""
        return "source"

    def blockers(self, facts: Facts, target: Target) -> tuple[Blocker, ...]:
        """This version builds no torch."""
        del facts, target
        return (
            Blocker(
                reason="this version of kokoro-spark builds no torch from source",
                hint="build a wheel yourself and name it: --strategy prebuilt --wheel PATH",
            ),
        )

    def reservations(self, facts: Facts) -> tuple[Blocker, ...]:
        """None beyond that."""
        del facts
        return ()
