"""`auto`, as far as building goes: each rung is installed, judged on the GPU, and taken or left with its reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from scripts.environments.store import Entry
from scripts.errors import BrokenError, BusyError, SparkError, UsageError
from scripts.model.climb import Climb, Machine, Rung
from scripts.model.environment import EnvironmentRecord
from scripts.model.evidence import Report
from scripts.model.plan import Blocker, Plan, WeightsChoice
from scripts.model.target import ComputeCapability
from scripts.operations.climbing import GOES_ON, Route, on_record, recorded_for
from scripts.operations.context import Context
from scripts.operations.judging import Judged, Manner, Subject, judge_subject, recorded_verdict, write_reports
from scripts.operations.providing import built, entry_of, environment_lock, smoked, weighted
from scripts.progress import say
from scripts.strategies.climb_text import cost_of, no_strategy, on_cpu_despite_gpu, reasons_of
from scripts.strategies.descent import Failed, Holds, Outcome, after, descend, holds
from scripts.strategies.ladder import CPU

Judge: TypeAlias = Callable[[Entry, ComputeCapability, Context], Judged]
"""Judge an environment on this machine's GPU and write its report. Raises what verify raises."""


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """A climb that was made, and the environment that it ends with."""

    climb: Climb
    plan: Plan
    record: EnvironmentRecord
    reused: bool
    """It was there already."""


def judge_here(entry: Entry, target: ComputeCapability, context: Context) -> Judged:
    """Judge as `invoke verify` does, with the environment's own weights."""
    subject = Subject(name=entry.name, place=context.place(entry), entry=entry)
    manner = Manner(expect=None, timeout=None, report_folder=None, census=False)
    return judge_subject(subject, context, manner, target=target, weights="auto")


def make_climb(
    route: Route,
    weights: WeightsChoice | None,
    target: ComputeCapability,
    *,
    wait_seconds: float,
    smoke: bool = True,
    judge: Judge = judge_here,
) -> Climbed:
    """Come down the ladder: install, judge, and take the best that holds.

    Without `smoke` what is installed is neither imported nor judged: the first rung that installs is taken. What a
    rung failed with is kept in the climb and in its record. Raises DiskError, BusyError, what obtaining the weights
    raises, and the error of a climb that ends nowhere.
    """
    trial = _Trial(route=route, weights=weights, target=target, wait=wait_seconds, smoke=smoke, judge=judge)
    climb = descend(route.foot(), trial.attempt)
    if climb.chosen is None:
        raise no_strategy(climb, route.failures())
    return trial.ended(climb, climb.chosen)


