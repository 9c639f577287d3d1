"""What `auto` installs is judged, remembered and made current, or left with its reasons."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.errors import (
    BrokenError,
    NoCandidateError,
)
from scripts.home import CHECKOUT
from scripts.model.climb import RungState
from scripts.model.environment import EnvironmentState
from scripts.model.plan import Request
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.setup import setup
from scripts.operations.trying import judge_here
from tests.support.plans import plan, put, record
from tests.unit.operations.climb_cases import CASES
from tests.unit.operations.climbs import Climbing
from tests.unit.verification.cases import device
from tests.unit.verification.test_verify import ScriptedPython


def test_what_was_judged_is_not_judged_again(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    first = made.run(case)
    again = made.run(case)
    assert again.reused
    assert again.environment == first.environment
    assert (made.verdicts.seen, made.builds.seen) == (["pypi", "cu130"], ["pypi", "cu130"])
    assert again.climb is not None
    (reason,) = again.climb.rung("pypi").reasons
    assert reason.reason == "auto judged it broken: pypi was found broken (on record, under the same driver)"
    made.run(case, refresh=True)
    assert made.verdicts.seen == ["pypi", "cu130"] * 2


@pytest.mark.parametrize("changed", [{"driver": "590.44.01"}, {"devices": ("NVIDIA GB10, 12.1, GPU-other",)}])
def test_under_another_driver_or_gpu_it_is_judged_again(climbing: Any, changed: dict[str, Any]) -> None:
    made, case = climbing(CASES["GB10, everything reachable"])
    result = made.run(case)
    entry = made.given.store.current()
    assert entry is not None
    assert entry.record is not None
    assert entry.record.climb is not None
    made.given.store.write(dataclasses.replace(entry.record, climb=dataclasses.replace(entry.record.climb, **changed)))
    assert made.run(case).environment == result.environment
    assert made.verdicts.seen == ["pypi", "pypi"]


def test_what_was_undecided_is_judged_again(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first is undecided"])
    made.run(case)
    made.run(case)
    assert made.verdicts.seen == ["pypi", "cu130", "pypi"]


def test_an_environment_that_was_set_up_by_name_is_judged_by_auto(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, everything reachable"])
    planned = make_plan(Request(strategy="pypi"), made.given).plan
    put(made.given.store, record(planned.environment, plan=planned, verdict="needed"))
    result = made.run(case)
    assert (result.reused, result.verdict, made.verdicts.seen) == (True, "not-needed", ["pypi"])


def test_without_a_smoke_nothing_is_judged(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, everything reachable"])
    result = made.run(case, smoke=False)
    assert (result.verdict, result.current, made.verdicts.seen) == (None, True, [])


def test_a_rung_that_fails_is_left_with_its_reasons(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    made.run(case)
    failed = next(one.record for one in made.given.store.entries() if one.name.startswith("pypi-"))
    assert failed is not None
    assert (failed.state, failed.verdict) == (EnvironmentState.READY, "broken")
    assert failed.reason == "auto judged it broken: pypi was found broken"
    assert failed.climb is not None
    assert failed.climb.rung("pypi").state is RungState.FAILED


def test_the_report_holds_the_climb(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, the first fails verification"])
    result = made.run(case)
    document = json.loads((made.given.home.reports / result.environment / "report.json").read_text())
    states = {rung["strategy"]: rung["state"] for rung in document["climb"]["rungs"]}
    assert (states["pypi"], states["cu130"], states["cpu"]) == ("failed", "chosen", "refused")
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text())
    climb_schema = {"$defs": schema["$defs"], **schema["properties"]["climb"]}
    jsonschema.Draft202012Validator(climb_schema).validate(document["climb"])
    text = (made.given.home.reports / result.environment / "report.txt").read_text()
    page = (made.given.home.reports / result.environment / "report.html").read_text()
    assert "pypi: failed, judged broken: pypi was found broken" in text
    assert "How auto came to it" in page
    assert "pypi was found broken" in page


def current_of(climbing: Climbing, verdict: str | None, *, strategy: str = "cu130") -> str:
    """Something that is ready and current before `auto` comes."""
    name = f"{strategy}-aaaaaaaaaaaa"
    put(climbing.given.store, record(name, plan=plan(strategy=strategy, digest="aaaaaaaaaaaa"), verdict=verdict))
    climbing.given.store.use(name)
    return name


@pytest.mark.parametrize(
    ("case", "current", "strategy", "switches"),
    [
        ("GB10, everything reachable", "not-needed", "cu130", True),
        ("GB10, everything reachable", None, "cu130", True),
        ("GB10, everything reachable", "broken", "cu130", True),
        ("GB10, everything reachable", "not-applicable", "cpu", True),
        ("GB10, everything reachable", None, "cpu", True),
        ("GB10, all need the patch or fail", "not-needed", "pypi", False),
        ("GB10, all need the patch or fail", "simulated not-needed", "pypi", False),
        ("GB10, all need the patch or fail", "needed", "pypi", True),
        ("GB10, only onnx holds", "needed", "pypi", False),
        ("GB10, only onnx holds", "undecided", "pypi", True),
        ("GB10, nothing holds, the CPU allowed", "needed", "pypi", False),
        ("GB10, nothing holds, the CPU allowed", "broken", "pypi", True),
        ("no GPU", "not-needed", "pypi", True),
    ],
)
def test_what_is_current_gives_way_to_nothing_worse(
    climbing: Any, case: str, current: str | None, strategy: str, *, switches: bool
) -> None:
    made, chosen = climbing(CASES[case])
    before = current_of(made, current, strategy=strategy)
    result = made.run(chosen)
    now = made.given.store.current()
    assert now is not None
    assert result.current is switches
    assert now.name == (result.environment if switches else before)
    assert (before in result.withheld) is not switches


def test_what_is_current_stays_so_where_nothing_is_chosen(climbing: Any) -> None:
    made, case = climbing(CASES["GB10, nothing to be had at all"])
    before = current_of(made, "needed")
    with pytest.raises(NoCandidateError):
        made.run(case)
    current = made.given.store.current()
    assert current is not None
    assert current.name == before


def test_a_judge_that_cannot_judge_fails_the_rung(climbing: Any) -> None:
    made, _ = climbing(CASES["GB10, everything reachable"])
    asked: list[str] = []

    def judge(entry: Any, target: ComputeCapability, given: Context) -> Any:
        asked.append(entry.record.plan.strategy)
        if len(asked) == 1:
            raise BrokenError("its Python does not answer", reference="interpreter-broken", hint="look")
        return made.verdicts(entry, target, given)

    result = setup(Request(), None, GB10, made.given, judge=judge)
    assert asked == ["pypi", "cu130"]
    assert result.climb is not None
    assert result.climb.rung("pypi").reasons[0].reason == "its Python does not answer"
    left = next(one.record for one in made.given.store.entries() if one.name.startswith("pypi-"))
    assert left is not None
    assert (left.reason, left.verdict) == ("auto could not judge it: its Python does not answer", None)
    again = setup(Request(), None, GB10, made.given, judge=made.verdicts)
    assert (again.environment, again.verdict) == (left.name, "not-needed")
    healed = made.given.store.find_ready(left.name).record
    assert healed is not None
    assert healed.reason == ""


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_the_judge_is_verify_itself(climbing: Any, tmp_path: Path, *, simulated: bool) -> None:
    made, _ = climbing(CASES["GB10, everything reachable"])
    (tmp_path / "site").mkdir()
    python = ScriptedPython(site=tmp_path / "site")
    python.answers["device"] = device("12.1", simulated=simulated).detail
    made.given.run = python
    result = setup(Request(), None, GB10, made.given)
    verdict = "simulated not-needed" if simulated else "not-needed"
    assert (result.verdict, result.prediction, result.current) == (verdict, "undecided", True)
    assert "canary.abs" in python.asked
    assert result.climb is not None
    assert result.climb.rung("pypi").verdict == verdict
    folder = made.given.home.reports / (f"{result.environment}-simulated" if simulated else result.environment)
    assert json.loads((folder / "report.json").read_text())["climb"]["rungs"][0]["state"] == "chosen"
    judged = judge_here(made.given.store.find_ready(None), GB10, made.given)
    assert judged.report.climb == result.climb, "a later verify tells it as well"


def test_a_judge_that_finds_no_gpu_fails_the_rung(climbing: Any, tmp_path: Path) -> None:
    made, case = climbing(CASES["GB10, the PyTorch index gone"])
    (tmp_path / "site").mkdir()
    made.given.run = ScriptedPython(site=tmp_path / "site")
    with pytest.raises(NoCandidateError) as caught:
        setup(Request(never=("onnx",)), None, GB10, made.given)
    assert caught.value.reference == "no-gpu-strategy"
    assert "pypi: failed, judged undecided: no GPU to judge on" in caught.value.context
    assert made.given.store.current() is None
    assert case.web.seen
