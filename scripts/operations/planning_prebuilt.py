"""The plan of `prebuilt`: the wheel's passport first, then what it requires, then our pins around it.

Nothing is downloaded here: a wheel from afar is read by ranges, and the plan names the place in the cache that
prebuilt_fetching.py puts it in when the environment is built.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scripts.errors import NetworkError, NoCandidateError
from scripts.model.plan import InstallWheel, Lock, Plan, Request
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.fetching import cached_wheel
from scripts.operations.inspecting import inspect_wheel
from scripts.operations.prebuilt_judging import download_note, hash_needed, require_usable
from scripts.operations.prebuilt_reading import WheelTexts, claimed_by_server, read_texts
from scripts.operations.prebuilt_requirements import Wanted, required_locks, wanted_beside
from scripts.operations.prebuilt_sources import Offer, Offers, find_offers, hash_here
from scripts.operations.site import Site
from scripts.operations.targets import target_capability
from scripts.operations.torch_plan import rest_lock
from scripts.operations.wheel_sources import WheelSource
from scripts.strategies.base import PlanInputs, TorchSource
from scripts.strategies.checks import driver_is_new_enough
from scripts.strategies.ladder import is_auto
from scripts.strategies.locks import cuda_of
from scripts.strategies.prebuilt import PREBUILT, SOURCE, assemble_around, require_wheel
from scripts.wheels.evaluate import local_cuda
from scripts.wheels.made import made_pins
from scripts.wheels.metadata import parse_version
from scripts.wheels.passport import Passport

_MOST = 5
"""Wheels of a folder or an index that are looked into: from afar each is some megabytes."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What every wheel is looked at with."""

    request: Request
    site: Site
    context: Context
    capability: ComputeCapability
    rest: Lock
    strategy: str = PREBUILT
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Wheel:
    """One wheel, looked at. `passport` None: not now, for its environment stands."""

    source: WheelSource
    texts: WheelTexts
    wanted: Wanted
    passport: Passport | None = None


def plan_prebuilt(request: Request, site: Site, context: Context, *, strategy: str = PREBUILT) -> Plan:
    """Plan around the wheel that `--wheel` names, or the best torch of that folder or index that can be used.

    `strategy`: whose plan it is; `source` builds its wheel, and goes on from here.

    Raises UsageError (no-wheel-named, hash-needed and what the options mean), NoCandidateError for a wheel that does
    not fit, IntegrityError for one that is damaged or has another hash, NetworkError.
    """
    what = require_wheel(request)
    rest = rest_lock(site.target, context.constraints)
    offers = find_offers(what, request, site.target, context)
    asked = _Asked(
        request=request,
        site=site,
        context=context,
        capability=_capability(request, site, context),
        rest=rest,
        strategy=strategy,
    )
    refused: list[NoCandidateError] = []
    for offer in offers.wheels[:_MOST]:
        try:
            return _plan(offer, replace(asked, notes=tuple(map(_passed_over, refused))))
        except NoCandidateError as error:
            refused.append(error)
    raise _none_of(offers, refused)


def _passed_over(error: NoCandidateError) -> str:
    why = error.context.splitlines()[:1]
    return ": ".join((f"passed over {error.message}", *why))


def _capability(request: Request, site: Site, context: Context) -> ComputeCapability:
    """What was asked for; else this machine's GPU, where the environment is for this machine; else GB10."""
    if request.sm is not None:
        return request.sm
    return GB10 if site.interpreter is None else target_capability("", context)


def _none_of(offers: Offers, refused: list[NoCandidateError]) -> NoCandidateError:
    """Make the error of a place none of whose wheels will do. What is wrong with the only one is what is wrong."""
    first, others = refused[0], offers.rejected.splitlines()
    if len(offers.wheels) == 1:
        context = "\n".join((*first.context.splitlines(), *others))
        return NoCandidateError(first.message, context=context, reference=first.reference, hint=first.hint)
    rest = len(offers.wheels) - len(refused)
    unseen = [f"{rest} older ones were not looked into"] if rest else []
    return NoCandidateError(
        f"no torch wheel of {offers.where} can be used: {first.message}",
        context="\n".join((*map(_passed_over, refused), *unseen, *others)),
        reference="no-usable-wheel",
        hint="name another --wheel, or a release with --torch; `invoke wheel.inspect` shows a wheel's whole passport",
    )


