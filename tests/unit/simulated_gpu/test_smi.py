from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.errors import UsageError
from scripts.facts.gpu import parse_gpus, parse_header, parse_problem
from tests.simulated_gpu.gpu import SimulatedGpu
from tests.simulated_gpu.smi import captured, of, telling


def test_a_gb10_of_other_values() -> None:
    smi = telling(name="NVIDIA GB10", capability=(12, 1), driver="590.44", cuda=(13, 2))
    (gpu,), driver = parse_gpus(smi.query)
    assert (gpu.name, str(gpu.capability), gpu.unified_memory, driver) == ("NVIDIA GB10", "12.1", True, "590.44")
    assert parse_header(smi.table) == ("590.44", "13.2")


@pytest.mark.parametrize("name", ["NVIDIA GB10", "H", "A GPU of a name that is longer than its column"])
@pytest.mark.parametrize("driver", ["1.2", "580.126.09", "1580.1264.09"])
def test_the_table_keeps_its_shape(name: str, driver: str) -> None:
    smi = telling(name=name, capability=(9, 0), driver=driver, cuda=(13, 0))
    assert [len(line) for line in smi.table.splitlines()] == [len(line) for line in captured("gb10").table.splitlines()]
    (gpu,), found = parse_gpus(smi.query)
    assert (gpu.name, str(gpu.capability), found) == (name, "9.0", driver)
    assert parse_header(smi.table)[0] == driver


def test_what_was_captured_stays_as_it_is() -> None:
    gb10 = captured("gb10")
    assert telling(name="NVIDIA GB10", capability=(12, 1), driver="580.126.09", cuda=(13, 0)) == gb10


@pytest.mark.parametrize("name", ["no-driver", "mismatch", "no-devices", "container-lost", "gpu-lost", "not-allowed"])
def test_failures_are_known_and_exit_by_one(name: str) -> None:
    smi = captured(name)
    assert smi.exit != 0
    assert parse_problem(smi.query) is not None


def simulated(**values: Any) -> SimulatedGpu:
    return SimulatedGpu(python=Path("python"), cache=Path("cache"), **values)


def test_a_simulated_gpus_own() -> None:
    smi = of(simulated(name="NVIDIA GB10", capability=(12, 1), driver=(13, 2)))
    (gpu,), driver = parse_gpus(smi.query)
    assert (gpu.name, str(gpu.capability), driver) == ("NVIDIA GB10", "12.1", "595.45.04")
    assert parse_header(smi.table) == ("595.45.04", "13.2")
    assert of(simulated(devices=0)) == captured("no-devices")
    with pytest.raises(UsageError) as caught:
        of(simulated(driver=(99, 0)))
    assert caught.value.reference == "no-driver"
