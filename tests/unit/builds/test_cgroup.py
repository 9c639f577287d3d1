"""Control groups of both versions, by files as the kernel documents them, and the machine around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.builds.cgroup import cpu_quota, memory_limit, oom_kills
from scripts.builds.machine import processors, read_machine, thermal_zones
from scripts.model.builds import ThermalZone

V1 = {
    "/proc/self/cgroup": "4:memory:/jobs/one\n2:cpu,cpuacct:/jobs\n0::/\n",
    "/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes": "1000\n",
    "/sys/fs/cgroup/memory/jobs/one/memory.usage_in_bytes": "700\n",
    "/sys/fs/cgroup/memory/jobs/one/memory.stat": "cache 500\ntotal_inactive_file 300\n",
    "/sys/fs/cgroup/memory/jobs/one/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "5000\n",
    "/sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us": "150000\n",
    "/sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
}
V2 = {
    "/proc/self/cgroup": "0::/user.slice/build\n",
    "/sys/fs/cgroup/user.slice/build/memory.max": "max\n",
    "/sys/fs/cgroup/user.slice/build/memory.current": "400\n",
    "/sys/fs/cgroup/user.slice/build/memory.events": "low 0\noom 1\noom_kill 2\n",
    "/sys/fs/cgroup/user.slice/memory.max": "2000\n",
    "/sys/fs/cgroup/user.slice/memory.current": "900\n",
    "/sys/fs/cgroup/user.slice/memory.stat": "anon 600\ninactive_file 100\n",
    "/sys/fs/cgroup/user.slice/cpu.max": "200000 100000\n",
    "/sys/fs/cgroup/user.slice/build/cpu.max": "max 100000\n",
}
CONTAINER = {
    "/proc/self/cgroup": "0::/../../docker/abc\n",
    "/sys/fs/cgroup/memory.max": "3000\n",
    "/sys/fs/cgroup/memory.current": "1000\n",
}
"""The path is the host's; what the container sees of it is the root."""


def test_v1() -> None:
    limit = memory_limit(V1.get)
    assert limit is not None
    assert (limit.limit, limit.usage, limit.left) == (1000, 400, 600)
    assert limit.file == "/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes"
    assert (cpu_quota(V1.get), oom_kills(V1.get)) == (1.5, 3)


def test_v2_goes_by_the_tightest_on_the_way_up() -> None:
    limit = memory_limit(V2.get)
    assert limit is not None
    assert (limit.limit, limit.usage) == (2000, 800)
    assert (cpu_quota(V2.get), oom_kills(V2.get)) == (2.0, 2)


def test_in_a_container_the_root_is_ours() -> None:
    limit = memory_limit(CONTAINER.get)
    assert limit is not None
    assert (limit.limit, limit.left) == (3000, 2000)


@pytest.mark.parametrize(
    "files", [{}, {"/proc/self/cgroup": "garbage\n::\n"}, {"/proc/self/cgroup": "0::/\n"}], ids=len
)
def test_none(files: dict[str, str]) -> None:
    assert (memory_limit(files.get), cpu_quota(files.get), oom_kills(files.get)) == (None, None, None)


def test_kills_of_the_whole_machine_where_the_group_does_not_tell() -> None:
    assert oom_kills({"/proc/vmstat": "nr_free_pages 1\noom_kill 7\n"}.get) == 7


@pytest.mark.parametrize(("allowed", "quota", "count"), [(20, None, 20), (20, 1.5, 2), (2, 8.0, 2), (4, 0.1, 1)])
def test_processors(allowed: int, quota: float | None, count: int) -> None:
    assert processors(allowed, quota) == count


MEMINFO = "MemTotal:  131072 kB\nMemAvailable:  65536 kB\nSwapFree:  1024 kB\n"


def test_a_machine(tmp_path: Path) -> None:
    files = {
        **V1,
        "/proc/meminfo": MEMINFO,
        "/etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n',
        "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "4000000\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "3000000\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    }
    found = read_machine(tmp_path / "not" / "yet", read=files.get)
    assert (found.memory_available, found.memory_limit, found.swap_free) == (600, 1000, 1024 * 1024)
    assert found.memory_limit_from.endswith("memory.limit_in_bytes")
    assert (found.distribution, found.governor, found.clock_share) == ("ubuntu", "powersave", 0.75)
    assert found.disk_free
    assert found.now > 0


def test_a_limit_that_leaves_more_than_there_is_does_not_count(tmp_path: Path) -> None:
    found = read_machine(tmp_path, read={**CONTAINER, "/proc/meminfo": "MemAvailable: 1 kB\n"}.get)
    assert (found.memory_available, found.memory_limit, found.memory_limit_from) == (1024, None, "")


def test_sensors() -> None:
    base = "/sys/class/thermal/thermal_zone3"
    files = {
        f"{base}/temp": "81500\n",
        f"{base}/type": "acpitz\n",
        f"{base}/trip_point_0_type": "critical\n",
        f"{base}/trip_point_0_temp": "105000\n",
        f"{base}/trip_point_1_type": "passive\n",
        f"{base}/trip_point_1_temp": "90000\n",
        "/sys/class/thermal/thermal_zone4/temp": "invalid\n",
        "/sys/class/thermal/thermal_zone5/temp": "20000\n",
    }
    assert thermal_zones(files.get) == (
        ThermalZone(name="acpitz", degrees=81.5, limit=90.0),
        ThermalZone(name="zone 5", degrees=20.0, limit=None),
    )
