"""What stands in the way of a build, and what will slow it down: told before it begins, not after hours. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.builds.arch import first_nvcc_for, nvcc_knows
from scripts.builds.jobs import GB
from scripts.builds.variables import dropped
from scripts.errors import BuildError, DiskError
from scripts.model.builds import BuildForecast, BuildMachine, Jobs, Toolchain
from scripts.model.plan import Blocker
from scripts.model.recipes import Arch, Recipe

_EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
"""When this was written: a clock that says less is wrong."""
_NEAR = 10.0
"""Degrees below its limit at which a sensor is worth a word before a build that takes hours."""
_LONG_MINUTES = 30.0
_CONTENT = "disk-full"


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What was found. `full`: the only thing in the way is the disk."""

    blockers: tuple[Blocker, ...] = ()
    notes: tuple[str, ...] = ()
    full: bool = False


def preflight(
    recipe: Recipe,
    *,
    archs: Sequence[Arch],
    machine: BuildMachine,
    toolchain: Toolchain,
    jobs: Jobs,
    forecast: BuildForecast,
    environ: Mapping[str, str],
) -> Preflight:
    """Weigh a build against the machine."""
    disk = _disk(machine, forecast)
    others = (
        *_compilers(recipe, machine, toolchain),
        *_cuda(recipe, archs, toolchain),
        *_cross(recipe, toolchain),
        *_memory(machine, recipe),
        *_clock(machine),
    )
    notes = (
        *_about_memory(machine, jobs, forecast),
        *_about_speed(machine, forecast),
        *_about_environment(environ),
    )
    return Preflight(blockers=(*others, *disk), notes=notes, full=bool(disk) and not others)


def require_ready(found: Preflight) -> None:
    """Insist that nothing is in the way. Raises BuildError (not-ready), DiskError (disk-full) for the disk alone."""
    if not found.blockers:
        return
    first = found.blockers[0]
    kind, reference = (DiskError, _CONTENT) if found.full else (BuildError, "not-ready")
    rest = found.blockers[1:]
    raise kind(
        f"the build cannot begin: {first.reason}",
        context="\n".join(f"{one.reason}; {one.hint}" for one in rest),
        reference=reference,
        hint=first.hint,
    )


def _compilers(recipe: Recipe, machine: BuildMachine, toolchain: Toolchain) -> tuple[Blocker, ...]:
    if toolchain.cxx_version:
        return ()
    packages = dict(recipe.system).get(machine.distribution) or dict(recipe.system).get("debian") or ("g++",)
    if toolchain.triple is not None:
        packages = (f"g++-{toolchain.triple}",)
    how = "dnf install" if machine.distribution in {"fedora", "rhel", "centos", "rocky"} else "apt-get install"
    return (
        Blocker(reason=f"there is no C++ compiler {toolchain.cxx}", hint=f"install one: {how} {' '.join(packages)}"),
    )


def _cuda(recipe: Recipe, archs: Sequence[Arch], toolchain: Toolchain) -> tuple[Blocker, ...]:
    if not recipe.cuda:
        return ()
    if not toolchain.cuda_from:
        return (
            Blocker(
                reason=f"there is no CUDA toolkit here, and {recipe.name} needs a whole one",
                hint="install it (DGX OS has it in /usr/local/cuda), name it with --cuda PATH, or build --in container",
            ),
        )
    if toolchain.nvcc_version is None:
        return (
            Blocker(
                reason=f"no nvcc of CUDA {toolchain.cuda_version} is pinned",
                hint="name a toolkit of that release with --cuda PATH; constraints/nvcc-*.txt are the pinned ones",
            ),
        )
    too_old = [one for one in archs if toolchain.nvcc_codes and not nvcc_knows(one, toolchain.nvcc_codes)]
    return tuple(
        Blocker(
            reason=f"nvcc {toolchain.nvcc_version} ({toolchain.cuda_from}) is too old for {one}: "
            f"it compiles up to {toolchain.nvcc_codes[-1]}",
            hint=f"nvcc {first_nvcc_for(one) or 'of a newer CUDA'} is the first that does: --cuda PATH, --cuda index",
        )
        for one in too_old
    )


