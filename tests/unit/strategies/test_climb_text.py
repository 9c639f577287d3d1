"""A climb in words, and the error of one that ends nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.errors import ExitCode, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.model.climb import Climb, Cost, Machine, Rung, RungState
from scripts.model.plan import Blocker
from scripts.strategies.climb_text import climb_lines, cost_of, no_strategy, on_cpu_despite_gpu
from scripts.strategies.ladder import NEVER, NOT_ALLOWED

NO_GPU = Blocker(reason="there is no NVIDIA GPU here")
OLD = Blocker(reason="the driver is too old", hint="update the NVIDIA driver")


def rung(strategy: str, state: RungState, *reasons: Blocker, **said: Any) -> Rung:
    return Rung(strategy=strategy, state=state, reasons=reasons, **said)


def climb(machine: Machine, *rungs: Rung, devices: tuple[str, ...] = ()) -> Climb:
    return Climb(machine=machine, rungs=rungs, devices=devices, driver="580.95.05" if devices else None)


def test_neighbours_of_which_the_same_is_said_share_a_line() -> None:
    found = climb(
        Machine.NONE,
        rung("pypi", RungState.REFUSED, NO_GPU, OLD),
        rung("cu130", RungState.REFUSED, NO_GPU, OLD),
        rung("onnx", RungState.REFUSED, NO_GPU),
        rung("cpu", RungState.CHOSEN),
    )
    assert climb_lines(found) == [
        "the ladder for a machine without an NVIDIA GPU:",
        "  pypi, cu130: refused: there is no NVIDIA GPU here; the driver is too old",
        "  onnx: refused: there is no NVIDIA GPU here",
        "  cpu: chosen, not judged",
    ]


@pytest.mark.parametrize(
    ("made", "dry", "expected"),
    [
        (
            rung("pypi", RungState.NEXT, environment="pypi-1", verdict="needed"),
            False,
            "pypi: would be taken as it is, judged needed: environment pypi-1",
        ),
        (
            rung("pypi", RungState.SECOND_BEST, verdict="needed"),
            False,
            "pypi: second best, judged needed: a better one was found",
        ),
        (rung("pypi", RungState.PUT_OFF, OLD), False, "pypi: put off: the driver is too old"),
        (rung("pypi", RungState.FAILED, OLD), False, "pypi: failed: the driver is too old"),
        (rung("pypi", RungState.NOT_REACHED), False, "pypi: not reached"),
        (rung("pypi", RungState.NOT_REACHED), True, "pypi: only if those above fail"),
    ],
)
def test_what_is_said_of_a_rung(made: Rung, expected: str, *, dry: bool) -> None:
    below = rung("cpu", RungState.NEXT if dry else RungState.REFUSED, environment="x", verdict="y")
    assert climb_lines(climb(Machine.NONE, made, below))[1] == f"  {expected}"


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (
            Cost(download=3_400_000_000, disk=5_300_000_000, minutes=2, basis="b"),
            "3.4 GB to download, 5.3 GB on disk, about 2 min (b)",
        ),
        (Cost(disk=40_000_000_000, minutes=110, basis="b"), "40.0 GB on disk, about 1.8 h (b)"),
        (Cost(basis="estimated: nobody knows"), "at an unknown cost (estimated: nobody knows)"),
    ],
)
def test_cost(cost: Cost, expected: str) -> None:
    assert cost_of(cost) == expected


@pytest.mark.parametrize(
    ("machine", "state", "loud"),
    [
        (Machine.NONE, RungState.CHOSEN, False),
        (Machine.NVIDIA, RungState.CHOSEN, True),
        (Machine.GB10, RungState.NEXT, True),
        (Machine.GB10, RungState.REFUSED, False),
        (Machine.GB10, RungState.NOT_REACHED, False),
    ],
)
def test_the_cpu_of_a_machine_with_a_gpu_is_said_aloud(machine: Machine, state: RungState, *, loud: bool) -> None:
    found = climb(machine, rung("cpu", state))
    assert bool(on_cpu_despite_gpu(found)) is loud
    assert ("ATTENTION" in "".join(climb_lines(found))) is loud


@pytest.mark.parametrize("last", [NOT_ALLOWED, NEVER])
def test_nothing_for_the_gpu(last: Blocker) -> None:
    found = climb(
        Machine.GB10, rung("pypi", RungState.REFUSED, OLD), rung("cpu", RungState.REFUSED, last), devices=("a",)
    )
    error = no_strategy(found, [NetworkError("gone", reference="x", hint="y")])
    assert (type(error), error.exit_code, error.reference) == (
        NoCandidateError,
        ExitCode.NO_CANDIDATE,
        "no-gpu-strategy",
    )
    assert error.context.splitlines()[0] == "the ladder for a GB10 (a, driver 580.95.05):"
    assert error.hint == "update the NVIDIA driver; or take the CPU on purpose with --allow-cpu or --strategy cpu"


def test_the_failure_of_the_only_strategy_that_could_be_tried_is_the_error() -> None:
    failure = IntegrityError("it is torn", context="at x", hint="mend it", reference="torn")
    found = climb(Machine.NONE, rung("pypi", RungState.REFUSED, NO_GPU), rung("cpu", RungState.FAILED, OLD))
    error = no_strategy(found, [failure])
    assert (type(error), error.message, error.reference, error.hint) == (
        IntegrityError,
        "it is torn",
        "torn",
        "mend it",
    )
    assert error.context.splitlines()[:3] == [
        "at x",
        "the ladder for a machine without an NVIDIA GPU:",
        "  pypi: refused: there is no NVIDIA GPU here",
    ]


@pytest.mark.parametrize(
    ("second", "code"), [(NetworkError, ExitCode.NETWORK), (NoCandidateError, ExitCode.NO_CANDIDATE)]
)
def test_several_failures_are_the_network_s_where_all_are(second: type[SparkError], code: ExitCode) -> None:
    failures = [NetworkError("down", reference="x"), second("none", hint="the last hint", reference="y")]
    error = no_strategy(climb(Machine.NVIDIA, rung("cpu", RungState.FAILED, OLD)), failures)
    assert (error.exit_code, error.reference, error.hint) == (code, "no-strategy", "the last hint")


def test_a_machine_for_which_there_is_nothing() -> None:
    error = no_strategy(climb(Machine.NONE, rung("cpu", RungState.REFUSED, OLD)))
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-strategy")
    assert "invoke facts" in error.hint


def test_a_machine_for_which_there_is_only_what_was_left_out() -> None:
    assert no_strategy(climb(Machine.NONE, rung("cpu", RungState.REFUSED, NEVER))).hint == "leave cpu out of --never"
