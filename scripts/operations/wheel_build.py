"""wheel.build: from a recipe to a wheel in the wheelhouse, gone on with after a kill, checked before it is published.

A build's folder, builds/<recipe>-<stamp>/, holds what was done so far: the source, the log, the wheel as built.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scripts.builds.finishing import finish_wheel
from scripts.builds.jobs import minutes_words
from scripts.builds.patching import apply_patches
from scripts.builds.preflight import require_ready
from scripts.builds.provenance import provenance
from scripts.builds.running import BuildOrder, BuildRun, run_build
from scripts.builds.sources import mark_whole, obtain
from scripts.builds.toolchain import complete_toolchain
from scripts.builds.variables import build_variables
from scripts.disk import disk_errors, write_whole
from scripts.environments.locking import locked
from scripts.errors import BuildError
from scripts.model.builds import BuildPlan, BuildRequest, BuildResult, Published, TagChoice
from scripts.operations.build_environment import BuildEnvironment, build_environment
from scripts.operations.build_planning import Outlook, plan_build
from scripts.operations.context import Context
from scripts.operations.source_fetching import fetch_source
from scripts.operations.wheel_judging import require_as_asked
from scripts.operations.wheel_trial import try_wheel
from scripts.partfile import sha256_of
from scripts.progress import say
from scripts.serial import to_json

DEFAULT_WAIT = 600.0
"""Seconds to wait for another build of the same wheel."""


def build_wheel(request: BuildRequest, context: Context, *, wait_seconds: float = DEFAULT_WAIT) -> BuildResult:
    """Build a wheel and publish it, or find it published.

    Raises UsageError and NoCandidateError for what is asked for, what preflight and the source raise, BuildError for
    what went wrong in the build or is wrong with the wheel, BusyError, DiskError. Nothing is published then; the next
    run goes on where this one ended.
    """
    started = time.monotonic()
    outlook = plan_build(request, context)
    if outlook.found is not None:
        return _result(outlook, outlook.found, seconds=time.monotonic() - started, found=True)
    require_ready(outlook.preflight)
    outlook.wheelhouse.require_writable()
    plan = outlook.plan
    for note in (*plan.notes, *outlook.preflight.notes):
        say(f"note: {note}")
    expected = minutes_words(plan.forecast.minutes)
    say(f"{plan.name}: {plan.jobs.count} at once ({plan.jobs.reason}); expected: {expected}")
    lock = context.home.locks / f"build-{plan.name}.lock"
    with locked(lock, wait_seconds=wait_seconds, waiting=_waiting) as descriptor:
        published = outlook.wheelhouse.find(plan.stamp) if not request.rebuild else None
        if published is not None:  # whoever we waited for has built it
            return _result(outlook, published, seconds=time.monotonic() - started, found=True)
        work = _Work.of(plan, context)
        if request.rebuild:
            work.forget()
        return _built(outlook, work, context, started, lock=descriptor)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """The places of one build."""

    folder: Path

    @classmethod
    def of(cls, plan: BuildPlan, context: Context) -> _Work:
        work = cls(folder=context.home.builds / plan.name)
        write_whole(work.folder / "plan.json", to_json(plan))
        return work

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def raw(self) -> Path:
        """The wheel as it was built."""
        return self.folder / "dist"

    @property
    def finished(self) -> Path:
        return self.folder / "out"

    def forget(self) -> None:
        """Leave nothing of an earlier run but its log."""
        with disk_errors(self.folder):
            for place in (self.source, self.raw, self.finished, self.folder / "attempts.jsonl"):
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)

    def cleared(self) -> None:
        """Give the space back once the wheel is published; the log stays."""
        for place in (self.source, self.raw, self.finished, self.folder / "cuda"):
            shutil.rmtree(place, ignore_errors=True)


def _built(outlook: Outlook, work: _Work, context: Context, started: float, *, lock: int) -> BuildResult:
    began = datetime.now(UTC)
    environment = build_environment(outlook, context)
    toolchain = complete_toolchain(
        outlook.plan.toolchain,
        environment.folder,
        archs=outlook.plan.archs,
        run=outlook.place.run,
        environ=outlook.place.environ,
    )
    plan = replace(outlook.plan, toolchain=toolchain)
    _sourced(plan, work, context)
    run, raw = _compiled(outlook, plan, work, environment, context, lock=lock)
    wheel, tag = finish_wheel(
        raw,
        work.finished,
        plan=plan,
        tools=environment.bin,
        run=outlook.place.run,
        environ=outlook.place.environ,
    )
    require_as_asked(wheel, plan, context)
    tried = try_wheel(wheel, outlook, work.folder / "trial", context)
    published = _published(wheel, tag, run, plan=plan, outlook=outlook, began=began, context=context)
    work.cleared()
    return _result(
        outlook, published, seconds=time.monotonic() - started, found=False, run=run, log=work.log, notes=tried
    )


def _sourced(plan: BuildPlan, work: _Work, context: Context) -> None:
    """Lay the source into the build's folder, patched; one that is there whole stays as it is."""
    there = obtain(
        plan.recipe.source,
        work.source,
        identity=plan.inputs.source,
        run=context.run,
        environ=context.environ,
        fetch=lambda spec, cache: fetch_source(spec, cache, context),
        cache=context.home.cache / "sources",
    )
    if not there:
        apply_patches(plan.recipe, work.source, run=context.run, environ=context.environ)
        mark_whole(work.source, plan.inputs.source)


