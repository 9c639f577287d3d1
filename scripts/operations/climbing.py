"""`auto`, as far as planning goes: the ladder's foot, the plan of a rung, and the whole climb foreseen.

What is built and judged on the way stands in trying.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.errors import (
    BrokenError,
    BuildError,
    EngineError,
    IntegrityError,
    NetworkError,
    NoCandidateError,
    SparkError,
    UsageError,
)
from scripts.model.climb import Climb, RungState
from scripts.model.environment import EnvironmentRecord
from scripts.model.evidence import VerdictKind
from scripts.model.plan import Blocker, Plan, Request
from scripts.operations.building import standing
from scripts.operations.context import Context
from scripts.operations.planners import plan_for
from scripts.operations.site import Site, find_site
from scripts.operations.wheelhouses import has_torch
from scripts.strategies.climb_text import no_strategy
from scripts.strategies.descent import (
    WITHOUT_JITERATOR,
    Failed,
    Foreseen,
    Outcome,
    PutOff,
    Refused,
    descend,
    holds,
    kind_of,
)
from scripts.strategies.ladder import CPU, capability_of, foot, load_ladder
from scripts.verification.planned import foresee_plan
from scripts.wheels.measured import MeasuredTable, load_measured
from scripts.wheels.nvrtc import NvrtcTable, load_nvrtc

GOES_ON = (NetworkError, NoCandidateError, EngineError, IntegrityError, BuildError, BrokenError)
"""What ends one rung and not the climb. A full disk, a lock that is held and a signal end it all."""

_NOT_FOR_THIS_ONE = frozenset({"no-nightly", "option-not-for-strategy", "python-mismatch", "unknown-source"})
"""Options that another rung may take: what a person mistyped is told at once instead."""


@dataclass(kw_only=True)
class Route:
    """One climb's request and place, the tables it goes by, and the errors that its rungs ended with."""

    request: Request
    context: Context
    site: Site
    measured: MeasuredTable
    nvrtc: NvrtcTable
    refresh: bool = False
    errors: dict[str, SparkError] = field(default_factory=dict)

    @classmethod
    def find(cls, request: Request, context: Context, *, refresh: bool = False, fetch_python: bool = True) -> Route:
        """Find out where the environment will be. Raises what find_site raises; UsageError for another machine."""
        site = find_site(request, context, fetch_python=fetch_python)
        if site.target.architecture != context.facts.host.architecture:
            raise UsageError(
                "auto decides by this machine's facts, and --platform names another machine",
                reference="auto-elsewhere",
                hint="name a strategy as well, e.g. --strategy cu130 --platform aarch64",
            )
        return cls(
            request=request,
            context=context,
            site=site,
            measured=load_measured(context.constraints / "devicecode.toml"),
            nvrtc=load_nvrtc(context.constraints / "nvrtc.toml"),
            refresh=refresh,
        )

    def foot(self) -> Climb:
        """Start: every rung, as facts and the user leave it."""
        context = self.context
        ladder = load_ladder(context.constraints / "ladder.toml")
        return foot(
            ladder,
            context.facts,
            self.site.target,
            self.request,
            known=context.strategies,
            nvrtc=self.nvrtc,
            built=has_torch(context),
        )

    def plan(self, name: str, climb: Climb) -> Plan | Refused | PutOff:
        """Plan a rung, and refuse or put off what its packages' data say will not do. Downloads no package."""
        strategy = self.context.strategies[name]
        try:
            plan = plan_for(strategy, self.request, self.site, self.context, refresh=self.refresh)
        except GOES_ON as error:
            return Refused(reasons=(self.told(name, error),))
        except UsageError as error:
            if error.reference not in _NOT_FOR_THIS_ONE:
                raise
            return Refused(reasons=(self.told(name, error),))
        return self._weighed(name, plan, climb)

    def told(self, name: str, error: SparkError) -> Blocker:
        """Keep an error, and make the reason of it."""
        self.errors[name] = error
        return Blocker(reason=error.message.removeprefix(f"strategy {name}: "), hint=error.hint)

    def failures(self) -> list[SparkError]:
        """The errors of the rungs that were looked at, in their order; where one alone was, it is what to mend."""
        return list(self.errors.values())

    def _weighed(self, name: str, plan: Plan, climb: Climb) -> Plan | Refused | PutOff:
        if name == CPU:
            return plan
        if name not in WITHOUT_JITERATOR:
            return self._foretold(name, plan, climb)
        on_cpu = Blocker(reason="its build for the CPU would be taken, and this rung is for the GPU")
        return plan if plan.cuda is not None else Refused(reasons=(on_cpu,))

    def _foretold(self, name: str, plan: Plan, climb: Climb) -> Plan | Refused | PutOff:
        """Go by what the tables say of the plan's torch on this GPU; what they do not know is no refusal."""
        capability = capability_of(self.context.facts)
        known = None if capability is None else foresee_plan(plan, self.measured, self.nvrtc, capability)
        if known is None:
            return plan
        reasons = tuple(Blocker(reason=f"predicted {known.kind}: {one.text}") for one in known.reasons)
        match known.kind:
            case VerdictKind.BROKEN:
                return Refused(reasons=reasons)
            case VerdictKind.NOT_APPLICABLE:
                return Refused(reasons=tuple(Blocker(reason=one.text) for one in known.reasons))
            case VerdictKind.NEEDED if climb.rung(name).state is not RungState.PUT_OFF:
                return PutOff(reasons=reasons[-1:])
            case _:
                return plan


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A climb that was only looked at, and the plan of the first rung that would be tried."""

    climb: Climb
    plan: Plan


def foresee_climb(request: Request, context: Context, *, refresh: bool = False, fetch_python: bool = True) -> Outlook:
    """Look at the whole climb: what is refused and why, what would be tried first, what only if that fails.

    Asks indexes for their pages as far as the first rung that would be tried, and downloads no package. Raises the
    error of a climb that ends nowhere, with the climb in its context.
    """
    route = Route.find(request, context, refresh=refresh, fetch_python=fetch_python)
    plans: dict[str, Plan] = {}

    def look(name: str, climb: Climb) -> Outcome:
        planned = route.plan(name, climb)
        if not isinstance(planned, Plan):
            return planned
        plans[name] = planned
        record = standing(planned, context)
        verdict = None if refresh or record is None else recorded_for(record, climb)
        if record is not None and verdict is not None and not holds(name, verdict):
            return on_record(record)
        return Foreseen(plan=planned, verdict=verdict)

    climb = descend(route.foot(), look)
    following = next((rung for rung in climb.rungs if rung.state is RungState.NEXT), None)
    if following is None:
        raise no_strategy(climb, route.failures())
    return Outlook(climb=climb, plan=plans[following.strategy])


def recorded_for(record: EnvironmentRecord, climb: Climb) -> str | None:
    """Give the verdict that an earlier climb left in the record, if it was for this driver and these GPUs.

    None: there is none that still holds; an undecided one is asked for again.
    """
    if record.verdict is None or record.climb is None:
        return None
    if (record.climb.driver, record.climb.devices) != (climb.driver, climb.devices):
        return None
    return None if kind_of(record.verdict) is VerdictKind.UNDECIDED else record.verdict


def on_record(record: EnvironmentRecord) -> Failed:
    """A rung that an earlier climb judged and found wanting."""
    reason = record.reason or f"it was judged {record.verdict}"
    hint = f"`invoke verify --env {record.name}` judges it again, setup --refresh lets auto do so"
    return Failed(
        reasons=(Blocker(reason=f"{reason} (on record, under the same driver)", hint=hint),),
        environment=record.name,
        verdict=record.verdict,
    )
