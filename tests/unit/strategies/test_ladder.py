"""What stands against each strategy on made-up machines, and where its torch comes from."""

from __future__ import annotations

import pytest

from scripts.errors import ExitCode, IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.facts import Facts
from scripts.model.plan import Blocker, Refusal, Request
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.strategies.base import TorchSource, TorchStrategy
from scripts.strategies.ladder import ORDER, climb, nothing_fits, refusal_lines, strategies, strategy_named
from scripts.wheels.lanes import load_lanes
from tests.support.machines import (
    MAC,
    MISMATCH,
    MUSL,
    OLD_DRIVER,
    OLD_GLIBC,
    PC,
    PC_TARGET,
    SPARK,
    SPARK_TARGET,
)

LANES = load_lanes(CONSTRAINTS / "lanes.toml")
KNOWN = {name: strategy for name, strategy in strategies(LANES).items() if name in ORDER}
OLD_GLIBC_TARGET = Target(Architecture.X86_64, PythonVersion(3, 12), (2, 27))
UNKNOWN_TARGET = Target(Architecture.X86_64, PythonVersion(3, 12), (0, 0))

CUDA = ORDER[:-1]
MACHINES: dict[str, tuple[Facts, Target, tuple[str, ...], str]] = {
    "GB10, driver 580, CUDA 13.0": (SPARK, SPARK_TARGET, ORDER, ""),
    "x86_64 without a GPU": (PC, PC_TARGET, ("cpu",), "there is no NVIDIA GPU here"),
    "a driver for CUDA 12.4": (
        OLD_DRIVER,
        PC_TARGET,
        ("cu129", "cu128", "cu126", "cpu"),
        "the driver serves CUDA 12.4, older than the build's 13",
    ),
    "a driver mismatch": (MISMATCH, PC_TARGET, ("cpu",), "Driver/library version mismatch"),
    "musl": (MUSL, UNKNOWN_TARGET, (), "C library is musl"),
    "an old glibc": (OLD_GLIBC, OLD_GLIBC_TARGET, (), "glibc 2.27 is older than the 2.28"),
    "macOS": (MAC, SPARK_TARGET, (), "this is Darwin"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_climb(name: str) -> None:
    facts, target, expected, told = MACHINES[name]
    usable, refused = climb(facts, target, KNOWN)
    assert tuple(one.name for one in usable) == expected
    assert {one.strategy for one in refused} == set(ORDER) - set(expected)
    for refusal in refused:
        assert any(told in blocker.reason for blocker in refusal.blockers), refusal


def test_another_platform_is_not_judged_by_this_machine_s_libc() -> None:
    assert KNOWN["cu130"].blockers(MUSL, SPARK_TARGET) == ()


def test_a_named_strategy_is_not_blocked_by_a_missing_gpu() -> None:
    assert KNOWN["cu130"].blockers(PC, PC_TARGET) == ()
    assert KNOWN["cpu"].blockers(SPARK, SPARK_TARGET) == KNOWN["cpu"].reservations(MISMATCH) == ()


def test_the_ladder_names_every_lane_once() -> None:
    assert set(ORDER) == {lane.name for lane in LANES.lanes}
    assert set(KNOWN) >= set(ORDER)


@pytest.mark.parametrize("name", ["cu130", " CU130 ", "pypi", "cpu"])
def test_strategy_named(name: str) -> None:
    assert strategy_named(name, KNOWN).name == name.strip().lower()


@pytest.mark.parametrize("name", ["cu131", "", "cuda", "../cpu", "auto"])
def test_an_unknown_strategy_lists_the_known(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        strategy_named(name, KNOWN)
    assert caught.value.reference == "unknown-strategy"
    assert caught.value.hint == f"choose one of: auto, {', '.join(ORDER)}"


def refusal(strategy: str, *reasons: str) -> Refusal:
    return Refusal(strategy=strategy, blockers=tuple(Blocker(reason=reason) for reason in reasons))


def test_nothing_fits_says_why_of_each() -> None:
    _, refused = climb(MAC, SPARK_TARGET, KNOWN)
    error = nothing_fits(refused)
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-strategy")
    assert error.context == f"passed over {', '.join(ORDER)}: {refused[0].blockers[0].reason}"
    assert "invoke facts" in error.hint


def test_neighbours_with_the_same_reasons_share_a_line() -> None:
    refused = (refusal("cu130", "a", "b"), refusal("cu132", "a", "b"), refusal("pypi", "a"), refusal("cpu"))
    assert refusal_lines(refused) == [
        "passed over cu130, cu132: a; b",
        "passed over pypi: a",
        "passed over cpu: ",
    ]


def test_the_failure_of_the_only_strategy_that_could_be_tried_is_the_error() -> None:
    failure = IntegrityError("it is torn", context="at x", hint="mend it", reference="torn")
    error = nothing_fits((refusal("cu130", "no GPU"), refusal("cpu", "it is torn")), [failure])
    assert (type(error), error.message, error.reference, error.hint) == (
        IntegrityError,
        "it is torn",
        "torn",
        "mend it",
    )
    assert error.context == "at x\npassed over cu130: no GPU"


@pytest.mark.parametrize(
    ("second", "code"), [(NetworkError, ExitCode.NETWORK), (NoCandidateError, ExitCode.NO_CANDIDATE)]
)
def test_several_failures_are_the_network_s_where_all_are(second: type[SparkError], code: ExitCode) -> None:
    failures = [NetworkError("down", reference="x"), second("none", hint="the last hint", reference="y")]
    error = nothing_fits((refusal("cu130", "down"), refusal("cpu", "none")), failures)
    assert (error.exit_code, error.reference, error.hint) == (code, "no-strategy", "the last hint")
    assert error.context == "passed over cu130: down\npassed over cpu: none"


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
