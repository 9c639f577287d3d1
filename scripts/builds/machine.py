"""What a build has to itself on this machine, as the kernel tells."""

from __future__ import annotations

import math
import os
import re
import shutil
import time
from pathlib import Path

from scripts.builds.cgroup import cpu_quota, memory_limit
from scripts.facts.fact import Reader, read_text
from scripts.model.builds import BuildMachine, ThermalZone

_ZONES = 32
"""More sensors than any machine of this kind has."""
_TRIPS = 8
_MILLI = 1000.0


def read_machine(folder: Path, *, read: Reader = read_text) -> BuildMachine:
    """Look at this machine; `folder` is where the build will lie, and need not be there yet."""
    meminfo = _meminfo(read("/proc/meminfo") or "")
    limit = memory_limit(read)
    available, swap = meminfo.get("MemAvailable"), meminfo.get("SwapFree")
    if limit is not None and (available is None or limit.left < available):
        available = limit.left
    else:
        limit = None
    highest = _number(read("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"))
    allowed = _number(read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq"))
    return BuildMachine(
        cpus=processors(len(os.sched_getaffinity(0)), cpu_quota(read)),
        memory_available=available,
        memory_limit=None if limit is None else limit.limit,
        memory_limit_from="" if limit is None else limit.file,
        swap_free=swap,
        disk_free=_disk_free(folder),
        distribution=_distribution(read("/etc/os-release") or ""),
        thermal=thermal_zones(read),
        governor=(read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "").strip() or None,
        clock_share=allowed / highest if allowed and highest else None,
        now=time.time(),
    )


def processors(allowed: int, quota: float | None) -> int:
    """Tell how many compilers can really run at once."""
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def thermal_zones(read: Reader) -> tuple[ThermalZone, ...]:
    """Read every sensor with its passive or hot trip point, in degrees Celsius."""
    zones = []
    for number in range(_ZONES):
        base = f"/sys/class/thermal/thermal_zone{number}"
        temperature = _number(read(f"{base}/temp"))
        if temperature is not None:
            name = (read(f"{base}/type") or "").strip() or f"zone {number}"
            zones.append(ThermalZone(name=name, degrees=temperature / _MILLI, limit=_trip(read, base)))
    return tuple(zones)


def _trip(read: Reader, base: str) -> float | None:
    points = []
    for number in range(_TRIPS):
        kind = (read(f"{base}/trip_point_{number}_type") or "").strip()
        degrees = _number(read(f"{base}/trip_point_{number}_temp"))
        if kind in {"passive", "hot"} and degrees is not None and degrees > 0:
            points.append(degrees / _MILLI)
    return min(points, default=None)


def _meminfo(text: str) -> dict[str, int]:
    """Read /proc/meminfo, in bytes."""
    return {one[1]: int(one[2]) * 1024 for one in re.finditer(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def _distribution(os_release: str) -> str:
    found = re.search(r'^ID="?([^"\n]+)"?$', os_release, re.MULTILINE)
    return found[1] if found else ""


def _disk_free(folder: Path) -> int | None:
    try:
        existing = next((one for one in (folder, *folder.parents) if one.exists()), None)
        return None if existing is None else shutil.disk_usage(existing).free
    except OSError:
        return None


def _number(text: str | None) -> int | None:
    stripped = (text or "").strip()
    return int(stripped) if re.fullmatch(r"-?\d+", stripped) else None