def _published(
    wheel: Path,
    tag: TagChoice,
    run: BuildRun,
    *,
    plan: BuildPlan,
    outlook: Outlook,
    began: datetime,
    context: Context,
) -> Published:
    told = provenance(
        plan,
        wheel=wheel,
        sha256=sha256_of(wheel),
        run=run,
        tag=tag,
        began=began,
        ended=datetime.now(UTC),
        host=context.facts.host,
    )
    wheelhouse = outlook.wheelhouse
    with locked(wheelhouse.lock, wait_seconds=DEFAULT_WAIT, waiting=lambda who: say(f"{who} is publishing; waiting")):
        return wheelhouse.publish(wheel, plan=plan, provenance=told, tag=tag)


def _compiled(
    outlook: Outlook,
    plan: BuildPlan,
    work: _Work,
    environment: BuildEnvironment,
    context: Context,
    *,
    lock: int,
) -> tuple[BuildRun, Path]:
    """Run the build, unless an earlier run ended between it and the publication."""
    done = _only_wheel(work.raw)
    if done is not None:
        say(f"{done.name} was built by an earlier run: going on from there")
        return BuildRun(attempts=(), cache=None, slowest=()), done
    making = work.folder / "making"
    with disk_errors(making):
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
    variables = build_variables(
        plan.recipe,
        archs=plan.archs,
        toolchain=plan.toolchain,
        jobs=plan.jobs.count,
        torch=plan.torch,
        environ=context.environ,
        home=context.home,
        folder=environment.folder,
        requires=[f"{pin.name}=={pin.version}" for lock in outlook.ingredients.beside[:-1] for pin in lock.pins],
    )
    order = BuildOrder(
        argv=(
            str(environment.python),
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(making),
            str(work.source),
        ),
        variables=variables,
        cwd=work.source,
        log=work.log,
        archs=plan.archs,
        jobs=plan.jobs.count,
        watch=work.source,
        ninja=str(environment.bin / "ninja"),
        cuda=plan.recipe.cuda,
        lock=lock,
    )
    run = run_build(order, stream=outlook.place.stream, run=outlook.place.run)
    wheel = _only_wheel(making)
    if wheel is None:
        raise BuildError(
            f"{plan.recipe.name} was built without an error, and there is no wheel",
            context=f"log: {work.log}",
            reference="no-wheel",
            hint="its build back end wrote the wheel elsewhere, or wrote none",
        )
    with disk_errors(work.raw):
        shutil.rmtree(work.raw, ignore_errors=True)
        making.rename(work.raw)
    return run, work.raw / wheel.name


def _only_wheel(folder: Path) -> Path | None:
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    return wheels[0] if len(wheels) == 1 else None


def _result(
    outlook: Outlook,
    published: Published,
    *,
    seconds: float,
    found: bool,
    run: BuildRun | None = None,
    log: Path | None = None,
    notes: tuple[str, ...] = (),
) -> BuildResult:
    return BuildResult(
        published=published,
        path=str(outlook.wheelhouse.root / published.wheel),
        found=found,
        seconds=seconds,
        attempts=() if run is None else run.attempts,
        cache=None if run is None else run.cache,
        slowest=() if run is None else run.slowest,
        log="" if log is None else str(log),
        notes=(*outlook.plan.notes, *outlook.preflight.notes, *notes, *(() if run is None else run.notes)),
    )


def _waiting(holder: str) -> None:
    say(f"another build of this wheel is at work ({holder}); waiting for it")