@dataclass(kw_only=True)
class _Trial:
    """One climb under way."""

    route: Route
    weights: WeightsChoice | None
    target: ComputeCapability
    wait: float
    smoke: bool
    judge: Judge
    plans: dict[str, tuple[Plan, bool]] = field(default_factory=dict)
    """What was built, and whether it was there already."""
    judged: dict[str, Judged] = field(default_factory=dict)

    def attempt(self, name: str, climb: Climb) -> Outcome:
        """Try one rung; its environment stays locked until it is judged."""
        planned = self.route.plan(name, climb)
        outcome = self._build(planned, climb) if isinstance(planned, Plan) else planned
        tried = after(climb, name, outcome)
        rung = tried.rung(name)
        if climb.machine != Machine.NONE:
            aloud = on_cpu_despite_gpu(tried)
            say(aloud or f"auto: {name}: {_told(rung)}", style="bold red" if aloud else "")
        return outcome

    def ended(self, climb: Climb, chosen: Rung) -> Climbed:
        """Put the whole climb into the record and the report of what was chosen."""
        plan, reused = self.plans[chosen.strategy]
        context = self.route.context
        with environment_lock(plan, context, wait_seconds=self.wait):
            record = context.store.whole(plan.environment)
            if record is None:
                raise BusyError(
                    f"{plan.environment} was removed by another task while auto chose it",
                    reference="removed-meanwhile",
                    hint="run setup again",
                )
            record = self._kept(record, climb)
        return Climbed(climb=climb, plan=plan, record=record, reused=reused)

    def _build(self, plan: Plan, climb: Climb) -> Outcome:
        context, name = self.route.context, plan.strategy
        with environment_lock(plan, context, wait_seconds=self.wait) as descriptor:
            cost = climb.rung(name).cost
            if climb.machine != Machine.NONE and context.store.whole(plan.environment) is None and cost is not None:
                say(f"auto: {name} is tried: {cost_of(cost)}")
            try:
                record, reused = built(plan, self.route.request, context, descriptor)
            except GOES_ON as error:
                return self._failed(name, plan, error)
            self.plans[name] = plan, reused
            verdict = None if self.route.refresh else recorded_for(record, climb)
            if verdict is not None and not holds(name, verdict):
                return on_record(record)  # before its weights are fetched
            try:
                record = weighted(self.weights, record, context)
                return self._asked(record, climb, verdict)
            except BrokenError as error:
                return self._failed(name, plan, error)
            except UsageError as error:
                if plan.onnxruntime is None:
                    raise
                return self._failed(name, plan, error)  # it takes no weights that torch does

    def _asked(self, record: EnvironmentRecord, climb: Climb, verdict: str | None) -> Outcome:
        """Ask what was installed: a verdict for the GPU, a prediction where none is used."""
        name, context = record.plan.strategy, self.route.context
        if name == CPU:
            if self.smoke:
                smoked(record, self.target, context)
            return Holds(environment=record.name, verdict=None)
        if verdict is not None or not self.smoke:
            return Holds(environment=record.name, verdict=verdict)
        try:
            judged = self.judge(entry_of(record, context), self.target, context)
        except GOES_ON as error:
            failed = self._failed(name, record.plan, error)
            unjudged = dataclasses.replace(record, reason=f"auto could not judge it: {error.message}")
            self._kept(unjudged, after(climb, name, failed))
            return failed
        self.judged[name] = judged
        outcome = judged_outcome(name, record.name, judged.report)
        self._kept(_with_verdict(record, outcome, judged.report), after(climb, name, outcome))
        return outcome

    def _failed(self, name: str, plan: Plan, error: SparkError) -> Failed:
        there = self.route.context.store.path(plan.environment).exists()
        return Failed(reasons=(self.route.told(name, error),), environment=plan.environment if there else None)

    def _kept(self, record: EnvironmentRecord, climb: Climb) -> EnvironmentRecord:
        """Write a climb into an environment's record, and into the report if it was judged on the way."""
        told = dataclasses.replace(record, climb=climb)
        context = self.route.context
        if told != context.store.whole(record.name):
            context.store.write(told)
        judged = self.judged.get(record.plan.strategy)
        if judged is not None:
            write_reports(dataclasses.replace(judged.report, climb=climb), judged.folder)
        return told


def judged_outcome(name: str, environment: str, report: Report) -> Holds | Failed:
    """Say what a verdict means for a rung."""
    verdict = recorded_verdict(report)
    if holds(name, verdict):
        return Holds(environment=environment, verdict=verdict)
    hint = f"`invoke verify --env {environment}` shows the evidence"
    reasons = tuple(Blocker(reason=one.text, hint=hint) for one in report.verdict.reasons)
    return Failed(reasons=reasons, environment=environment, verdict=verdict)


def _with_verdict(record: EnvironmentRecord, outcome: Holds | Failed, report: Report) -> EnvironmentRecord:
    """Put a verdict into the record, and into words why the rung was left."""
    prediction = report.verdict.prediction
    why = "; ".join(blocker.reason for blocker in outcome.reasons) if isinstance(outcome, Failed) else ""
    return dataclasses.replace(
        record,
        verdict=outcome.verdict,
        prediction=str(prediction.kind),
        predicted_for=str(prediction.target),
        reason=f"auto judged it {outcome.verdict}: {why}" if why else "",
    )


def _told(rung: Rung) -> str:
    why = reasons_of(rung)
    verdict = f", judged {rung.verdict}" if rung.verdict else ""
    return f"{rung.state}{verdict}" + (f": {why}" if why else "")
