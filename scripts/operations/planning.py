"""From a request to a plan: facts, the ladder, a planner. Fetches pages; changes nothing but the cache."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.errors import NoCandidateError, SparkError, UsageError
from scripts.model.climb import Climb
from scripts.model.plan import Blocker, Plan, Refusal, Request
from scripts.operations.climbing import foresee_climb
from scripts.operations.context import Context
from scripts.operations.planners import plan_for
from scripts.operations.prebuilt_sources import require_there
from scripts.operations.site import find_site
from scripts.strategies.base import Strategy
from scripts.strategies.descent import refusals_of
from scripts.strategies.ladder import AUTO, is_auto, strategy_named
from scripts.strategies.prebuilt import PREBUILT
from scripts.strategies.source import SOURCE

_TAKEN_BY = {
    "wheel": ("--wheel", PREBUILT),
    "sha256": ("--sha256", PREBUILT),
    "image": ("--image", "ngc"),
    "recipe": ("--recipe", SOURCE),
    "build": ("--yes", SOURCE),
    "never": ("--never", AUTO),
    "allow_cpu": ("--allow-cpu", AUTO),
}
"""What of a request is for one strategy alone; `auto` passes it on to that one."""

_NOT_BY_AUTO = frozenset({"build"})
"""What is never done without being asked for by name: a build takes hours."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, and how `auto` comes to it. `climb` None: the strategy was named."""

    plan: Plan
    refusals: tuple[Refusal, ...] = ()
    climb: Climb | None = None
    for_this_machine: bool = True


def make_plan(request: Request, context: Context, *, refresh: bool = False, fetch_python: bool = True) -> Planned:
    """Decide on an environment, for `auto` the first that would be tried. Raises what stands in the way."""
    require_options(request)
    if is_auto(request.strategy):
        outlook = foresee_climb(request, context, refresh=refresh, fetch_python=fetch_python)
        return Planned(plan=outlook.plan, refusals=refusals_of(outlook.climb), climb=outlook.climb)
    strategy = strategy_named(request.strategy, context.strategies)
    site = find_site(request, context, fetch_python=fetch_python)
    blockers = strategy.blockers(context.facts, site.target)
    if blockers:
        raise _blocked(strategy, blockers)
    plan = plan_for(strategy, request, site, context, refresh=refresh)
    return Planned(plan=plan, for_this_machine=site.target.architecture == context.facts.host.architecture)


def require_options(request: Request) -> None:
    """Refuse what is for another strategy than the one that is named, and for `auto` a wheel that is not there.

    Raises UsageError (option-not-for-strategy, option-without-wheel, no-such-file).
    """
    named = request.strategy.strip().lower()
    for name, (option, strategy) in _TAKEN_BY.items():
        if getattr(request, name) and named not in {strategy, *(() if name in _NOT_BY_AUTO else (AUTO,))}:
            raise UsageError(
                f"{option} is not for strategy {named}",
                reference="option-not-for-strategy",
                hint=f"leave it out, or name --strategy {strategy}",
            )
    if request.sha256 and not request.wheel and named == AUTO:
        raise UsageError(
            "--sha256 is the hash of a wheel, and none is named",
            reference="option-without-wheel",
            hint="name the wheel with --wheel",
        )
    if request.wheel and named == AUTO:
        require_there(request.wheel)  # at once: a rung above may hold, and nobody would see what was mistyped


def _blocked(strategy: Strategy, blockers: tuple[Blocker, ...]) -> SparkError:
    return NoCandidateError(
        f"strategy {strategy.name} cannot be used here",
        context="\n".join(blocker.reason for blocker in blockers),
        reference="strategy-blocked",
        hint=next((blocker.hint for blocker in blockers if blocker.hint), "`invoke setup` chooses by itself"),
    )
