"""What the simulated GB10 costs: its build, a set of canaries, a whole verify."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.model.evidence import Observation, Outcome
from scripts.model.target import Architecture
from scripts.operations.context import Context
from scripts.shell import run
from scripts.verification.evidence import CANARIES
from tests.benchmarks.timing import Figure, bounded, in_turn
from tests.simulated_gpu.build import build
from tests.simulated_gpu.environments import newest_torch, torch_environment
from tests.simulated_gpu.gpu import SimulatedGpu, find_torch_folder


@dataclass(frozen=True)
class Simulating:
    """How often. The environments are those of the data root, made where they are not there yet."""

    times: int

    def figures(self) -> list[Figure]:
        """Everything there is about simulating."""
        context = Context()
        newest = newest_torch(Architecture.parse(os.uname().machine), context)
        python = torch_environment(newest, context=context)
        return [self.building(python), *self.judging(python, context)]

    def building(self, python: Path) -> Figure:
        """The stand-ins, from nothing."""
        torch = find_torch_folder(python, run=run)

        def built(_: int) -> float:
            with tempfile.TemporaryDirectory() as name:
                start = time.monotonic()
                build(torch, cache=Path(name), architecture=Architecture.parse(os.uname().machine), run=run)
                return time.monotonic() - start

        (values,) = in_turn(self.times, built)
        return bounded("the simulator's build, from nothing", "s", values, 10.0)

    def judging(self, python: Path, context: Context) -> list[Figure]:
        """Whole verifies, with the CPU's reference, the four canaries, and Kokoro in three modes on the device."""
        canaries, wholes = [], []
        for _ in range(self.times):
            with SimulatedGpu(python=python, cache=context.home.cache / "simulated-gpu") as gpu:
                start = time.monotonic()
                report = gpu.verify()
                wholes.append(time.monotonic() - start)
            canaries.append(sum(_passed(report.observations, f"canary.{name}") for name in CANARIES))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return [
            bounded("four canaries on the simulated GB10", "s", tuple(canaries), 20.0),
            bounded("verify on the simulated GB10, synthetic weights", "s", tuple(wholes), 240.0),
            bounded("... the largest of its processes", "MiB", (peak,), 4096.0),
        ]


def _passed(observations: tuple[Observation, ...], name: str) -> float:
    """Give the seconds of a probe that passed. Ends the benchmark where it did not: nothing else is worth timing."""
    (found,) = (one for one in observations if one.probe == name)
    if found.outcome is not Outcome.PASSED:
        raise SystemExit(f"{name} {found.outcome}: {found.error}")
    return found.seconds
