"""From a request to a plan: facts, the ladder, a planner. Fetches pages; changes nothing but the cache."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.errors import NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.plan import Blocker, Plan, Refusal, Request
from scripts.operations.context import Context
from scripts.operations.planners import plan_for
from scripts.operations.site import find_site
from scripts.strategies.base import Strategy
from scripts.strategies.ladder import AUTO, climb, nothing_fits, strategy_named


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, and what `auto` passed over on the way to it."""

    plan: Plan
    refusals: tuple[Refusal, ...] = ()
    for_this_machine: bool = True


def make_plan(request: Request, context: Context, *, refresh: bool = False, fetch_python: bool = True) -> Planned:
    """Decide on an environment. Raises the error of what stands in the way."""
    site = find_site(request, context, fetch_python=fetch_python)
    target = site.target
    local = target.architecture == context.facts.host.architecture
    if request.strategy != AUTO:
        strategy = strategy_named(request.strategy, context.strategies)
        blockers = strategy.blockers(context.facts, target)
        if blockers:
            raise _blocked(strategy, blockers)
        plan = plan_for(strategy, request, site, context, refresh=refresh)
        return Planned(plan=plan, for_this_machine=local)
    if not local:
        raise UsageError(
            "auto decides by this machine's facts, and --platform names another machine",
            reference="auto-elsewhere",
            hint="name a strategy as well, e.g. --strategy cu130 --platform aarch64",
        )
    usable, refusals = climb(context.facts, target, context.strategies)
    failures: list[SparkError] = []
    for strategy in usable:
        try:
            plan = plan_for(strategy, request, site, context, refresh=refresh)
        except (NetworkError, NoCandidateError) as error:
            failures.append(error)
            reason = error.message.removeprefix(f"strategy {strategy.name}: ")
            refusals += (Refusal(strategy=strategy.name, blockers=(Blocker(reason=reason, hint=error.hint),)),)
        else:
            return Planned(plan=plan, refusals=refusals)
    raise nothing_fits(refusals, failures)


def _blocked(strategy: Strategy, blockers: tuple[Blocker, ...]) -> SparkError:
    return NoCandidateError(
        f"strategy {strategy.name} cannot be used here",
        context="\n".join(blocker.reason for blocker in blockers),
        reference="strategy-blocked",
        hint=next((blocker.hint for blocker in blockers if blocker.hint), "`invoke setup` chooses by itself"),
    )
