"""What `wheel.build` is asked and what it says, as text. Pure."""

from __future__ import annotations

from scripts.builds.jobs import forecast_lines
from scripts.errors import UsageError
from scripts.model.builds import Attempt, BuildRequest, BuildResult
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.build_planning import Outlook
from scripts.operations.passport_text import size_words
from scripts.redaction import redact

PLACES = ("host", "container")
_SLOWEST = 5


def parse_request(
    *,
    recipe: str,
    sm: str | None,
    torch: str | None,
    python: str,
    platform: str,
    place: str,
    cuda: str,
    jobs: str,
    index: str | None,
    wheelhouse: str | None,
    rebuild: bool,
) -> BuildRequest:
    """Read the options of wheel.build. Raises UsageError for what one of them cannot be."""
    if place not in PLACES:
        raise UsageError(f"--in {place!r} is no place", reference="unknown-place", hint="--in host or --in container")
    if jobs and (not jobs.isdecimal() or int(jobs) < 1):
        raise UsageError(f"--jobs {jobs!r} is no number of jobs", reference="bad-jobs", hint="1 or more")
    return BuildRequest(
        recipe=recipe,
        sm=sm,
        torch=torch,
        python=PythonVersion.parse(python) if python else None,
        architecture=Architecture.parse(platform) if platform else None,
        place=place,
        cuda=cuda,
        jobs=int(jobs) if jobs else None,
        index=index,
        wheelhouse=wheelhouse,
        rebuild=rebuild,
    )


def outlook_lines(outlook: Outlook) -> list[str]:
    """A build that was only looked at, as --dry-run shows it."""
    plan = outlook.plan
    lines = [f"build: {plan.name}", f"  {plan.recipe.summary}", f"  tried so far: {plan.recipe.tried}"]
    if plan.archs:
        lines.append(f"  for {', '.join(one.sm for one in plan.archs)}, with nvcc {plan.toolchain.nvcc_version or '?'}")
        lines.append(f"  CUDA {plan.cuda} from {plan.toolchain.cuda_from}")
    if plan.torch:
        lines.append(f"  against torch {plan.torch}")
    lines.append(f"  {plan.toolchain.cxx_version}; {plan.target}")
    if outlook.found is not None:
        return [*lines, f"it is in the wheelhouse already: {outlook.wheelhouse.root / outlook.found.wheel}"]
    lines += [f"  {plan.jobs.count} compilers at once: {plan.jobs.reason}", *forecast_lines(plan.forecast)]
    lines += [f"note: {one}" for one in (*plan.notes, *outlook.preflight.notes)]
    lines += [f"in the way: {one.reason}; {one.hint}" for one in outlook.preflight.blockers]
    return [redact(line) for line in lines]


def built_lines(result: BuildResult) -> list[str]:
    """What wheel.build did."""
    one = result.published
    how = "found in the wheelhouse" if result.found else "built, checked and published"
    lines = [f"{one.filename}: {how} in {result.seconds:.1f} s"]
    lines.append(f"  {result.path}")
    lines.append(f"  {size_words(one.size)}, sha256 {one.sha256}")
    if one.archs:
        lines.append(f"  device code for {', '.join(one.archs)} alone, CUDA {one.cuda}")
    if one.tag_reason:
        lines.append(f"  platform tag: {one.tag_reason}")
    if len(result.attempts) > 1:
        lines += [f"  attempt with {one.jobs} jobs: {_how(one)}" for one in result.attempts]
    if result.cache is not None:
        lines.append(f"  compiler cache: {result.cache.hits} hits, {result.cache.misses} misses")
    slowest = ", ".join(f"{unit.name} {unit.seconds:.1f} s" for unit in result.slowest[:_SLOWEST])
    if slowest:
        lines.append(f"  slowest: {slowest}")
    if result.log:
        lines.append(f"  log: {result.log}")
    lines += [f"note: {note}" for note in result.notes]
    return [redact(line) for line in lines]


def _how(attempt: Attempt) -> str:
    """Say how an attempt ended, in a line."""
    return ", ".join([str(attempt.outcome), *attempt.detail.splitlines()[:1]])
