"""setup: facts, plan, environment, weights, a first smoke; then it becomes current."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from scripts.environments.executor import Executor
from scripts.environments.locking import locked
from scripts.environments.store import Entry
from scripts.errors import BrokenError, NetworkError, UsageError
from scripts.model.environment import EnvironmentRecord, EnvironmentState
from scripts.model.evidence import VerdictKind
from scripts.model.plan import InstallLock, Plan, Refusal, Request, WeightsChoice
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.planning import make_plan
from scripts.operations.torch_plan import unreachable
from scripts.operations.weighing import obtain_for
from scripts.progress import say
from scripts.verification.judge import WITHOUT_JITERATOR
from scripts.weights.local import locate
from scripts.wheels.made import write_made_wheel

DEFAULT_WAIT = 600.0
"""Seconds to wait for another setup of the same environment."""


@dataclass(frozen=True, kw_only=True)
class SetupResult:
    """What setup did.

    `prediction` is a verdict's kind, for the compute capability `predicted_for`; both are None where no GPU question
    arises, or none was asked.
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


def setup(
    request: Request,
    weights: WeightsChoice | None,
    target: ComputeCapability,
    context: Context,
    *,
    wait_seconds: float = DEFAULT_WAIT,
    refresh: bool = False,
    smoke: bool = True,
) -> SetupResult:
    """Make (or find) the environment that the request leads to, and make it current.

    `weights` None leaves the weights alone; `refresh` asks the index again for what an earlier setup resolved; without
    `smoke` torch is not imported and nothing is predicted. What is current stays current until the new environment is
    whole. Raises the error of what stood in the way.
    """
    if weights is not None and weights.path is not None:
        locate(Path(weights.path))  # a folder without a checkpoint is told before minutes of work
    planned = make_plan(request, context, refresh=refresh)
    if not planned.for_this_machine:
        raise UsageError(
            f"an environment for {planned.plan.architecture} cannot be made on this machine",
            reference="plan-only",
            hint="add --dry-run to see its plan",
        )
    lock = context.home.locks / f"{planned.plan.environment}.lock"
    with locked(lock, wait_seconds=wait_seconds, waiting=_waiting) as descriptor:
        record, reused = _build(planned.plan, context, descriptor)
        entry = context.store.entry(context.store.path(record.name))
        if weights is not None:
            record = _weighted(weights, record, entry, context)
        if smoke and record.plan.cuda is not None and record.predicted_for != str(target):
            record = _smoked(record, entry, target, context)
    fit = is_fit(record)
    if fit:
        context.store.use(entry.name)
    return SetupResult(
        environment=entry.name,
        plan=planned.plan,
        refusals=planned.refusals,
        reused=reused,
        weights=record.weights,
        prediction=record.prediction,
        predicted_for=record.predicted_for,
        current=fit,
        notes=planned.plan.notes,
    )


def is_fit(record: EnvironmentRecord) -> bool:
    """Tell whether an environment may become current: not where it is predicted broken on a GPU that it would use."""
    return record.prediction != VerdictKind.BROKEN or record.plan.strategy in WITHOUT_JITERATOR


def _build(plan: Plan, context: Context, lock_descriptor: int) -> tuple[EnvironmentRecord, bool]:
    """Give the plan's environment: the one that is there and whole, else a new one."""
    record = context.store.whole(plan.environment)
    if record is not None:
        return record, True
    _reach_indexes(plan, context)
    context.store.sweep()
    executor = Executor(
        store=context.store,
        run=context.run,
        uv=context.uv,
        environ=context.uv_environ,
        uv_version=context.facts.uv_version or "unknown",
        make_wheel=write_made_wheel,
        lock_descriptor=lock_descriptor,
    )
    return executor.realise(plan), False


def _reach_indexes(plan: Plan, context: Context) -> None:
    """Say at once that an index is out of reach: uv tries again and again, for a quarter of a minute."""
    for index in dict.fromkeys(step.lock.index for step in plan.steps if isinstance(step, InstallLock)):
        try:
            context.reach(index)
        except NetworkError as error:
            raise unreachable(error, plan.strategy, index) from error


def _weighted(choice: WeightsChoice, record: EnvironmentRecord, entry: Entry, context: Context) -> EnvironmentRecord:
    """Give the environment its weights; the record keeps which."""
    weights = obtain_for(context.place(entry), choice, context)
    if weights.name == record.weights:
        return record
    weighted = dataclasses.replace(record, weights=weights.name)
    context.store.write(weighted)
    return weighted


def _smoked(record: EnvironmentRecord, entry: Entry, target: ComputeCapability, context: Context) -> EnvironmentRecord:
    """Import torch and predict; the record keeps what came out."""
    # Imported here: reading device code is for the first time only, and a setup that finds all as it was is quick.
    from scripts.operations.smoke import predict_for  # noqa: PLC0415

    try:
        prediction = predict_for(target, context.place(entry), context)
    except BrokenError as error:
        context.store.write(dataclasses.replace(record, state=EnvironmentState.FAILED, reason=error.message))
        raise
    smoked = dataclasses.replace(record, prediction=str(prediction.kind), predicted_for=str(target))
    context.store.write(smoked)
    return smoked


def _waiting(holder: str) -> None:
    say(f"another setup of this environment is at work ({holder}); waiting for it")
