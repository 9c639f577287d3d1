"""`auto`: the strategies from best to last, and why each better one was passed over.

The order is for a Spark: the default index, whose CUDA builds need no second one, the lanes, the CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from scripts.errors import NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.facts import Facts
from scripts.model.plan import Refusal
from scripts.model.target import Target
from scripts.strategies.base import Strategy
from scripts.strategies.known import strategies as strategies  # noqa: PLC0414 - context.py names it here

AUTO = "auto"
ORDER = ("pypi", "cu130", "cu132", "cu129", "cu128", "cu126", "cpu")


def strategy_named(name: str, known: Mapping[str, Strategy], *, auto: bool = True) -> Strategy:
    """Find a strategy by the name a person typed; `auto`: that name is a choice as well, the caller's to make."""
    try:
        return known[name.strip().lower()]
    except KeyError:
        raise UsageError(
            f"unknown strategy {name!r}",
            reference="unknown-strategy",
            hint=f"choose one of: {', '.join((AUTO, *known) if auto else known)}",
        ) from None


def climb(
    facts: Facts, target: Target, known: Mapping[str, Strategy]
) -> tuple[tuple[Strategy, ...], tuple[Refusal, ...]]:
    """Sort the strategies into those that this machine can use, best first, and the refused ones with their reasons."""
    usable: list[Strategy] = []
    refused: list[Refusal] = []
    for strategy in known.values():
        reasons = strategy.blockers(facts, target) or strategy.reservations(facts)
        if reasons:
            refused.append(Refusal(strategy=strategy.name, blockers=reasons))
        else:
            usable.append(strategy)
    return tuple(usable), tuple(refused)


def nothing_fits(refusals: Sequence[Refusal], failures: Sequence[SparkError] = ()) -> SparkError:
    """Make the error for a machine that no strategy serves; `failures` are those of the strategies that were tried.

    Where one was tried, its failure is what is to be mended; where all failed by the network, it is the network's.
    """
    if len(failures) == 1:
        (failure,) = failures
        context = "\n".join(part for part in (failure.context, *refusal_lines(refusals[:-1])) if part)
        return type(failure)(failure.message, context=context, reference=failure.reference, hint=failure.hint)
    offline = bool(failures) and all(isinstance(failure, NetworkError) for failure in failures)
    return (NetworkError if offline else NoCandidateError)(
        "no strategy fits this machine",
        context="\n".join(refusal_lines(refusals)),
        reference="no-strategy",
        hint=failures[-1].hint if failures else "`invoke facts` shows what was found here",
    )


def refusal_lines(refusals: Iterable[Refusal]) -> list[str]:
    """Say why each was passed over; neighbours with the same reasons share a line."""
    return [
        f"passed over {', '.join(one.strategy for one in group)}: {reason}"
        for reason, group in groupby(refusals, key=_reasons)
    ]


def _reasons(refusal: Refusal) -> str:
    return "; ".join(blocker.reason for blocker in refusal.blockers)
