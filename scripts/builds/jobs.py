"""How many compilers at once, and what a build is expected to take. Pure."""

from __future__ import annotations

from scripts.errors import UsageError
from scripts.model.builds import BuildForecast, BuildMachine, Jobs
from scripts.model.recipes import Recipe, Resources

GB = 1_000_000_000
_RESERVE_GB = 1.0
"""Left to the system, the linker and us."""
_MINUTES_AN_HOUR = 60


def choose_jobs(machine: BuildMachine, resources: Resources, wanted: int | None) -> Jobs:
    """Take as many as there are processors, or as many as memory holds where those are fewer; at least one.

    Raises UsageError (bad-jobs) where `wanted` is none.
    """
    if wanted is not None:
        if wanted < 1:
            raise UsageError(f"--jobs {wanted} is no number of jobs", reference="bad-jobs", hint="1 or more")
        return Jobs(count=wanted, reason="as asked")
    cpus = f"{machine.cpus} {'processor' if machine.cpus == 1 else 'processors'}"
    if machine.memory_available is None:
        return Jobs(count=machine.cpus, reason=f"{cpus}; free memory is not known")
    free = machine.memory_available / GB
    fits = max(1, int((free - _RESERVE_GB) // resources.memory_per_job_gb))
    each = f"{resources.memory_per_job_gb:g} GB a job"
    if fits >= machine.cpus:
        return Jobs(count=machine.cpus, reason=f"{cpus}; {free:.1f} GB of free memory, {each}")
    where = f" ({machine.memory_limit_from})" if machine.memory_limit_from else ""
    return Jobs(count=fits, reason=f"{free:.1f} GB of free memory{where} and {each}, for {cpus}")


def forecast(recipe: Recipe, jobs: Jobs, machine: BuildMachine) -> BuildForecast:
    """Say what a build takes: its processor time over the processors that it keeps busy. Nothing of it is measured."""
    resources = recipe.resources
    return BuildForecast(
        minutes=resources.core_minutes / min(jobs.count, max(1, machine.cpus)),
        disk_gb=resources.disk_gb,
        download_gb=resources.download_gb,
        memory_gb=jobs.count * resources.memory_per_job_gb + _RESERVE_GB,
        basis=resources.basis,
    )


def forecast_lines(forecast: BuildForecast) -> list[str]:
    """Say it in words; each line says that it is expected."""
    disk, come = forecast.disk_gb, forecast.download_gb
    return [
        f"expected: {minutes_words(forecast.minutes)} with a cold compiler cache",
        f"  {forecast.memory_gb:.0f} GB of memory, {disk:g} GB of disk, {come:g} GB to download",
        f"  how that is known: {forecast.basis}",
    ]


def minutes_words(minutes: float) -> str:
    """`1 h 50 min`, `12 min`, `under a minute`."""
    if minutes < 1:
        return "under a minute"
    hours, rest = divmod(round(minutes), _MINUTES_AN_HOUR)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"
