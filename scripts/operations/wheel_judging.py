"""Is a wheel what was asked for: by its passport, before it is tried and published."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from scripts.errors import BuildError
from scripts.model.builds import BuildPlan
from scripts.model.recipes import Arch
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.inspecting import inspect_wheel
from scripts.wheels.passport import LibraryPassport, Passport

_NAMED = 8


def require_as_asked(wheel: Path, plan: BuildPlan, context: Context) -> Passport:
    """Insist on a sound wheel for the target, with device code for exactly what was asked for, and no missing library.

    Raises BuildError (unsound-wheel, wrong-platform, wrong-device-code, missing-libraries): it is not published.
    """
    first = plan.archs[0] if plan.archs else None
    capability = GB10 if first is None else ComputeCapability(first.major, first.minor)
    passport = inspect_wheel(str(wheel), context, sm=capability, target=plan.target).passport
    if passport.problems:
        raise _refused(passport, "is no sound wheel", passport.problems, "unsound-wheel", "look at the build's log")
    if not passport.fits:
        why = f"{passport.fits_why}; it is to be for {plan.target}"
        raise _refused(passport, "is for another platform", [why], "wrong-platform", "its build ignored the platform")
    problems = device_code_problems(passport.libraries, plan.archs, needed=plan.recipe.checks.device_code)
    if problems:
        raise _refused(
            passport,
            "does not hold the device code that was asked for",
            [f"asked for: {', '.join(one.sm for one in plan.archs) or 'none'}", *problems],
            "wrong-device-code",
            "its sources pass flags of their own, or compile outside of what is watched",
        )
    missing = missing_libraries(passport.libraries, plan.recipe.checks.provided)
    if missing:
        raise _refused(
            passport,
            "needs libraries that nobody brings",
            missing,
            "missing-libraries",
            "link them statically, require the package that has them, or name them in the recipe's checks.provided",
        )
    return passport


def device_code_problems(libraries: Sequence[LibraryPassport], archs: Sequence[Arch], *, needed: bool) -> list[str]:
    """Say what differs between the cubins and PTX of a wheel's libraries and what was asked for."""
    cubins = {one.sm for one in archs}
    ptx = {one.sm.replace("sm_", "compute_") for one in archs if one.ptx}
    problems = []
    found = False
    for library in libraries:
        found = found or bool(library.cubins)
        strangers = sorted(set(library.cubins) - cubins)
        strange_ptx = sorted(set(library.ptx) - ptx)
        here = {*library.cubins, *library.ptx}
        lacking = sorted((cubins | ptx) - here) if here else []
        problems += [f"{library.library} has {name}, which was not asked for" for name in strangers]
        problems += [f"{library.library} has PTX for {name}, which was not asked for" for name in strange_ptx]
        problems += [f"{library.library} has no {name}" for name in lacking]
    if needed and not found:
        problems.append("no library holds any device code")
    return problems[:_NAMED]


def missing_libraries(libraries: Sequence[LibraryPassport], provided: Sequence[str]) -> list[str]:
    """Name what is needed and neither in the wheel, nor required by it, nor provided as the recipe says."""
    missing = {
        f"{one}: needed by {library.library}"
        for library in libraries
        for one in library.missing
        if not any(fnmatch.fnmatch(one.split(" ")[0], pattern) for pattern in provided)
    }
    return sorted(missing)[:_NAMED]


def _refused(passport: Passport, what: str, why: Sequence[str], reference: str, hint: str) -> BuildError:
    return BuildError(
        f"{passport.file} was built, and {what}: it is not published",
        context="\n".join(why[:_NAMED]),
        reference=reference,
        hint=hint,
    )