def _cross(recipe: Recipe, toolchain: Toolchain) -> tuple[Blocker, ...]:
    if toolchain.triple is None or recipe.cross:
        return ()
    return (
        Blocker(
            reason=f"{recipe.name} is not built on one machine for another",
            hint="leave --platform out and build on a machine of that kind",
        ),
    )


def _memory(machine: BuildMachine, recipe: Recipe) -> tuple[Blocker, ...]:
    if machine.memory_available is None:
        return ()
    there = (machine.memory_available + (machine.swap_free or 0)) / GB
    needed = recipe.resources.memory_per_job_gb
    if there >= needed:
        return ()
    where = f", of the limit in {machine.memory_limit_from}" if machine.memory_limit_from else ""
    return (
        Blocker(
            reason=f"{there:.1f} GB of memory and swap are free{where}; one compiler takes {needed:g} GB",
            hint="end what else is running, add swap, or raise the limit",
        ),
    )


def _disk(machine: BuildMachine, forecast: BuildForecast) -> tuple[Blocker, ...]:
    if machine.disk_free is None or machine.disk_free / GB >= forecast.disk_gb:
        return ()
    return (
        Blocker(
            reason=f"{machine.disk_free / GB:.1f} GB of disk are free, and the build takes {forecast.disk_gb:g} GB",
            hint="free some space, or set KOKORO_SPARK_HOME to a larger disk",
        ),
    )


def _clock(machine: BuildMachine) -> tuple[Blocker, ...]:
    if machine.now >= _EARLIEST.timestamp():
        return ()
    day = datetime.fromtimestamp(machine.now, UTC).date().isoformat()
    return (
        Blocker(
            reason=f"this machine's clock says {day}: ninja goes by file times, and certificates by the day",
            hint="set the clock (timedatectl set-ntp true)",
        ),
    )


def _about_memory(machine: BuildMachine, jobs: Jobs, forecast: BuildForecast) -> tuple[str, ...]:
    notes = []
    if jobs.count < machine.cpus and jobs.reason != "as asked":
        notes.append(f"memory allows {jobs.count} compilers at once, for {machine.cpus} processors: {jobs.reason}")
    if jobs.reason == "as asked" and machine.memory_available is not None:
        free = machine.memory_available / GB
        if forecast.memory_gb > free:
            notes.append(
                f"{jobs.count} jobs may take {forecast.memory_gb:.0f} GB of memory, and {free:.1f} GB are free"
            )
    if forecast.minutes >= _LONG_MINUTES and machine.swap_free == 0:
        notes.append("there is no swap: where memory runs out, a compiler is killed, and the build goes on with fewer")
    return tuple(notes)


def _about_speed(machine: BuildMachine, forecast: BuildForecast) -> tuple[str, ...]:
    notes = []
    if machine.governor == "powersave":
        notes.append("the processor's governor is powersave: `performance` builds faster")
    if machine.clock_share is not None and machine.clock_share < 1:
        notes.append(f"the processor's clock is held at {machine.clock_share:.0%} of its highest")
    if forecast.minutes >= _LONG_MINUTES:
        notes += [
            f"{zone.name} is at {zone.degrees:.0f} degrees, and throttles at {zone.limit:.0f}"
            for zone in machine.thermal
            if zone.limit is not None and zone.degrees >= zone.limit - _NEAR
        ]
    return tuple(notes)


def _about_environment(environ: Mapping[str, str]) -> tuple[str, ...]:
    names = dropped(environ)
    if not names:
        return ()
    return (f"not passed on to the build, whose recipe says what it is built with: {', '.join(names)}",)
