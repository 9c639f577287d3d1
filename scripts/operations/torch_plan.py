"""The plan of a strategy whose torch comes from an index: its sources in order, locks, steps. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scripts.errors import IntegrityError, NetworkError, NoCandidateError
from scripts.model.plan import Lock, Plan, Request
from scripts.model.target import Target
from scripts.operations.context import Context
from scripts.operations.site import Site
from scripts.operations.torch_lock import torch_lock
from scripts.strategies.base import PlanInputs, TorchSource, TorchStrategy
from scripts.strategies.locks import BUILD, REST, SOURCE_BUILDS, lock_filename, make_lock, parse_pins
from scripts.wheels.made import made_pins

_MENDED_HERE = frozenset({"tls-failed", "proxy-failed", "not-an-index", "access-denied"})
"""Failures whose own hint is the first thing to try."""


def plan_torch(strategy: TorchStrategy, request: Request, site: Site, context: Context, *, refresh: bool) -> Plan:
    """Try the strategy's sources in order; the next one only where a source cannot be reached."""
    rest = rest_lock(site.target, context.constraints)
    notes = site.notes
    sources = strategy.sources(request, context.lanes)
    for source, behind in zip(sources, [*sources[1:], None], strict=True):
        try:
            torch = torch_lock(source, site.target, request, rest, context, refresh=refresh)
            inputs = PlanInputs(
                source=source,
                target=site.target,
                interpreter=site.interpreter,
                locks=(torch, rest),
                made=made_pins(),
                notes=notes + context.facts.index.notes,
            )
            plan = strategy.plan(inputs)
            if behind is not None and context.store.whole(plan.environment) is None:
                context.reach(source.index)  # its pins may be in constraints/, so that nobody has asked it yet
        except NetworkError as error:
            if behind is None:
                raise unreachable(error, strategy.name, source.index) from error
            notes += (f"{source.name}: {error.message}; torch comes from {_in_words(behind)} instead",)
        else:
            return plan
    raise AssertionError("a strategy has at least one source")


def rest_lock(target: Target, constraints: Path) -> Lock:
    """Read the lock of everything that does not belong to torch's lane."""
    name = lock_filename(REST, target.architecture, target.python)
    path = constraints / name
    if not path.is_file():
        raise NoCandidateError(
            f"there are no pins for {target.architecture} with Python {target.python}",
            context=f"missing: constraints/{name}",
            reference="no-pins",
            hint="make them with `invoke lock`",
        )
    text = path.read_text(encoding="utf-8")
    build = _build_text(constraints / f"{BUILD}.txt") if _has(text, SOURCE_BUILDS) else ""
    return make_lock(f"constraints/{name}", text, index=None, build_text=build)


def _build_text(path: Path) -> str:
    """Read the pins of what source builds need. Raises IntegrityError where there are none, or one has no hash."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not parse_pins(text, what=f"constraints/{path.name}"):
        raise IntegrityError(
            f"constraints/{path.name} pins nothing, and {', '.join(SOURCE_BUILDS)} exists as source only",
            reference="bad-lock",
            hint="regenerate it with `invoke lock`",
        )
    return text


def _in_words(source: TorchSource) -> str:
    return "the default index" if source.index is None else source.name


def _has(text: str, names: Iterable[str]) -> bool:
    return any(line.startswith(f"{name}==") for line in text.splitlines() for name in names)


def unreachable(error: NetworkError, strategy: str, index: str | None) -> NetworkError:
    """Add what to try instead to an index (None: the default one) that does not answer."""
    alternatives = "--strategy pypi (the default index has CUDA builds), --index URL (a mirror of the lane)"
    if index is None:
        alternatives = "a mirror (UV_DEFAULT_INDEX or pip's index-url), or a proxy (HTTPS_PROXY)"
    hint = f"try {alternatives}, or check the network"
    if error.reference in _MENDED_HERE:
        hint = f"{error.hint}; or {hint}"
    return NetworkError(
        f"strategy {strategy}: {error.message}",
        context=error.context,
        reference=error.reference,
        hint=hint,
    )
