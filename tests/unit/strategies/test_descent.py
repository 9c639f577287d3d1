"""How the ladder is gone down: what each attempt gave, and what is taken in the end."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scripts.model.climb import Climb, Machine, Rung, RungState
from scripts.model.evidence import VerdictKind
from scripts.model.plan import Blocker
from scripts.strategies.descent import (
    WITHOUT_JITERATOR,
    Failed,
    Foreseen,
    Holds,
    Outcome,
    PutOff,
    Refused,
    after,
    descend,
    following,
    holds,
    kind_of,
    refusals_of,
)
from scripts.verification import judge
from tests.support.plans import plan

ORDER = ("a", "b", "c", "onnx", "cpu")
WHY = (Blocker(reason="because of https://me:secret@host"),)
REFUSED, PUT_OFF, FORESEEN = Refused(reasons=WHY), PutOff(reasons=WHY), Foreseen(plan=plan())
FAILED = Failed(reasons=WHY, environment="x", verdict="broken")


def judged(verdict: str | None) -> Holds:
    return Holds(environment="x", verdict=verdict)


GOOD, PATCHED, NO_QUESTION, UNJUDGED = judged("not-needed"), judged("needed"), judged("not-applicable"), judged(None)
SIMULATED = judged("simulated needed")


def ladder(*refused: str) -> Climb:
    rungs = (
        Rung(strategy=name, state=RungState.REFUSED if name in refused else RungState.NOT_REACHED) for name in ORDER
    )
    return Climb(machine=Machine.NVIDIA, rungs=tuple(rungs))


def go(gave: Mapping[str, Outcome | tuple[Outcome, Outcome]], *refused: str) -> tuple[Climb, list[str]]:
    """Go down; of two outcomes the second is that of a rung that had been put off."""
    tried: list[str] = []

    def attempt(name: str, climb: Climb) -> Outcome:
        tried.append(name)
        outcome = gave[name]
        if isinstance(outcome, tuple):
            return outcome[climb.rung(name).state is RungState.PUT_OFF]
        return outcome

    return descend(ladder(*refused), attempt), tried


CASES: dict[str, tuple[Mapping[str, Outcome | tuple[Outcome, Outcome]], str, str]] = {
    "the first holds": ({"a": GOOD}, "a", "a"),
    "the second holds": ({"a": FAILED, "b": GOOD}, "a b", "b"),
    "one is refused on the way": ({"a": FAILED, "b": REFUSED, "c": GOOD}, "a b c", "c"),
    "nothing for the GPU holds": (
        {"a": FAILED, "b": FAILED, "c": REFUSED, "onnx": FAILED, "cpu": UNJUDGED},
        "a b c onnx cpu",
        "cpu",
    ),
    "onnx before the CPU": ({"a": FAILED, "b": FAILED, "c": FAILED, "onnx": NO_QUESTION}, "a b c onnx", "onnx"),
    "the patch, where nothing does without": ({"a": PATCHED, "b": FAILED, "c": REFUSED}, "a b c", "a"),
    "without the patch, further down": ({"a": PATCHED, "b": GOOD}, "a b", "b"),
    "the patch twice: the higher one": ({"a": PATCHED, "b": SIMULATED, "c": FAILED}, "a b c", "a"),
    "put off, and not needed": ({"a": PUT_OFF, "b": GOOD}, "a b", "b"),
    "put off, and needed after all": ({"a": (PUT_OFF, PATCHED), "b": FAILED, "c": REFUSED}, "a b c a", "a"),
    "put off, and not as bad as predicted": ({"a": (PUT_OFF, GOOD), "b": FAILED, "c": REFUSED}, "a b c a", "a"),
    "one with the patch that is there, before one that was put off": (
        {"a": PUT_OFF, "b": PATCHED, "c": FAILED},
        "a b c",
        "b",
    ),
    "put off, and in vain": (
        {"a": (PUT_OFF, FAILED), "b": (PUT_OFF, FAILED), "c": FAILED, "onnx": NO_QUESTION},
        "a b c a b onnx",
        "onnx",
    ),
    "not judged": ({"a": UNJUDGED}, "a", "a"),
    "a dry run ends at the first that would be tried": ({"a": REFUSED, "b": FORESEEN}, "a b", ""),
    "a dry run goes back to what was put off": (
        {"a": (PUT_OFF, FORESEEN), "b": REFUSED, "c": REFUSED},
        "a b c a",
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_way_down(name: str) -> None:
    gave, tried, chosen = CASES[name]
    climb, order = go(gave)
    assert order == tried.split()
    assert (climb.chosen.strategy if climb.chosen else "") == chosen
    assert following(climb) is None or not climb.chosen


def test_what_becomes_of_each() -> None:
    climb, _ = go({"b": PATCHED, "c": GOOD}, "a", "cpu")
    assert [rung.state for rung in climb.rungs] == [
        RungState.REFUSED,
        RungState.SECOND_BEST,
        RungState.CHOSEN,
        RungState.NOT_REACHED,
        RungState.REFUSED,
    ]
    assert [one.strategy for one in refusals_of(climb)] == ["a", "cpu"]


def test_nothing_is_left() -> None:
    climb, order = go({"b": FAILED, "c": REFUSED, "onnx": REFUSED}, "a", "cpu")
    assert climb.chosen is None
    assert order == ["b", "c", "onnx"]


@pytest.mark.parametrize("outcome", [REFUSED, PUT_OFF, FAILED])
def test_reasons_show_no_credentials(outcome: Outcome) -> None:
    (reason,) = after(ladder(), "a", outcome).rung("a").reasons
    assert reason.reason == "because of https://****@host"


def test_a_rung_that_holds_after_it_was_put_off_keeps_no_reason_against_it() -> None:
    climb = after(after(ladder(), "a", PUT_OFF), "a", PATCHED)
    assert climb.rung("a").reasons == ()


@pytest.mark.parametrize("kind", list(VerdictKind))
@pytest.mark.parametrize("label", ["", "simulated "])
def test_which_verdict_holds(kind: VerdictKind, label: str) -> None:
    assert holds("cu130", f"{label}{kind}") is (kind in {VerdictKind.NOT_NEEDED, VerdictKind.NEEDED})
    assert holds("onnx", f"{label}{kind}") is (kind is VerdictKind.NOT_APPLICABLE)
    assert kind_of(f"{label}{kind}") is kind


def test_the_verdict_knows_the_same_without_a_jiterator() -> None:
    assert judge.WITHOUT_JITERATOR == WITHOUT_JITERATOR
