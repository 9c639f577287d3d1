"""run_build: the build command, watched; after a kill for memory it is run again with fewer compilers at once.

ninja and setuptools go on where they were, so that what is compiled already stays so: after a kill of the whole machine
as well.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.builds.ccache import VARIABLE as STATSLOG
from scripts.builds.ccache import read_statslog
from scripts.builds.cgroup import oom_kills
from scripts.builds.ninja import read_ninja_log
from scripts.builds.variables import with_jobs
from scripts.builds.watching import Watch
from scripts.disk import disk_errors
from scripts.errors import BuildError, DiskError
from scripts.facts.fact import Reader, read_text
from scripts.model.builds import Attempt, AttemptOutcome, CacheStatistics, UnitTime
from scripts.model.recipes import Arch
from scripts.progress import say
from scripts.serial import to_json
from scripts.shell import Runner, Streamed, Streamer

_SLOWEST = 10
_ATTEMPTS = "attempts.jsonl"


@dataclass(frozen=True, kw_only=True)
class BuildOrder:
    """What is to be run. `watch` is the folder in which build.ninja or compile_commands.json will appear."""

    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)
    cwd: Path
    log: Path
    archs: tuple[Arch, ...]
    jobs: int
    watch: Path
    ninja: str
    cuda: bool
    lock: int | None = None
    """A lock's descriptor, handed down: while compilers of a run that was killed are at work, nobody else has it."""


@dataclass(frozen=True, kw_only=True)
class BuildRun:
    """How it went."""

    attempts: tuple[Attempt, ...]
    cache: CacheStatistics | None
    slowest: tuple[UnitTime, ...]
    notes: tuple[str, ...] = ()


def run_build(order: BuildOrder, *, stream: Streamer, run: Runner, read: Reader = read_text) -> BuildRun:
    """Run the build to its end, with fewer jobs after each kill.

    An earlier run's attempts, which `attempts.jsonl` beside the log has, are gone on from. Raises BuildError
    (compile-failed, wrong-flags, out-of-memory), DiskError (disk-full).
    """
    earlier = _earlier(order.log.parent / _ATTEMPTS)
    order = replace(order, variables={**order.variables, STATSLOG: str(_statslog(order))}, jobs=_begin(order, earlier))
    attempts = list(earlier)
    with disk_errors(order.log):
        order.log.parent.mkdir(parents=True, exist_ok=True)
        if not earlier:
            _statslog(order).unlink(missing_ok=True)
    while True:
        attempt, watch = _attempt(order, stream=stream, run=run, read=read)
        attempts.append(attempt)
        _remember(order, attempt)
        if attempt.outcome is AttemptOutcome.DONE:
            break
        order = _again(order, attempt)
    return BuildRun(
        attempts=tuple(attempts),
        cache=read_statslog(_text(_statslog(order))) if _statslog(order).is_file() else None,
        slowest=_slowest(order),
        notes=watch.notes,
    )


def _begin(order: BuildOrder, earlier: tuple[Attempt, ...]) -> int:
    """Say with how many compilers to begin: no more than an earlier run ended with."""
    if not earlier:
        return order.jobs
    killed = [one.jobs for one in earlier if one.outcome is AttemptOutcome.KILLED]
    jobs = min(order.jobs, fewer(min(killed))) if killed else order.jobs
    say(f"going on with a build that was begun before, {jobs} at once")
    return jobs


