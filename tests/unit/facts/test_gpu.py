from __future__ import annotations

from collections.abc import Callable

import pytest

from scripts.facts.gpu import gpu_facts, needs_old_query, parse_gpus, parse_header, parse_problem
from scripts.model.facts import Gpu, GpuFacts
from scripts.model.target import ComputeCapability

Capture = Callable[[str], str]

GB10 = Gpu(
    index=0,
    name="NVIDIA GB10",
    uuid="GPU-11111111-2222-3333-4444-000000000000",
    capability=ComputeCapability(12, 1),
    memory_total=None,
    unified_memory=True,
)


def test_gb10_shares_the_hosts_memory(capture: Capture) -> None:
    assert parse_gpus(capture("nvidia-smi/gb10.query.txt")) == ((GB10,), "580.126.09")


def test_several_gpus(capture: Capture) -> None:
    gpus, driver = parse_gpus(capture("nvidia-smi/two.query.txt"))
    assert driver == "580.82.09"
    assert [(gpu.index, gpu.name, str(gpu.capability), gpu.memory_total, gpu.unified_memory) for gpu in gpus] == [
        (0, "NVIDIA GeForce RTX 5090", "12.0", 32607 * 2**20, False),
        (1, "NVIDIA GeForce RTX 4090", "8.9", 24564 * 2**20, False),
    ]


@pytest.mark.parametrize(
    ("memory", "total", "unified"),
    [
        ("24564", 24564 * 2**20, False),
        ("[N/A]", None, True),
        ("N/A", None, True),
        ("[Not Supported]", None, True),
        ("Not Supported", None, True),
        ("[Unknown Error]", None, False),
        ("[Insufficient Permissions]", None, False),
    ],
)
def test_memory_fields(memory: str, total: int | None, *, unified: bool) -> None:
    (gpu,), _ = parse_gpus(f"0, NVIDIA X, GPU-1, 12.1, {memory}, 580.1")
    assert (gpu.memory_total, gpu.unified_memory) == (total, unified)


def test_fields_that_the_driver_does_not_fill_are_absent() -> None:
    (gpu,), driver = parse_gpus("0, NVIDIA X, [N/A], [N/A], [N/A], [N/A]")
    assert (gpu.uuid, gpu.capability, driver) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gb10", ("580.126.09", "13.0")),
        ("two", ("580.82.09", "13.0")),
        ("r610", ("610.43.02", "13.3")),
        ("old", ("580.95.05", "13.0")),
        ("no-cuda", ("570.133.07", None)),
    ],
)
def test_header(capture: Capture, name: str, expected: tuple[str, str | None]) -> None:
    assert parse_header(capture(f"nvidia-smi/{name}.table.txt")) == expected


@pytest.mark.parametrize(
    ("name", "words", "remedy"),
    [
        ("mismatch", "different versions (library: 580.126)", "restart the machine"),
        ("no-driver", "kernel module is not loaded", "modprobe nvidia"),
        ("no-devices", "sees no GPU", "dmesg"),
        ("old.query", "too old to tell compute_cap", "update the NVIDIA driver"),
        ("container-lost", "cannot be reached", "restart the container"),
        ("gpu-lost", "lost contact", "restart the machine"),
        ("not-allowed", "may not ask", "/dev/nvidia"),
    ],
)
def test_problems(capture: Capture, name: str, words: str, remedy: str) -> None:
    facts = gpu_facts(query=capture(f"nvidia-smi/{name}.txt"), table=None)
    assert facts.gpus == ()
    assert words in (facts.problem or "")
    assert remedy in facts.remedy


def test_a_silent_nvidia_smi_is_a_problem() -> None:
    assert parse_problem("no answer within 10 s") is not None
    empty = parse_problem("")
    assert empty is not None
    assert empty.text == "nvidia-smi said: nothing"


def test_an_unknown_complaint_is_passed_on() -> None:
    problem = parse_problem("\nSomething new happened\nmore\n")
    assert problem is not None
    assert problem.text == "nvidia-smi said: Something new happened"


@pytest.mark.parametrize("name", ["gb10.query", "two.query", "gb10.table", "r610.table"])
def test_an_answer_is_no_problem(capture: Capture, name: str) -> None:
    assert parse_problem(capture(f"nvidia-smi/{name}.txt")) is None


def test_no_nvidia_smi_is_absent() -> None:
    assert gpu_facts(query=None, table=None) == GpuFacts()


def test_gb10_whole(capture: Capture) -> None:
    query, table = capture("nvidia-smi/gb10.query.txt"), capture("nvidia-smi/gb10.table.txt")
    expected = GpuFacts(driver_version="580.126.09", cuda_version="13.0", gpus=(GB10,))
    assert gpu_facts(query=query, table=table) == expected


def test_an_old_nvidia_smi_still_names_its_gpus_and_driver(capture: Capture) -> None:
    query = capture("nvidia-smi/old.query.txt")
    assert needs_old_query(query)
    facts = gpu_facts(
        query=query, table=capture("nvidia-smi/old.table.txt"), old_query=capture("nvidia-smi/old.fallback.txt")
    )
    (gpu,) = facts.gpus
    assert (gpu.capability, gpu.memory_total) == (None, 8151 * 2**20)
    assert (facts.driver_version, facts.cuda_version) == ("580.95.05", "13.0")
    assert "too old" in (facts.problem or "")


def test_an_old_nvidia_smi_with_a_broken_driver_tells_of_the_driver(capture: Capture) -> None:
    facts = gpu_facts(
        query=capture("nvidia-smi/old.query.txt"), table=None, old_query=capture("nvidia-smi/mismatch.txt")
    )
    assert "different versions" in (facts.problem or "")
