"""From a plan to an environment: what is there already, and who builds what is not."""

from __future__ import annotations

from scripts.environments.executor import Executor
from scripts.environments.image import ImageBuilder, image_stands, is_image
from scripts.environments.image_context import pip_settings
from scripts.errors import NetworkError
from scripts.model.environment import EnvironmentRecord
from scripts.model.plan import BuildImage, InstallLock, Plan
from scripts.operations.context import Context
from scripts.operations.torch_plan import unreachable
from scripts.wheels.made import write_made_wheel


def standing(plan: Plan, context: Context) -> EnvironmentRecord | None:
    """Give the plan's environment where it is there and whole; None: it is to be built.

    Raises EngineError where it is an image and its engine does not answer.
    """
    record = context.store.whole(plan.environment)
    if record is None or record.container is None:
        return record
    return record if image_stands(record.container, context.run, context.environ) else None


def build(plan: Plan, context: Context, lock_descriptor: int) -> EnvironmentRecord:
    """Build the plan's environment from nothing; what an earlier, killed run left there goes first.

    `lock_descriptor` is of the environment's lock, held by the caller and handed down to what is started.

    Raises the error of the step that failed; the record then says failed.
    """
    _reach_indexes(plan, context)
    context.store.sweep()
    return builder_for(plan, context, lock_descriptor).realise(plan)


def builder_for(plan: Plan, context: Context, lock_descriptor: int) -> Executor | ImageBuilder:
    """Give what carries this plan out, by the kind of its steps."""
    if is_image(plan):
        return ImageBuilder(
            store=context.store,
            run=context.run,
            environ=context.environ,
            pip=pip_settings(context.uv_environ),
            uv_version=context.facts.uv_version or "unknown",
            make_wheel=write_made_wheel,
            lock_descriptor=lock_descriptor,
        )
    return Executor(
        store=context.store,
        run=context.run,
        uv=context.uv,
        environ=context.uv_environ,
        uv_version=context.facts.uv_version or "unknown",
        make_wheel=write_made_wheel,
        lock_descriptor=lock_descriptor,
    )


def _reach_indexes(plan: Plan, context: Context) -> None:
    """Say at once that an index is out of reach: uv tries again and again, for a quarter of a minute."""
    locks = (step.lock for step in plan.steps if isinstance(step, InstallLock | BuildImage))
    for index in dict.fromkeys(lock.index for lock in locks):
        try:
            context.reach(index)
        except NetworkError as error:
            raise unreachable(error, plan.strategy, index) from error