def fewer(jobs: int) -> int:
    """Halve the number of compilers; never below one."""
    return max(1, jobs // 2)


def _attempt(order: BuildOrder, *, stream: Streamer, run: Runner, read: Reader) -> tuple[Attempt, Watch]:
    watch = Watch(order.watch, order.archs, ninja=order.ninja, run=run, cuda=order.cuda)
    before = oom_kills(read)
    with watch.shown():
        done = stream(
            order.argv,
            env=with_jobs(order.variables, order.jobs),
            cwd=order.cwd,
            log=order.log,
            on_line=watch.line,
            on_tick=watch.tick,
            pass_fds=() if order.lock is None else (order.lock,),
        )
    watch.tick()
    return _judged(order, done, watch, kernel=_more(before, oom_kills(read))), watch


def _more(before: int | None, after: int | None) -> bool | None:
    """Tell whether the kernel ended something for its memory meanwhile; None: it does not tell."""
    return None if before is None or after is None else after > before


def _judged(order: BuildOrder, done: Streamed, watch: Watch, *, kernel: bool | None) -> Attempt:
    outcome, detail = AttemptOutcome.DONE, ""
    if watch.problems:
        outcome, detail = AttemptOutcome.STOPPED, "; ".join(watch.problems)
    elif done.returncode != 0:
        killed = watch.killed or ("the build itself" if done.returncode == -signal.SIGKILL else None)
        if killed is not None:
            how = {True: "by the kernel, for its memory", False: "by SIGKILL", None: "by SIGKILL"}[kernel]
            outcome, detail = AttemptOutcome.KILLED, f"{killed} was ended {how}"
        else:
            said = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
            outcome, detail = AttemptOutcome.FAILED, watch.error or f"it ended with {said}, and said no error"
    return Attempt(jobs=order.jobs, outcome=outcome, seconds=done.seconds, detail=detail)


def _again(order: BuildOrder, attempt: Attempt) -> BuildOrder:
    """Give what to run after an attempt that was killed. Raises the error of any other."""
    if attempt.outcome is AttemptOutcome.KILLED and order.jobs > 1:
        jobs = fewer(order.jobs)
        say(f"{attempt.detail}: going on with {jobs} at once instead of {order.jobs}; what is compiled stays")
        return replace(order, jobs=jobs)
    where = f"the whole log: {order.log}"
    if attempt.outcome is AttemptOutcome.KILLED:
        raise BuildError(
            f"one compiler at a time is too much for this machine's memory: {attempt.detail}",
            context=where,
            reference="out-of-memory",
            hint="add swap, end what else is running, or raise the memory limit; the next run goes on where this ended",
        )
    if attempt.outcome is AttemptOutcome.STOPPED:
        raise BuildError(
            f"the flags that reach nvcc are not what was asked for: {attempt.detail}",
            context=f"asked for: {', '.join(one.sm for one in order.archs)}\n{where}",
            reference="wrong-flags",
            hint="the package passes flags of its own (its setup.py or CMakeLists.txt); the build was ended at once",
        )
    if "No space left on device" in attempt.detail:
        raise DiskError(
            "the build ran out of disk",
            context=f"{attempt.detail}\n{where}",
            reference="disk-full",
            hint="free some space, or set KOKORO_SPARK_HOME to a larger disk; the next run goes on where this ended",
        )
    raise BuildError(
        "the build failed",
        context=f"{attempt.detail}\n{where}",
        reference="compile-failed",
        hint="above is the first error; once it is mended, what compiled before comes out of the compiler cache",
    )


def _statslog(order: BuildOrder) -> Path:
    return order.log.parent / "ccache.log"


def _remember(order: BuildOrder, attempt: Attempt) -> None:
    with disk_errors(order.log), (order.log.parent / _ATTEMPTS).open("a", encoding="utf-8") as stream:
        stream.write(to_json(attempt) + "\n")


def _earlier(path: Path) -> tuple[Attempt, ...]:
    """Read the attempts of earlier runs; a line that a kill cut off is none."""
    attempts = []
    for line in _text(path).splitlines():
        try:
            data = json.loads(line)
            attempts.append(Attempt(**{**data, "outcome": AttemptOutcome(data["outcome"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return tuple(attempts)


def _slowest(order: BuildOrder) -> tuple[UnitTime, ...]:
    units = [unit for log in sorted(order.watch.rglob(".ninja_log")) for unit in read_ninja_log(_text(log))]
    return tuple(sorted(units, key=lambda unit: -unit.seconds)[:_SLOWEST])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