def _plan(offer: Offer, asked: _Asked) -> Plan:
    """Plan around one wheel. One whose environment stands already, judged for this GPU, is not read whole again."""
    source = _brought_here(offer.source, asked.context)
    if source.path is not None:
        found = hash_here(source)
        if source.sha256 is None:
            source = replace(source, sha256=found, sha256_from="computed here")
        # One that has another hash than was given is told so below.
        plan = _standing(source, asked) if source.sha256 == found else None
        if plan is not None:
            return plan
    passport = _inspected(source, asked)
    texts = read_texts(source, asked.context)
    notes = require_usable(passport, texts.cuda)
    wanted = _wanted(source, texts, asked)
    if source.sha256 is None:
        claimed, by = offer.claimed, "the index"
        if claimed is None:
            claimed, by = claimed_by_server(source, asked.context), "the server"
        raise hash_needed(passport, claimed, by)
    if source.path is None:
        notes = (*notes, download_note(passport))
    asked = replace(asked, notes=(*asked.notes, *notes))
    wheel = _Wheel(source=source, texts=texts, wanted=wanted, passport=passport)
    plan = _assembled(wheel, asked, resolve=True)
    assert plan is not None, "what is resolved has locks, and what is usable a version and a CUDA"
    return plan


def _wanted(source: WheelSource, texts: WheelTexts, asked: _Asked) -> Wanted:
    return wanted_beside(source.file, texts.requires, asked.rest, asked.site.target, asked.context.lanes.owns)


def _standing(source: WheelSource, asked: _Asked) -> Plan | None:
    """Give the plan of a wheel whose environment stands already, judged for this GPU; None: it is to be looked at."""
    texts = read_texts(source, asked.context)
    try:
        wheel = _Wheel(source=source, texts=texts, wanted=_wanted(source, texts, asked))
    except NoCandidateError:  # the passport goes first
        return None
    plan = _assembled(wheel, asked, resolve=False)
    record = None if plan is None else asked.context.store.whole(plan.environment)
    if plan is None or record is None or record.predicted_for != str(asked.capability):
        return None
    return replace(plan, nvrtc=record.plan.nvrtc)


def _brought_here(source: WheelSource, context: Context) -> WheelSource:
    """Take a wheel that was downloaded before from the cache."""
    if source.path is not None or source.sha256 is None:
        return source
    kept = replace(source, path=cached_wheel(source.sha256, source.file, context))
    return kept if kept.path and kept.path.is_file() and hash_here(kept) == source.sha256 else source


def _inspected(source: WheelSource, asked: _Asked) -> Passport:
    """Make the passport. Raises NetworkError (no-range-support) for a wheel that only comes whole."""
    try:
        return inspect_wheel(
            str(source.path) if source.path is not None else source.url or "",
            asked.context,
            sm=asked.capability,
            target=asked.site.target,
            index=asked.request.index,
            sha256=source.sha256,
        ).passport
    except NetworkError as error:
        if error.reference != "no-range-support":
            raise
        raise NetworkError(
            error.message,
            context=error.context,
            reference=error.reference,
            hint="fetch it yourself, check its hash, and name it by its path: --wheel PATH",
        ) from error


def _assembled(looked_at: _Wheel, asked: _Asked, *, resolve: bool) -> Plan | None:
    """Put the plan together; None where `resolve` is False and what the wheel requires was not resolved yet.

    Its CUDA is what its version, its pins or its requirements say, else torch/version.py: one of them does.
    """
    source, texts, passport = looked_at.source, looked_at.texts, looked_at.passport
    context, target, index = asked.context, asked.site.target, asked.request.index
    required = required_locks(source.file, looked_at.wanted, asked.rest, target, context, index=index, resolve=resolve)
    version = parse_version(texts.version)
    if required is None or version is None or source.sha256 is None:
        return None
    by_metadata = None if passport is None else passport.cuda
    told = (local_cuda(version), cuda_of(pin for lock in required for pin in lock.pins))
    cuda = next((one for one in (*told, by_metadata, texts.cuda) if one is not None and one != "cpu"), None)
    if cuda is None:
        return None
    wheel = InstallWheel(
        name="torch",
        version=texts.version,
        filename=source.file,
        sha256=source.sha256,
        path=str(source.path or cached_wheel(source.sha256, source.file, context)),
    )
    inputs = PlanInputs(
        source=TorchSource(name=SOURCE, index=None, lane_cuda=None, cuda_required=True),
        target=target,
        interpreter=asked.site.interpreter,
        locks=(asked.rest,),
        made=made_pins(),
        notes=(
            f"torch comes from {source.shown}: sha256 {source.sha256[:12]}... ({source.sha256_from})",
            *asked.notes,
            *_about_driver(source.file, cuda, asked),
            *asked.site.notes,
            *context.facts.index.notes,
        ),
    )
    nvrtc = None if passport is None else passport.nvrtc
    return assemble_around(wheel, cuda, nvrtc, required, inputs, strategy=asked.strategy)


def _about_driver(file: str, cuda: str, asked: _Asked) -> tuple[str, ...]:
    """Say that the driver here is too old for the wheel's CUDA; `auto` then goes on. Raises NoCandidateError for it."""
    if asked.site.interpreter is None:
        return ()
    reasons = driver_is_new_enough(asked.context.facts, cuda)
    if reasons and is_auto(asked.request.strategy):
        raise NoCandidateError(f"{file}: {reasons[0].reason}", reference="driver-too-old", hint=reasons[0].hint)
    return tuple(f"{file}: {one.reason}; {one.hint}" for one in reasons)
