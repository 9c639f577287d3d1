"""What the control groups of this process leave it: memory and processors, of cgroup v1 and v2.

Files and fields: kernel documentation, admin-guide/cgroup-v1/memory.rst and admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.facts.fact import Reader

ROOT = "/sys/fs/cgroup"
_NO_LIMIT = 1 << 60
"""v1 says 2^63 less a page where there is none."""


@dataclass(frozen=True, kw_only=True)
class MemoryLimit:
    """The tightest limit on the way up. Bytes. `usage` does without what can be dropped: inactive pages of files."""

    limit: int
    usage: int
    file: str

    @property
    def left(self) -> int:
        """What may still be taken."""
        return max(0, self.limit - self.usage)


def memory_limit(read: Reader) -> MemoryLimit | None:
    """Find the limit that leaves the least; None: there is none."""
    found = [one for folder, names in _memory_folders(read) if (one := _limit(read, folder, names)) is not None]
    return min(found, key=lambda one: one.left, default=None)


def cpu_quota(read: Reader) -> float | None:
    """Tell how many processors may be kept busy; None: as many as there are."""
    quotas = []
    for folder in _ancestors("", _paths(read).get("", "/")):
        words = (read(f"{folder}/cpu.max") or "").split()
        if len(words) == 2 and words[0].isdigit():
            quotas.append(int(words[0]) / int(words[1]))
    for folder in _ancestors("cpu", _paths(read).get("cpu", "/")):
        quota, period = _number(read(f"{folder}/cpu.cfs_quota_us")), _number(read(f"{folder}/cpu.cfs_period_us"))
        if quota is not None and quota > 0 and period:
            quotas.append(quota / period)
    return min(quotas, default=None)


def oom_kills(read: Reader) -> int | None:
    """Count what the kernel killed for want of memory: in our group and, where it does not tell, on the machine."""
    for folder, names in _memory_folders(read):
        for name in (names.events, "memory.oom_control"):
            found = re.search(r"^oom_kill (\d+)$", read(f"{folder}/{name}") or "", re.MULTILINE)
            if found:
                return int(found[1])
    found = re.search(r"^oom_kill (\d+)$", read("/proc/vmstat") or "", re.MULTILINE)
    return int(found[1]) if found else None


@dataclass(frozen=True, kw_only=True)
class _Names:
    limit: str
    usage: str
    inactive: str
    events: str


_V1 = _Names(
    limit="memory.limit_in_bytes",
    usage="memory.usage_in_bytes",
    inactive="total_inactive_file",
    events="memory.oom_control",
)
_V2 = _Names(limit="memory.max", usage="memory.current", inactive="inactive_file", events="memory.events")


def _memory_folders(read: Reader) -> Iterator[tuple[str, _Names]]:
    """Give our own group first, then those above it, of both versions."""
    paths = _paths(read)
    if "memory" in paths:
        yield from ((folder, _V1) for folder in _ancestors("memory", paths["memory"]))
    if "" in paths:
        yield from ((folder, _V2) for folder in _ancestors("", paths[""]))


def _paths(read: Reader) -> dict[str, str]:
    """Read /proc/self/cgroup: the group by controller, `` for v2."""
    paths = {}
    for line in (read("/proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if path:
            for controller in controllers.split(",") if number != "0" else [""]:
                paths[controller] = path
    return paths


def _ancestors(controller: str, path: str) -> Iterator[str]:
    """Name a group's folder and those above it. In a container the path may not be there: then the root's is ours."""
    base = f"{ROOT}/{controller}" if controller else ROOT
    parts = [part for part in path.split("/") if part and part != ".."]
    for count in range(len(parts), -1, -1):
        yield "/".join([base, *parts[:count]])


def _limit(read: Reader, folder: str, names: _Names) -> MemoryLimit | None:
    limit, usage = _number(read(f"{folder}/{names.limit}")), _number(read(f"{folder}/{names.usage}"))
    if limit is None or usage is None or limit >= _NO_LIMIT:
        return None
    stat = read(f"{folder}/memory.stat") or ""
    dropped = re.search(rf"^{names.inactive} (\d+)$", stat, re.MULTILINE)
    return MemoryLimit(
        limit=limit, usage=max(0, usage - (int(dropped[1]) if dropped else 0)), file=f"{folder}/{names.limit}"
    )


def _number(text: str | None) -> int | None:
    stripped = (text or "").strip()
    return int(stripped) if re.fullmatch(r"-?\d+", stripped) else None
