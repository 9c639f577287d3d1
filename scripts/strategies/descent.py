"""How `auto` comes down its ladder, rung by rung, by what each attempt gave. Pure.

The rule. The first rung on which Kokoro runs without the patch is taken. One that data predict to need the patch is put
off, and one that was judged to need it is kept as the second best: they are taken only where no rung for the GPU below
them does without. Of several, one that is there already comes before one that is not, then the higher one. A rung
without a Jiterator (onnx) can do no better than a working patch, and is not tried where there is one. `cpu` is last,
is for no GPU, and is taken only where there is none, or where the user allows it (ladder.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from scripts.model.climb import Climb, Rung, RungState
from scripts.model.evidence import VerdictKind
from scripts.model.plan import Blocker, Plan, Refusal
from scripts.strategies.ladder import CPU, redacted

WITHOUT_JITERATOR = frozenset({CPU, "onnx"})
"""Their verdict is `not-applicable` where they hold."""

SIMULATED = "simulated "
"""What stands before a verdict's kind where the device was a simulated one."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """It cannot be had here, and nothing was installed."""

    reasons: tuple[Blocker, ...]


@dataclass(frozen=True, kw_only=True)
class PutOff:
    """Data say that it needs the patch."""

    reasons: tuple[Blocker, ...]


@dataclass(frozen=True, kw_only=True)
class Failed:
    """It was tried, and does not do. `environment` None: nothing was made."""

    reasons: tuple[Blocker, ...]
    environment: str | None
    verdict: str | None = None


@dataclass(frozen=True, kw_only=True)
class Holds:
    """It was installed, and Kokoro runs on it. `verdict` None: it was not judged."""

    environment: str
    verdict: str | None


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """In a dry run: it would be tried. `environment` is there already where `verdict` tells what it was judged."""

    plan: Plan
    verdict: str | None = None


Outcome: TypeAlias = Refused | PutOff | Failed | Holds | Foreseen
Attempt: TypeAlias = Callable[[str, Climb], Outcome]
"""(strategy, the climb so far) -> what came of it. A rung that is put off already is not put off again."""


def descend(climb: Climb, attempt: Attempt) -> Climb:
    """Go down until a rung is chosen, or none is left."""
    while (name := following(climb)) is not None:
        climb = after(climb, name, attempt(name, climb))
    return settled(climb)


def following(climb: Climb) -> str | None:
    """Name the rung to try next; None: there is nothing more to be gained."""
    if any(rung.state in {RungState.CHOSEN, RungState.NEXT} for rung in climb.rungs):
        return None
    put_off = [rung for rung in climb.rungs if rung.state is RungState.PUT_OFF]
    works = any(rung.state is RungState.SECOND_BEST for rung in climb.rungs)
    for rung in climb.rungs:
        if rung.state is not RungState.NOT_REACHED:
            continue
        if rung.strategy not in WITHOUT_JITERATOR:
            return rung.strategy
        break  # what is below can do no better than the patch
    if works:
        return None
    if put_off:
        return put_off[0].strategy
    return next((rung.strategy for rung in climb.rungs if rung.state is RungState.NOT_REACHED), None)


def after(climb: Climb, name: str, outcome: Outcome) -> Climb:
    """Put what came of a rung into the climb."""
    rung = dataclasses.replace(climb.rung(name), reasons=())
    match outcome:
        case Refused():
            rung = dataclasses.replace(rung, state=RungState.REFUSED, reasons=_clean(outcome.reasons))
        case PutOff():
            rung = dataclasses.replace(rung, state=RungState.PUT_OFF, reasons=_clean(outcome.reasons))
        case Failed():
            rung = dataclasses.replace(
                rung,
                state=RungState.FAILED,
                reasons=_clean(outcome.reasons),
                environment=outcome.environment,
                verdict=outcome.verdict,
            )
        case Holds():
            needs_patch = kind_of(outcome.verdict) is VerdictKind.NEEDED
            state = RungState.SECOND_BEST if needs_patch else RungState.CHOSEN
            rung = dataclasses.replace(rung, state=state, environment=outcome.environment, verdict=outcome.verdict)
        case Foreseen():
            rung = dataclasses.replace(
                rung, state=RungState.NEXT, environment=outcome.plan.environment, verdict=outcome.verdict
            )
        case _:
            assert_never(outcome)
    return with_rung(climb, rung)


def settled(climb: Climb) -> Climb:
    """Take the second best where nothing better was found."""
    if climb.chosen is not None:
        return climb
    best = next((rung for rung in climb.rungs if rung.state is RungState.SECOND_BEST), None)
    return climb if best is None else with_rung(climb, dataclasses.replace(best, state=RungState.CHOSEN))


def with_rung(climb: Climb, rung: Rung) -> Climb:
    """Replace one rung."""
    rungs = tuple(rung if one.strategy == rung.strategy else one for one in climb.rungs)
    return dataclasses.replace(climb, rungs=rungs)


def holds(strategy: str, verdict: str) -> bool:
    """Tell whether a verdict lets a rung be taken."""
    if strategy in WITHOUT_JITERATOR:
        return kind_of(verdict) is VerdictKind.NOT_APPLICABLE
    return kind_of(verdict) in {VerdictKind.NOT_NEEDED, VerdictKind.NEEDED}


def refusals_of(climb: Climb) -> tuple[Refusal, ...]:
    """Name every rung that was passed over, with its reasons."""
    passed = {RungState.REFUSED, RungState.PUT_OFF, RungState.FAILED}
    return tuple(Refusal(strategy=one.strategy, blockers=one.reasons) for one in climb.rungs if one.state in passed)


def kind_of(verdict: str | None) -> VerdictKind | None:
    """Read a recorded verdict, its label taken off."""
    return None if verdict is None else VerdictKind(verdict.removeprefix(SIMULATED))


def _clean(reasons: tuple[Blocker, ...]) -> tuple[Blocker, ...]:
    return tuple(map(redacted, reasons))
