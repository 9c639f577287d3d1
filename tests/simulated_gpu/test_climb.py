"""`auto` goes by what verify really says on a simulated GB10: a torch that needs the patch gives way to a better one.

What is installed is made up (tests/integration/test_climb.py installs); each rung is judged in a real environment.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.environments.store import Entry
from scripts.errors import ExitCode
from scripts.model.climb import RungState
from scripts.model.plan import Request
from scripts.model.target import GB10, ComputeCapability
from scripts.operations import trying
from scripts.operations.context import Context
from scripts.operations.judging import Judged
from scripts.operations.setup import setup
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import GpuFactory
from tests.support.machines import machine, spark
from tests.unit.operations.climbs import Builds, here, open_lanes

pytestmark = [pytest.mark.simulated, needs.X86, needs.COMPILER]

SPARK = dataclasses.replace(machine(), gpu=spark().gpu)
"""A GB10 beside x86_64: a ladder goes by the GPU, and torch 2.9.1 has CUDA for this platform alone."""


def test_a_torch_that_needs_the_patch_gives_way_to_one_that_does_not(
    simulated_gpu: GpuFactory, newest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torches = {"pypi": "2.9.1", "cu130": newest}

    def judge(entry: Entry, target: ComputeCapability, context: Context) -> Judged:
        assert entry.record is not None
        assert target == GB10
        report = simulated_gpu(torches[entry.record.plan.strategy]).verify()
        return Judged(report=report, text="", exit_code=ExitCode.OK, folder=context.home.reports / entry.name)

    monkeypatch.setattr(trying, "built", Builds())
    result = setup(Request(), None, GB10, here(tmp_path, SPARK, open_lanes()), judge=judge)
    assert result.climb is not None
    first, second = result.climb.rung("pypi"), result.climb.rung("cu130")
    assert (first.state, first.verdict) == (RungState.SECOND_BEST, "simulated needed")
    assert (second.state, second.verdict) == (RungState.CHOSEN, "simulated not-needed")
    assert (result.environment, result.current) == (second.environment, True)
