"""The record's course, whatever an environment is made of: building, step after step, then ready or failed."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from scripts.disk import disk_errors
from scripts.environments.store import TOOL, Store, empty
from scripts.errors import DiskError, SparkError
from scripts.model.environment import RECORD_SCHEMA, EnvironmentRecord, EnvironmentState
from scripts.model.plan import Plan, Step
from scripts.progress import say

Perform = Callable[[Step, Path], None]
"""(step, the environment's folder): carry it out. Raises the error of what went wrong."""
Finish = Callable[[EnvironmentRecord, Path], EnvironmentRecord]
"""(record, folder): add to the record what can be told once all steps are done."""


def realise(
    plan: Plan, *, store: Store, uv_version: str, describe: Callable[[Step], str], perform: Perform, finish: Finish
) -> EnvironmentRecord:
    """Build the environment from nothing; what an earlier, killed run left in its folder goes first.

    Raises the error of the step that failed; the record then says failed, and the content is gone.
    """
    folder = store.path(plan.environment)
    clear(folder)
    record = EnvironmentRecord(
        schema=RECORD_SCHEMA,
        tool=TOOL,
        name=plan.environment,
        state=EnvironmentState.BUILDING,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        uv_version=uv_version,
        plan=plan,
    )
    try:
        store.write(record)
        for index, step in enumerate(plan.steps):
            say(f"[{index + 1}/{len(plan.steps)}] {describe(step)}")  # a program draws its own bars below it
            perform(step, folder)
            record = dataclasses.replace(record, completed_steps=index + 1)
            store.write(record)
        ready = dataclasses.replace(finish(record, folder), state=EnvironmentState.READY)
        store.write(ready)
    except SparkError as error:
        _give_up(record, folder, store, error)
        raise
    return ready


def _give_up(record: EnvironmentRecord, folder: Path, store: Store, error: SparkError) -> None:
    """Keep the reason, give the space back."""
    clear(folder)
    try:
        store.write(dataclasses.replace(record, state=EnvironmentState.FAILED, reason=error.message))
    except DiskError:  # the disk is full: an empty folder without a record tells no lie
        shutil.rmtree(folder, ignore_errors=True)


def clear(folder: Path) -> None:
    """Empty an environment's folder, if it is there. Raises DiskError, also for a folder that is not ours."""
    if folder.exists():
        with disk_errors(folder):
            empty(folder)
