"""The fake nvidia-smi, asked by the real facts through real processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.facts.gather import gather
from scripts.facts.gpu import OLD_QUERY, parse_gpus
from scripts.home import Home
from scripts.model.facts import GpuFacts
from scripts.probing import ask
from scripts.shell import run
from tests.simulated_gpu import needs
from tests.simulated_gpu.conftest import GpuFactory
from tests.simulated_gpu.smi import Smi, captured, of, telling, with_smi

pytestmark = pytest.mark.simulated


def facts(folder: Path, smi: Smi) -> GpuFacts:
    environ = with_smi(folder / "with blank" / "bin", smi, {"PATH": os.environ["PATH"], "HOME": str(folder)})
    return gather(run, Home(root=folder / "data"), environ).gpu


def test_a_gb10(tmp_path: Path) -> None:
    found = facts(tmp_path, telling(name="NVIDIA GB10", capability=(12, 1), driver="595.10", cuda=(13, 2)))
    (gpu,) = found.gpus
    assert (gpu.name, str(gpu.capability), gpu.memory_total, gpu.unified_memory) == ("NVIDIA GB10", "12.1", None, True)
    assert (found.driver_version, found.cuda_version, found.problem) == ("595.10", "13.2", None)


def test_several_gpus(tmp_path: Path) -> None:
    found = facts(tmp_path, captured("two"))
    assert [(gpu.index, str(gpu.capability)) for gpu in found.gpus] == [(0, "12.0"), (1, "8.9")]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("no-driver", "the NVIDIA kernel module is not loaded"),
        ("mismatch", "of different versions (library: 580.126)"),
        ("no-devices", "sees no GPU"),
        ("container-lost", "in a container"),
    ],
)
def test_what_is_wrong_with_the_driver(name: str, problem: str, tmp_path: Path) -> None:
    found = facts(tmp_path, captured(name))
    assert problem in str(found.problem)
    assert found.remedy
    assert found.gpus == ()


def test_columns_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    environ = with_smi(tmp_path, captured("two"), {"PATH": os.environ["PATH"]})
    (first, _), driver = parse_gpus(str(OLD_QUERY.ask(run, environ)))
    assert (first.name, first.capability, driver) == ("NVIDIA GeForce RTX 5090", None, None)
    done = run(["nvidia-smi", "--query-gpu=name,strange", "--format=csv,noheader,nounits"], env=environ)
    assert (done.returncode, done.stdout) == (2, 'Field "strange" is not a valid field to query.\n\n')


@needs.COMPILER
def test_nvidia_smi_and_torch_see_the_same_gpu(simulated_gpu: GpuFactory, newest: str, tmp_path: Path) -> None:
    running = simulated_gpu(newest, name="NVIDIA GB10 (another)", capability=(12, 1), driver=(13, 2))
    (told,) = facts(tmp_path, of(running.gpu)).gpus
    seen = ask(running.python, "device", {}, run=run, environ=running.environ).detail["device"]
    assert (told.name, str(told.capability)) == (seen["name"], seen["capability"])
