"""From a request to a plan: facts, the ladder, locks. Fetches pages; changes nothing but the cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.facts import HostFacts, Interpreter
from scripts.model.plan import Blocker, Lock, Plan, Refusal, Request
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion, Target
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.operations.torch_lock import torch_lock
from scripts.strategies.base import PlanInputs, Strategy, TorchSource, require_supported
from scripts.strategies.ladder import AUTO, climb, nothing_fits, strategy_named
from scripts.strategies.locks import BUILD, REST, SOURCE_BUILDS, lock_filename, make_lock, parse_pins
from scripts.wheels.made import made_wheels

_GLIBC_ELSEWHERE = {Architecture.AARCH64: (2, 39), Architecture.X86_64: (2, 28)}
"""DGX OS's glibc, and the lowest that torch's wheels take."""


_MENDED_HERE = frozenset({"tls-failed", "proxy-failed", "not-an-index", "access-denied"})
"""Failures whose own hint is the first thing to try."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the environment will be. `interpreter` None: another machine's platform, plan only."""

    target: Target
    interpreter: Interpreter | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, and what `auto` passed over on the way to it."""

    plan: Plan
    refusals: tuple[Refusal, ...] = ()
    for_this_machine: bool = True


def make_plan(request: Request, context: Context, *, refresh: bool = False, fetch_python: bool = True) -> Planned:
    """Decide on an environment. Raises the error of what stands in the way."""
    site = _site(request, context, fetch_python=fetch_python)
    target = site.target
    local = target.architecture == context.facts.host.architecture
    if request.strategy != AUTO:
        strategy = strategy_named(request.strategy, context.strategies)
        blockers = strategy.blockers(context.facts, target)
        if blockers:
            raise _blocked(strategy, blockers)
        plan = _plan(strategy, request, site, context, refresh=refresh)
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
            plan = _plan(strategy, request, site, context, refresh=refresh)
        except (NetworkError, NoCandidateError) as error:
            failures.append(error)
            reason = error.message.removeprefix(f"strategy {strategy.name}: ")
            refusals += (Refusal(strategy=strategy.name, blockers=(Blocker(reason=reason, hint=error.hint),)),)
        else:
            return Planned(plan=plan, refusals=refusals)
    raise nothing_fits(refusals, failures)


def _plan(strategy: Strategy, request: Request, site: Site, context: Context, *, refresh: bool) -> Plan:
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
                made=tuple((wheel.name, wheel.version, wheel.sha256) for wheel in made_wheels()),
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


def _site(request: Request, context: Context, *, fetch_python: bool) -> Site:
    host = context.facts.host
    if request.architecture is not None and request.architecture != host.architecture:
        return Site(target=another_machine(request.architecture, request.python), interpreter=None)
    architecture, glibc = this_machine(host)
    interpreter, notes = find_interpreter(request.python, context, fetch=fetch_python)
    target = Target(architecture=architecture, python=interpreter.minor, glibc=glibc)
    return Site(target=target, interpreter=interpreter, notes=notes)


def another_machine(architecture: Architecture, python: PythonVersion | None) -> Target:
    """Name the target of a machine that is not this one; `python` None: the best. Raises as require_supported does."""
    chosen = require_supported(python) or SUPPORTED_PYTHONS[0]
    return Target(architecture=architecture, python=chosen, glibc=_GLIBC_ELSEWHERE[architecture])


def this_machine(host: HostFacts) -> tuple[Architecture, tuple[int, int]]:
    """Give this machine's architecture and glibc. Raises NoCandidateError where it is not one we know."""
    return _architecture(host), _glibc(host.libc_version)


def _architecture(host: HostFacts) -> Architecture:
    """Read this machine's architecture: nobody asked for another one."""
    known = {str(one): one for one in Architecture}
    if host.system != "Linux" or host.architecture not in known:
        raise NoCandidateError(
            f"this machine is {host.system} on {host.architecture}: the environments are made for Linux on "
            + " or ".join(Architecture),
            reference="unsupported-machine",
            hint="use a Linux machine or a container on this one",
        )
    return known[host.architecture]


def _glibc(version: str | None) -> tuple[int, int]:
    """Read `2.36`; an unknown C library counts as too old, and is refused by name elsewhere."""
    parts = (version or "0.0").split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else (0, 0)


def _blocked(strategy: Strategy, blockers: tuple[Blocker, ...]) -> SparkError:
    return NoCandidateError(
        f"strategy {strategy.name} cannot be used here",
        context="\n".join(blocker.reason for blocker in blockers),
        reference="strategy-blocked",
        hint=next((blocker.hint for blocker in blockers if blocker.hint), "`invoke setup` chooses by itself"),
    )


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
