"""setup: facts, plan, environment, weights, a first smoke; then it becomes current. `auto` comes down its ladder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError
from scripts.model.climb import Climb, Machine
from scripts.model.environment import EnvironmentRecord, EnvironmentState
from scripts.model.evidence import QUALITY, VerdictKind
from scripts.model.plan import Plan, Refusal, Request, WeightsChoice
from scripts.model.target import ComputeCapability
from scripts.operations.climbing import Route
from scripts.operations.context import Context
from scripts.operations.planning import make_plan, require_options
from scripts.operations.planning_source import provide_torch
from scripts.operations.providing import built, environment_lock, smoked, weighted
from scripts.operations.site import find_site
from scripts.operations.trying import Judge, judge_here, make_climb
from scripts.strategies.descent import WITHOUT_JITERATOR, kind_of, refusals_of
from scripts.strategies.ladder import CPU, is_auto
from scripts.strategies.onnx import NAME as ONNX
from scripts.weights.local import locate
from scripts.weights.onnx import require_onnx

DEFAULT_WAIT = 600.0
"""Seconds to wait for another setup of the same environment."""

_RANKS = (*QUALITY[:2], VerdictKind.NOT_APPLICABLE, *QUALITY[2:])
"""From good to bad, for what is current: without a Jiterator is worse than on the GPU with one, and works."""


@dataclass(frozen=True, kw_only=True)
class SetupResult:
    """What setup did.

    `prediction` is a verdict's kind, for the compute capability `predicted_for`; both are None where no GPU question
    arises, or none was asked. `verdict` is that of the GPU here, with its label; None: not judged.
    """

    environment: str
    plan: Plan
    refusals: tuple[Refusal, ...]
    reused: bool
    weights: str | None
    prediction: str | None
    predicted_for: str | None
    current: bool
    notes: tuple[str, ...]
    verdict: str | None = None
    climb: Climb | None = None
    """How `auto` came to it; None: the strategy was named."""
    withheld: str = ""
    """Why it was not made current."""


def setup(
    request: Request,
    weights: WeightsChoice | None,
    target: ComputeCapability,
    context: Context,
    *,
    wait_seconds: float = DEFAULT_WAIT,
    refresh: bool = False,
    smoke: bool = True,
    judge: Judge = judge_here,
) -> SetupResult:
    """Make (or find) the environment that the request leads to, and make it current.

    `weights` None leaves the weights alone; `refresh` asks the index again for what an earlier setup resolved, and
    judges again what `auto` judged before; without `smoke` torch is not imported, and nothing is predicted or judged.
    `judge` judges the rungs of `auto` where there is a GPU. What is current stays current until the new environment
    is whole, and judged where it was `auto`'s choice. Raises the error of what stood in the way.
    """
    if weights is not None and request.strategy.strip().lower() == ONNX:
        require_onnx(weights)
    elif weights is not None and weights.path is not None:
        locate(Path(weights.path))  # a folder without a checkpoint is told before minutes of work
    if is_auto(request.strategy):
        require_options(request)
        route = Route.find(request, context, refresh=refresh)
        climbed = make_climb(route, weights, target, wait_seconds=wait_seconds, smoke=smoke, judge=judge)
        withheld = _withheld_from(climbed.record, climbed.climb, context)
        return _settled(climbed.record, context, climbed.plan, reused=climbed.reused, climb=climbed.climb, why=withheld)
    if request.build:
        provide_torch(request, find_site(request, context, fetch_python=True), context, wait_seconds=wait_seconds)
    planned = make_plan(request, context, refresh=refresh)
    if not planned.for_this_machine:
        raise UsageError(
            f"an environment for {planned.plan.architecture} cannot be made on this machine",
            reference="plan-only",
            hint="add --dry-run to see its plan",
        )
    with environment_lock(planned.plan, context, wait_seconds=wait_seconds) as descriptor:
        record, reused = built(planned.plan, request, context, descriptor)
        record = weighted(weights, record, context)
        if smoke:
            record = smoked(record, target, context)
    why = "" if is_fit(record) else "it is predicted broken there"
    return _settled(record, context, planned.plan, reused=reused, climb=None, why=why)


def is_fit(record: EnvironmentRecord) -> bool:
    """Tell whether an environment may become current: not where it is predicted broken on a GPU that it would use."""
    return record.prediction != VerdictKind.BROKEN or record.plan.strategy in WITHOUT_JITERATOR


def worse_than(record: EnvironmentRecord, current: EnvironmentRecord) -> bool:
    """Tell whether an environment's verdict is worse than the recorded one of what is current; unjudged says nothing.

    An environment without a Jiterator needs no verdict to be known for what it is. One that runs on the CPU alone is
    no better than whatever `auto` chose for a GPU.
    """
    if current.plan.strategy == CPU or current.plan.cuda is None:
        return False
    if current.state is not EnvironmentState.READY or (known := _kind(current)) is None:
        return False
    return _RANKS.index(_kind(record) or VerdictKind.UNDECIDED) > _RANKS.index(known)


def _kind(record: EnvironmentRecord) -> VerdictKind | None:
    if record.verdict is None and record.plan.strategy in WITHOUT_JITERATOR:
        return VerdictKind.NOT_APPLICABLE
    return kind_of(record.verdict)


def _withheld_from(record: EnvironmentRecord, climb: Climb, context: Context) -> str:
    """Say why `auto` leaves what is current alone; empty: it switches."""
    current = context.store.current()
    # Without a GPU here, a verdict on one says nothing of what this machine can run.
    if current is None or current.record is None or current.problem or climb.machine == Machine.NONE:
        return ""
    if current.name == record.name or not worse_than(record, current.record):
        return ""
    judged = f": it was judged {current.record.verdict}" if current.record.verdict else ""
    return f"{current.name} stays current, for it is better{judged}"


def _settled(
    record: EnvironmentRecord, context: Context, plan: Plan, *, reused: bool, climb: Climb | None, why: str
) -> SetupResult:
    """Make it current unless something withholds it (`why`), and say what was done."""
    if not why:
        context.store.use(record.name)
    return SetupResult(
        environment=record.name,
        plan=plan,
        refusals=() if climb is None else refusals_of(climb),
        reused=reused,
        weights=record.weights,
        prediction=record.prediction,
        predicted_for=record.predicted_for,
        current=not why,
        notes=plan.notes,
        verdict=record.verdict,
        climb=climb,
        withheld=why,
    )
