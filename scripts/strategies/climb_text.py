"""A climb as lines of text, and the error of one that ends nowhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from scripts.errors import NetworkError, NoCandidateError, SparkError
from scripts.model.climb import Climb, Cost, Machine, Rung, RungState
from scripts.strategies.ladder import CPU, NEVER, NOT_ALLOWED

_HOURS_FROM = 100.0
"""Minutes."""
_MACHINES = {
    Machine.GB10: "a GB10",
    Machine.NVIDIA: "an NVIDIA GPU that is no GB10",
    Machine.NONE: "a machine without an NVIDIA GPU",
}


def climb_lines(climb: Climb) -> list[str]:
    """Say what became of every rung, and why; neighbours of which the same is to be said share a line."""
    seen = "; ".join(climb.devices)
    driver = f", driver {climb.driver}" if climb.driver else ""
    unanswered = climb.machine == Machine.NVIDIA and not climb.devices
    machine = "an NVIDIA GPU whose driver does not answer" if unanswered else _MACHINES[Machine(climb.machine)]
    title = f"the ladder for {machine}"
    dry = any(rung.state is RungState.NEXT for rung in climb.rungs)
    lines = [f"{title} ({seen}{driver}):" if seen else f"{title}:"]
    for said, group in groupby(climb.rungs, key=lambda rung: _said(rung, dry=dry)):
        lines.append(f"  {', '.join(rung.strategy for rung in group)}: {said}")
    aloud = on_cpu_despite_gpu(climb)
    return [*lines, aloud] if aloud else lines


def on_cpu_despite_gpu(climb: Climb) -> str:
    """Say aloud that Kokoro ends on the CPU of a machine with a GPU; empty: it does not."""
    last = climb.rung(CPU)
    if climb.machine == Machine.NONE or last.state not in {RungState.CHOSEN, RungState.NEXT}:
        return ""
    return "ATTENTION: there is a GPU here and Kokoro will NOT use it: it runs on the CPU, which --allow-cpu allows"


def reasons_of(rung: Rung) -> str:
    """Put a rung's reasons into one line."""
    return "; ".join(blocker.reason for blocker in rung.reasons)


def cost_of(cost: Cost) -> str:
    """Say what a rung needs, what it is expected to cost, and how that is known."""
    parts = (
        f"{cost.download / 1e9:.1f} GB to download" if cost.download is not None else "",
        f"{cost.disk / 1e9:.1f} GB on disk" if cost.disk is not None else "",
        f"about {_time(cost.minutes)}" if cost.minutes is not None else "",
    )
    costs = f"{', '.join(part for part in parts if part) or 'at an unknown cost'} ({cost.basis})"
    return f"needs {cost.needs}; {costs}" if cost.needs else costs


def no_strategy(climb: Climb, failures: Sequence[SparkError] = ()) -> SparkError:
    """Make the error of a climb in which nothing was chosen; `failures` are those of the rungs that were tried.

    Where there is a GPU it is no-gpu-strategy, for the CPU was not allowed. Where one rung alone was tried, its
    failure is what is to be mended; where all failed by the network, it is the network's.
    """
    context = climb_lines(climb)
    if climb.machine != Machine.NONE and climb.rung(CPU).reasons in ((NOT_ALLOWED,), (NEVER,)):
        return NoCandidateError(
            "nothing here runs Kokoro on the GPU",
            context="\n".join(context),
            reference="no-gpu-strategy",
            hint=_gpu_hint(climb),
        )
    if len(failures) == 1:
        (failure,) = failures
        told = "\n".join(part for part in (failure.context, *context) if part)
        return type(failure)(failure.message, context=told, reference=failure.reference, hint=failure.hint)
    facts = "`invoke facts` shows what was found here"
    otherwise = "leave cpu out of --never" if climb.rung(CPU).reasons == (NEVER,) else facts
    offline = bool(failures) and all(isinstance(failure, NetworkError) for failure in failures)
    return (NetworkError if offline else NoCandidateError)(
        "no strategy fits this machine",
        context="\n".join(context),
        reference="no-strategy",
        hint=failures[-1].hint if failures else otherwise,
    )


def _said(rung: Rung, *, dry: bool) -> str:
    """Say what became of one rung. In a dry run the cost of what might be tried stands beside it."""
    why = reasons_of(rung)
    verdict = f", judged {rung.verdict}" if rung.verdict else ""
    cost = f"; {cost_of(rung.cost)}" if dry and rung.cost is not None else ""
    match rung.state:
        case RungState.NEXT:
            there = f"would be taken as it is{verdict}: environment {rung.environment}"
            said = there if rung.verdict else f"{rung.state}{cost}"
        case RungState.NOT_REACHED:
            said = f"only if those above fail{cost}" if dry else f"{rung.state}"
        case RungState.CHOSEN:
            said = f"chosen{verdict or ', not judged'}"
        case RungState.SECOND_BEST:
            said = f"second best{verdict}: a better one was found"
        case RungState.PUT_OFF:
            said = f"put off: {why}{cost}"
        case _:
            said = f"{rung.state}{verdict}" + (f": {why}" if why else "")
    return said


def _time(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < _HOURS_FROM else f"{minutes / 60:.1f} h"


def _gpu_hint(climb: Climb) -> str:
    """What mends the best rung that can be mended, then the CPU."""
    mends = (blocker.hint for rung in climb.rungs if rung.strategy != CPU for blocker in rung.reasons if blocker.hint)
    mend = next(mends, "")
    cpu = "take the CPU on purpose with --allow-cpu or --strategy cpu"
    return f"{mend}; or {cpu}" if mend else cpu
