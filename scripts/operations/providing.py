"""From a plan to an environment that can be used: built or found, with its weights, and asked once. Under its lock."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.environments.locking import locked
from scripts.environments.store import Entry
from scripts.errors import BrokenError
from scripts.model.environment import EnvironmentRecord, EnvironmentState
from scripts.model.plan import Plan, Request, WeightsChoice
from scripts.model.target import ComputeCapability
from scripts.operations.building import build, standing
from scripts.operations.context import Context
from scripts.operations.prebuilt_fetching import fetch_planned_wheel
from scripts.operations.weighing import obtain_for
from scripts.progress import say


@contextmanager
def environment_lock(plan: Plan, context: Context, *, wait_seconds: float) -> Iterator[int]:
    """Hold the lock of the plan's environment; the value is its descriptor. Raises BusyError."""
    path = context.home.locks / f"{plan.environment}.lock"
    with locked(path, wait_seconds=wait_seconds, waiting=_waiting) as descriptor:
        yield descriptor


def built(plan: Plan, request: Request, context: Context, lock_descriptor: int) -> tuple[EnvironmentRecord, bool]:
    """Give the plan's environment, and whether it was there already; `request` is what the plan was made of.

    Raises what fetch_planned_wheel and build raise.
    """
    record = standing(plan, context)
    if record is not None:
        return record, True
    for note in plan.notes if plan.image is not None else ():  # before gigabytes come, not after
        say(f"note: {note}")
    fetch_planned_wheel(plan, request, context)
    return build(plan, context, lock_descriptor), False


def entry_of(record: EnvironmentRecord, context: Context) -> Entry:
    """Find the environment that a record is of."""
    return context.store.entry(context.store.path(record.name))


def weighted(choice: WeightsChoice | None, record: EnvironmentRecord, context: Context) -> EnvironmentRecord:
    """Give the environment its weights (None: leave them alone); the record keeps which. Raises what obtain raises."""
    if choice is None:
        return record
    weights = obtain_for(context.place(entry_of(record, context)), choice, context, plan=record.plan)
    if weights.name == record.weights:
        return record
    changed = dataclasses.replace(record, weights=weights.name)
    context.store.write(changed)
    return changed


def smoked(record: EnvironmentRecord, target: ComputeCapability, context: Context) -> EnvironmentRecord:
    """Import torch and predict, unless it was done, or there is no CUDA or no torch; the record keeps what came out.

    Raises BrokenError where torch cannot be imported; the record then says failed.
    """
    if record.plan.cuda is None or not record.plan.torch or record.predicted_for == str(target):
        return record
    # Imported here: reading device code is for the first time only, and a setup that finds all as it was is quick.
    from scripts.operations.smoke import predict_for  # noqa: PLC0415

    try:
        prediction = predict_for(target, context.place(entry_of(record, context)), context)
    except BrokenError as error:
        context.store.write(dataclasses.replace(record, state=EnvironmentState.FAILED, reason=error.message))
        raise
    asked = dataclasses.replace(record, prediction=str(prediction.kind), predicted_for=str(target))
    context.store.write(asked)
    return asked


def _waiting(holder: str) -> None:
    say(f"another setup of this environment is at work ({holder}); waiting for it")
