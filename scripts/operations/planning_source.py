"""The plan of `source`: a torch of the wheelhouse, built for exactly this GPU; without one, what it would take."""

from __future__ import annotations

from dataclasses import replace

from scripts.builds.jobs import forecast_lines
from scripts.errors import NoCandidateError, UsageError
from scripts.model.builds import BuildRequest
from scripts.model.plan import Plan, Request
from scripts.operations.build_planning import Outlook, exactly, plan_build
from scripts.operations.context import Context
from scripts.operations.planning_prebuilt import plan_prebuilt
from scripts.operations.site import Site
from scripts.operations.wheel_build import build_wheel
from scripts.progress import say
from scripts.strategies.source import RECIPE, SOURCE


def plan_source(request: Request, site: Site, context: Context) -> Plan:
    """Plan around the torch that was built for what is asked.

    Raises NoCandidateError (not-built) with the forecast of its build where it is not in the wheelhouse, and what
    plan_build and plan_prebuilt raise.
    """
    outlook = plan_build(build_request(request, site), context)
    if outlook.found is None:
        raise _not_built(outlook)
    wheel = outlook.wheelhouse.root / outlook.found.wheel
    around = replace(request, wheel=str(wheel), sha256=outlook.found.sha256, torch=None)
    return plan_prebuilt(around, site, context, strategy=SOURCE)


def provide_torch(request: Request, site: Site, context: Context, *, wait_seconds: float) -> None:
    """Build the torch that plan_source plans around, unless the wheelhouse has it. Raises what build_wheel raises."""
    wanted = build_request(request, site)
    outlook = plan_build(wanted, context)
    if outlook.found is not None:
        return
    for line in forecast_lines(outlook.plan.forecast):
        say(line)
    build_wheel(wanted, context, wait_seconds=wait_seconds)


def build_request(request: Request, site: Site) -> BuildRequest:
    """Say what is to be built for a setup. Raises UsageError (option-not-for-strategy)."""
    for value, option in ((request.source, "--source"), (request.torch, "--torch")):
        if value is not None:
            raise UsageError(
                f"{option} is not for strategy {SOURCE}",
                reference="option-not-for-strategy",
                hint="the recipe says which torch is built: --recipe NAME or PATH (`invoke wheel.recipes` lists them)",
            )
    return BuildRequest(
        recipe=request.recipe or RECIPE,
        sm=None if request.sm is None else exactly(request.sm),
        python=site.target.python,
        architecture=site.target.architecture,
        index=request.index,
    )


def _not_built(outlook: Outlook) -> NoCandidateError:
    plan = outlook.plan
    blockers = [f"in the way: {one.reason}" for one in outlook.preflight.blockers]
    return NoCandidateError(
        f"{plan.recipe.name} was not built for {', '.join(map(str, plan.archs))} yet",
        context="\n".join([*forecast_lines(plan.forecast), f"tried so far: {plan.recipe.tried}", *blockers]),
        reference="not-built",
        hint=f"`invoke setup --strategy {SOURCE} --yes` builds it first",
    )
