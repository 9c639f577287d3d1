"""What stands against each strategy on made-up machines, and where its torch comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.errors import IntegrityError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.climb import Climb, Machine, RungState
from scripts.model.facts import Facts, Gpu, GpuFacts
from scripts.model.plan import Request
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.strategies.base import TorchSource, TorchStrategy
from scripts.strategies.known import LANES as CUDA
from scripts.strategies.known import strategies
from scripts.strategies.ladder import NEVER, NOT_ALLOWED, foot, load_ladder, machine_of, strategy_named
from scripts.wheels.lanes import load_lanes
from scripts.wheels.nvrtc import load_nvrtc
from tests.support.machines import (
    MAC,
    MISMATCH,
    MUSL,
    PC,
    PC_TARGET,
    SPARK,
    SPARK_TARGET,
    machine,
    spark,
    workstation,
)

LANES = load_lanes(CONSTRAINTS / "lanes.toml")
KNOWN = strategies(LANES)
LADDER = load_ladder(CONSTRAINTS / "ladder.toml")
NVRTC = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
UNKNOWN_GPU = Gpu(index=0, name="NVIDIA GPU", uuid=None, capability=None, memory_total=None, unified_memory=False)
UNKNOWN_TARGET = Target(Architecture.X86_64, PythonVersion(3, 12), (0, 0))


def test_another_platform_is_not_judged_by_this_machine_s_libc() -> None:
    assert KNOWN["cu130"].blockers(MUSL, SPARK_TARGET) == ()


def test_a_named_strategy_is_not_blocked_by_a_missing_gpu() -> None:
    assert KNOWN["cu130"].blockers(PC, PC_TARGET) == ()
    assert KNOWN["cpu"].blockers(SPARK, SPARK_TARGET) == KNOWN["cpu"].reservations(MISMATCH) == ()


def test_the_ladder_names_every_strategy() -> None:
    assert {*CUDA, "cpu"} == {lane.name for lane in LANES.lanes}
    assert set(LADDER.machines[Machine.NVIDIA]) == set(LADDER.rungs) == set(KNOWN)
    assert set(LADDER.machines[Machine.NONE]) == set(KNOWN)
    assert set(KNOWN) - set(LADDER.machines[Machine.GB10]) == {"cu128", "cu126"}


def test_every_cost_says_how_it_is_known() -> None:
    for name, cost in LADDER.rungs.items():
        assert cost.needs, name
        assert cost.basis.split(":")[0] in {"measured", "read", "estimated"}, name
        assert cost.disk is not None, name
        assert cost.minutes is not None, name


@pytest.mark.parametrize(
    "change",
    [
        ('"onnx", "cpu"]', '"cpu", "onnx"]'),
        ('gb10 = ["pypi", ', 'gb10 = ["pypi", "pypi", '),
        ('gb10 = ["pypi", ', 'gb10 = ["pypi", "cu999", '),
        ("gb10 = ", "gb11 = "),
        ("basis = ", "base = "),
    ],
)
def test_a_ladder_that_is_none(tmp_path: Path, change: tuple[str, str]) -> None:
    text = (CONSTRAINTS / "ladder.toml").read_text()
    assert change[0] in text
    path = tmp_path / "ladder.toml"
    path.write_text(text.replace(*change))
    with pytest.raises(IntegrityError):
        load_ladder(path)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (SPARK, Machine.GB10),
        (workstation(12, 0), Machine.NVIDIA),
        (MISMATCH, Machine.NVIDIA),
        (PC, Machine.NONE),
        (machine(gpu=GpuFacts(gpus=(UNKNOWN_GPU,), problem="too old to tell compute_cap")), Machine.NVIDIA),
    ],
)
def test_which_ladder(facts: Facts, expected: Machine) -> None:
    assert machine_of(facts) is expected


def climb(facts: Facts, target: Target = PC_TARGET, **said: Any) -> Climb:
    return foot(LADDER, facts, target, Request(**said), known=KNOWN, nvrtc=NVRTC)


def left(found: Climb) -> list[str]:
    return [rung.strategy for rung in found.rungs if rung.state is RungState.NOT_REACHED]


def reasons(found: Climb, strategy: str) -> str:
    return "; ".join(blocker.reason for blocker in found.rung(strategy).reasons)


OLDER = ["cu129", "cu128", "cu126"]
STANDING: dict[str, tuple[Climb, list[str]]] = {
    "GB10": (climb(spark(), SPARK_TARGET), ["pypi", "cu130", "cu132", "cu129", "nvrtc-override", "ngc", "onnx"]),
    "GB10 without an engine": (
        climb(spark(engines=()), SPARK_TARGET),
        ["pypi", "cu130", "cu132", "cu129", "nvrtc-override", "onnx"],
    ),
    "a wheel that is named": (
        climb(spark(engines=()), SPARK_TARGET, wheel="wheels/"),
        ["pypi", "cu130", "cu132", "cu129", "nvrtc-override", "prebuilt", "onnx"],
    ),
    "a driver for CUDA 12.4": (climb(workstation(12, 0, cuda="12.4")), [*OLDER, "nvrtc-override"]),
    "Volta, which CUDA 13 dropped": (
        climb(workstation(7, 0, engines=())),
        ["pypi", *OLDER, "nvrtc-override", "onnx"],
    ),
    "--never": (
        climb(spark(engines=()), SPARK_TARGET, never=("pypi", "CU130", "onnx")),
        ["cu132", "cu129", "nvrtc-override"],
    ),
    "--index names a lane": (
        climb(spark(engines=()), SPARK_TARGET, index="https://me:secret@mirror.example/whl/cu130/?x=1"),
        ["cu130", "nvrtc-override", "onnx"],
    ),
    "a driver mismatch": (climb(MISMATCH), []),
    "a driver mismatch, the CPU allowed": (climb(MISMATCH, allow_cpu=True), ["cpu"]),
    "no GPU": (climb(PC), ["cpu"]),
    "no GPU, a wheel that is named": (climb(PC, wheel="wheels/"), ["cpu"]),
    "musl": (climb(MUSL, UNKNOWN_TARGET), []),
    "macOS": (climb(MAC, SPARK_TARGET), []),
}


@pytest.mark.parametrize("name", STANDING)
def test_what_facts_leave(name: str) -> None:
    found, expected = STANDING[name]
    assert left(found) == expected
    for rung in found.rungs:
        assert bool(rung.reasons) == (rung.state is RungState.REFUSED)


@pytest.mark.parametrize(
    ("found", "strategy", "reason"),
    [
        ("GB10", "cpu", NOT_ALLOWED.reason),
        ("GB10", "source", "no torch was built here"),
        ("GB10", "prebuilt", "no wheel is named"),
        ("a driver for CUDA 12.4", "pypi", "the driver serves CUDA 12.4, older than the build's 13"),
        (
            "Volta, which CUDA 13 dropped",
            "cu130",
            "CUDA 13.0 no longer compiles for 7.0: NVRTC 13.0.88 begins with sm_75",
        ),
        ("--never", "pypi", NEVER.reason),
        ("--index names a lane", "pypi", "--index names a mirror of lane cu130"),
        ("a driver mismatch", "onnx", "Driver/library version mismatch"),
        ("no GPU", "onnx", "there is no NVIDIA GPU here"),
        ("no GPU", "prebuilt", "there is no NVIDIA GPU here"),
        ("musl", "cpu", "C library is musl"),
    ],
)
def test_why(found: str, strategy: str, reason: str) -> None:
    assert reason in reasons(STANDING[found][0], strategy)


def test_a_torch_that_was_built_here_is_a_rung() -> None:
    request = Request(never=("pypi",))
    found = foot(LADDER, spark(engines=()), SPARK_TARGET, request, known=KNOWN, nvrtc=NVRTC, built=True)
    assert "source" in left(found)
    assert reasons(climb(SPARK, SPARK_TARGET), "source") == "no torch was built here"


def test_the_foot_tells_for_which_gpu_it_is() -> None:
    found = climb(SPARK, SPARK_TARGET)
    assert (found.driver, found.devices) == ("580.95.05", ("NVIDIA GB10, 12.1",))


@pytest.mark.parametrize(
    ("never", "reference"),
    [(("cu999",), "unknown-strategy"), (("auto",), "unknown-strategy"), (tuple(KNOWN), "nothing-left")],
)
def test_a_never_that_cannot_be(never: tuple[str, ...], reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        climb(SPARK, SPARK_TARGET, never=never)
    assert caught.value.reference == reference
    assert caught.value.hint


@pytest.mark.parametrize("name", ["cu130", " CU130 ", "pypi", "cpu"])
def test_strategy_named(name: str) -> None:
    assert strategy_named(name, KNOWN).name == name.strip().lower()


@pytest.mark.parametrize("name", ["cu131", "", "cuda", "../cpu", "auto"])
def test_an_unknown_strategy_lists_the_known(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        strategy_named(name, KNOWN)
    assert caught.value.reference == "unknown-strategy"
    assert caught.value.hint == f"choose one of: auto, {', '.join(KNOWN)}"


def sources(strategy: str, **said: object) -> tuple[TorchSource, ...]:
    found = KNOWN[strategy]
    assert isinstance(found, TorchStrategy)
    return found.sources(Request(strategy=strategy, **said), LANES)  # type: ignore[arg-type]


def test_sources_of_a_lane() -> None:
    (source,) = sources("cu130")
    assert source == TorchSource(
        name="cu130", index=LANES.named("cu130").index, lane_cuda="13.0", cuda_required=True, prereleases=False
    )


def test_sources_of_the_default_index() -> None:
    (source,) = sources("pypi")
    assert (source.index, source.lane_cuda, source.cuda_required) == (None, None, True)


def test_the_default_index_can_be_mirrored_for_torch_alone() -> None:
    (source,) = sources("pypi", index="https://mirror.example/simple")
    assert (source.index, source.mirrored, source.cuda_required) == ("https://mirror.example/simple", True, True)


def test_sources_of_nightly_builds() -> None:
    (source,) = sources("cu132", nightly=True)
    assert (source.name, source.prereleases) == ("cu132-nightly", True)
    assert source.index == LANES.named("cu132").nightly_index


def test_a_mirror_replaces_the_lane_s_index() -> None:
    (source,) = sources("cu130", index="https://mirror.example/whl/cu130")
    assert (source.index, source.mirrored, source.lane_cuda) == ("https://mirror.example/whl/cu130", True, "13.0")


def test_sources_of_cpu() -> None:
    lane, default = sources("cpu")
    assert (lane.name, lane.lane_cuda, lane.cuda_required) == ("cpu", "cpu", False)
    assert (default.name, default.index, default.cuda_required) == ("pypi", None, False)
    assert sources("cpu", source="lane") == (lane,)
    assert sources("cpu", source="default") == (default,)
    (mirror,) = sources("cpu", index="https://mirror.example/whl/cpu")
    assert mirror.mirrored


@pytest.mark.parametrize(
    ("strategy", "said", "reference"),
    [
        ("pypi", {"nightly": True}, "no-nightly"),
        ("cpu", {"nightly": True}, "no-nightly"),
        ("cu130", {"source": "default"}, "option-not-for-strategy"),
        ("cpu", {"source": "both"}, "unknown-source"),
        ("cpu", {"source": "default", "index": "https://mirror.example"}, "contradicting-options"),
    ],
)
def test_options_that_do_not_belong_to_a_strategy(strategy: str, said: dict[str, object], reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        sources(strategy, **said)
    assert caught.value.reference == reference
    assert caught.value.hint
