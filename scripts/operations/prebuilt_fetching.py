"""Bring the wheel of a `prebuilt` plan here before the plan is carried out: the one thing that planning leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.errors import IntegrityError
from scripts.model.plan import InstallWheel, Plan, Request
from scripts.operations.context import Context
from scripts.operations.fetching import cached_wheel, forget_wheel
from scripts.operations.planning_prebuilt import plan_prebuilt
from scripts.operations.prebuilt_sources import find_offers
from scripts.operations.site import find_site
from scripts.partfile import sha256_of
from scripts.strategies.prebuilt import PREBUILT, require_wheel


def fetch_planned_wheel(plan: Plan, request: Request, context: Context) -> None:
    """Download what the plan installs, unless it is here; then read the wheel whole and plan from it once more.

    `request` is what the plan was made of. Nothing is done for a plan of another strategy, of a wheel that was named by
    its path, or of an environment that stands.

    Raises NetworkError, DiskError, IntegrityError (wrong-hash, truncated-file, damaged-wheel, and wheel-differs for one
    that is not what it was by ranges), NoCandidateError for what only the whole wheel shows.
    """
    step = next((one for one in plan.steps if isinstance(one, InstallWheel)), None)
    if plan.strategy != PREBUILT or step is None:
        return
    place = cached_wheel(step.sha256, step.filename, context)
    if Path(step.path) != place or context.store.whole(plan.environment) is not None:
        return
    if place.is_file() and sha256_of(place) == step.sha256:
        return  # read whole by whoever planned with it
    site = find_site(request, context, fetch_python=True)
    offers = find_offers(require_wheel(request), request, site.target, context)
    source = next((one.source for one in offers.wheels if one.source.file == step.filename), None)
    if source is None or source.url is None:
        raise _differs(step, f"{offers.where} had it when this was planned, and has it no more")
    try:
        context.web.download(
            source.url, place, sha256=step.sha256, size=source.size, description=f"downloading {step.filename}"
        )
    except IntegrityError:
        forget_wheel(place)  # its folder is named by the hash that nothing has
        raise
    whole = plan_prebuilt(replace(request, wheel=str(place), sha256=step.sha256), site, context)
    if whole.digest != plan.digest:
        raise _differs(step, f"{source.shown} told other things of it by ranges than the whole file does")


def _differs(step: InstallWheel, why: str) -> IntegrityError:
    return IntegrityError(
        f"{step.filename} is not what was planned with",
        context=why,
        reference="wheel-differs",
        hint="run setup again; if it stays, do not rely on the server: fetch the wheel yourself, and name its path",
    )
