"""Facts in, climb out: over machines, states of the indexes, what fails to install, and what the judge says."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.errors import (
    ExitCode,
    NoCandidateError,
    SparkError,
)
from scripts.model.climb import RungState
from scripts.model.plan import Request
from scripts.operations.climbing import foresee_climb
from tests.unit.operations.climb_cases import CASES
from tests.unit.operations.worlds import DEFAULT


@pytest.mark.parametrize("name", CASES)
def test_facts_in_climb_out(climbing: Any, name: str) -> None:
    made, case = climbing(CASES[name])
    if isinstance(case.expected, str):
        with pytest.raises(SparkError) as caught:
            made.run(case)
        assert caught.value.reference == case.expected
        assert made.given.store.current() is None
        return
    result = made.run(case)
    climb = result.climb
    assert climb is not None
    states = {rung.strategy: str(rung.state) for rung in climb.rungs if rung.state is not RungState.NOT_REACHED}
    on_ladder = {rung.strategy for rung in climb.rungs}
    assert states == {name: state for name, state in case.expected.items() if name in on_ladder}
    for rung in climb.rungs:
        assert bool(rung.reasons) == (rung.state in {RungState.REFUSED, RungState.FAILED, RungState.PUT_OFF}), rung
    for strategy, reason in case.why.items():
        assert reason in "; ".join(blocker.reason for blocker in climb.rung(strategy).reasons)
    if case.before:
        assert tuple(made.builds.seen) == case.before
    current = made.given.store.current()
    assert current is not None
    assert current.name == result.environment
    assert current.record is not None
    assert current.record.climb == climb
    assert climb.chosen is not None
    assert (climb.chosen.environment, climb.chosen.verdict) == (result.environment, result.verdict)


def test_the_table_is_as_large_as_it_should_be() -> None:
    assert len({str(case.facts) + str(case.web.pages.keys()) + str(case.said) for case in CASES.values()}) >= 25


def test_on_the_cpu_despite_a_gpu_without_being_allowed(climbing: Any) -> None:
    made, case = climbing(CASES["a driver mismatch"])
    with pytest.raises(NoCandidateError) as caught:
        made.run(case)
    error = caught.value
    assert error.exit_code is ExitCode.NO_CANDIDATE
    assert error.context.startswith("the ladder for an NVIDIA GPU whose driver does not answer:\n  pypi, cu130")
    assert "cpu: refused: there is a GPU here, and the CPU was neither asked for nor allowed" in error.context
    assert error.hint == "reboot; or take the CPU on purpose with --allow-cpu or --strategy cpu"
    assert made.builds.seen == []


def test_on_the_cpu_despite_a_gpu_is_said_aloud(climbing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    made, case = climbing(CASES["a driver mismatch, the CPU allowed"])
    made.run(case)
    assert "ATTENTION: there is a GPU here and Kokoro will NOT use it" in capsys.readouterr().err


def test_on_a_machine_without_a_gpu_nothing_is_judged_and_no_lane_is_asked(climbing: Any) -> None:
    made, case = climbing(CASES["no GPU"])
    made.run(case)
    assert made.verdicts.seen == []
    assert {url.split("/whl/")[-1].split("/")[0] for url in case.web.seen} <= {"cpu"}


def test_what_facts_or_data_refuse_costs_no_request(climbing: Any) -> None:
    made, case = climbing(CASES["V100, which CUDA 13 dropped"])
    made.run(case)
    asked = {url.split("/whl/")[-1].split("/")[0] for url in case.web.seen if DEFAULT not in url}
    assert "cu130" not in asked
    assert "cu132" not in asked
    assert case.web.seen, "the lane that was chosen was asked"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.fails and not case.verdicts])
def test_a_dry_run_foresees_what_would_be_chosen(climbing: Any, name: str) -> None:
    made, case = climbing(CASES[name])
    if isinstance(case.expected, str):
        with pytest.raises(SparkError) as caught:
            foresee_climb(Request(**case.said), made.given)
        assert caught.value.reference == case.expected
        return
    outlook = foresee_climb(Request(**case.said), made.given)
    states = {rung.strategy: str(rung.state) for rung in outlook.climb.rungs}
    chosen = next(strategy for strategy, state in case.expected.items() if state == "chosen")
    assert states[chosen] == "would be tried"
    assert outlook.plan.strategy == chosen
    assert made.builds.seen == []
    assert not made.given.home.environments.exists()
    made.run(case)
    again = foresee_climb(Request(**case.said), made.given)
    rung = again.climb.rung(chosen)
    assert (rung.environment, rung.state) == (outlook.plan.environment, RungState.NEXT)
    assert (rung.verdict is not None) is (chosen != "cpu")


def test_a_dry_run_knows_what_failed_before(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    made.run(case)
    outlook = foresee_climb(Request(), made.given)
    assert outlook.climb.rung("pypi").state is RungState.FAILED
    assert outlook.plan.strategy == "cu130"
