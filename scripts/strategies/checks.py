"""Blockers and reservations that several strategies share. Pure."""

from __future__ import annotations

from scripts.model.facts import Facts
from scripts.model.plan import Blocker
from scripts.model.target import Target
from scripts.model.wheels import Lane

LOWEST_GLIBC = (2, 28)
"""What torch's wheels are built for (manylinux_2_28)."""


def wheels_run(facts: Facts, target: Target, *, whose: str = "torch's") -> tuple[Blocker, ...]:
    """Linux with a glibc that the wheels accept: torch's, or `whose`."""
    if facts.host.system != "Linux":
        return (Blocker(reason=f"this is {facts.host.system}, and the environments are made for Linux"),)
    if target.architecture == facts.host.architecture and (facts.host.libc or "").lower() not in {"glibc", ""}:
        return (
            Blocker(
                reason=f"this system's C library is {facts.host.libc}; {whose} wheels need glibc",
                hint="use a glibc distribution (DGX OS, Ubuntu, Debian) or a container of one",
            ),
        )
    if target.glibc < LOWEST_GLIBC:
        return (
            Blocker(
                reason=f"glibc {target.glibc[0]}.{target.glibc[1]} is older than the 2.28 that {whose} wheels need",
                hint="use a newer distribution or a container of one",
            ),
        )
    return ()


def lane_serves(lane: Lane, target: Target) -> tuple[Blocker, ...]:
    """The lane has builds for the platform."""
    if target.architecture in lane.platforms:
        return ()
    return (
        Blocker(
            reason=f"lane {lane.name} has no builds for {target.architecture} (as of {lane.checked})",
            hint=f"it has them for: {', '.join(lane.platforms)}",
        ),
    )


def gpu_is_usable(facts: Facts) -> tuple[Blocker, ...]:
    """There is a GPU, and its driver answers fully."""
    if facts.gpu.problem is not None:
        return (Blocker(reason=facts.gpu.problem, hint=facts.gpu.remedy),)
    if not facts.gpu.gpus:
        return (Blocker(reason="there is no NVIDIA GPU here"),)
    return ()


def driver_is_new_enough(facts: Facts, cuda: str | None) -> tuple[Blocker, ...]:
    """The driver serves the build's CUDA major (minor releases of one major are compatible)."""
    if cuda is None or facts.gpu.cuda_version is None:
        return ()
    if int(cuda.split(".")[0]) <= int(facts.gpu.cuda_version.split(".")[0]):
        return ()
    return (
        Blocker(
            reason=f"the driver serves CUDA {facts.gpu.cuda_version}, older than the build's {cuda}",
            hint="update the NVIDIA driver",
        ),
    )
