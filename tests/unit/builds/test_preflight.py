"""What stands in the way of a build, and what is only worth a word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scripts.builds.arch import parse_archs
from scripts.builds.jobs import choose_jobs, forecast
from scripts.builds.preflight import Preflight, preflight, require_ready
from scripts.builds.recipe import load_recipe
from scripts.errors import BuildError, DiskError
from scripts.model.builds import BuildMachine, ThermalZone, Toolchain
from scripts.model.recipes import Recipe

GB = 1_000_000_000
NOW = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
MACHINE = BuildMachine(
    cpus=20, memory_available=120 * GB, swap_free=16 * GB, disk_free=900 * GB, distribution="ubuntu", now=NOW
)
TOOLS = Toolchain(
    cc="/usr/bin/gcc",
    cxx="/usr/bin/g++",
    cxx_version="g++ 13.3.0",
    cuda_home="/usr/local/cuda",
    cuda_version="13.0",
    cuda_from="/usr/local/cuda",
    nvcc_version="13.0.88",
    nvcc_codes=("sm_90", "sm_120", "sm_121"),
)
LEAN = load_recipe("torch-lean")


def flown(
    machine: BuildMachine = MACHINE,
    tools: Toolchain = TOOLS,
    recipe: Recipe = LEAN,
    environ: dict[str, str] | None = None,
    wanted: int | None = None,
) -> Preflight:
    jobs = choose_jobs(machine, recipe.resources, wanted)
    return preflight(
        recipe,
        archs=parse_archs("12.1a"),
        machine=machine,
        toolchain=tools,
        jobs=jobs,
        forecast=forecast(recipe, jobs, machine),
        environ=environ or {},
    )


def test_a_spark_is_ready() -> None:
    found = flown()
    assert (found.blockers, found.notes, found.full) == ((), (), False)
    require_ready(found)


NO_NVCC = replace(TOOLS, cuda_home=None, cuda_from="", nvcc_version=None, nvcc_codes=())
OLD_NVCC = replace(TOOLS, nvcc_version="12.8.93", nvcc_codes=("sm_90", "sm_120"))
FROM_INDEX = replace(NO_NVCC, cuda_from="the default index", cuda_version="12.4")
CROSS = replace(TOOLS, triple="aarch64-linux-gnu")


@pytest.mark.parametrize(
    ("machine", "tools", "reason", "hint"),
    [
        (MACHINE, replace(TOOLS, cxx_version=""), "no C++ compiler", "apt-get install g++"),
        (replace(MACHINE, distribution="fedora"), replace(TOOLS, cxx_version=""), "no C++ compiler", "dnf install"),
        (MACHINE, NO_NVCC, "no CUDA toolkit here", "--in container"),
        (MACHINE, OLD_NVCC, "nvcc 12.8.93 (/usr/local/cuda) is too old for 12.1a: it compiles up to sm_120", "12.9 is"),
        (MACHINE, FROM_INDEX, "no nvcc of CUDA 12.4 is pinned", "--cuda PATH"),
        (MACHINE, CROSS, "not built on one machine for another", "leave --platform out"),
        (replace(MACHINE, memory_available=2 * GB, swap_free=0), TOOLS, "2.0 GB of memory and swap are free", "swap"),
        (replace(MACHINE, disk_free=3 * GB), TOOLS, "3.0 GB of disk are free", "KOKORO_SPARK_HOME"),
        (replace(MACHINE, now=0.0), TOOLS, "clock says 1970-01-01", "timedatectl"),
    ],
)
def test_what_is_in_the_way(machine: BuildMachine, tools: Toolchain, reason: str, hint: str) -> None:
    found = flown(machine, tools)
    (blocker,) = found.blockers
    assert reason in blocker.reason
    assert hint in blocker.hint
    kind = DiskError if "disk" in reason else BuildError
    with pytest.raises(kind) as caught:
        require_ready(found)
    assert reason in caught.value.message


def test_all_at_once() -> None:
    found = flown(replace(MACHINE, disk_free=GB, now=0.0), replace(NO_NVCC, cxx_version=""))
    with pytest.raises(BuildError) as caught:
        require_ready(found)
    told = str(caught.value)
    assert all(words in told for words in ("C++ compiler", "CUDA toolkit", "clock", "of disk"))


def test_the_limit_of_a_control_group_is_named() -> None:
    limited = replace(MACHINE, memory_available=GB, memory_limit_from="/sys/fs/cgroup/x/memory.max")
    (blocker,) = flown(replace(limited, swap_free=0)).blockers
    assert "/sys/fs/cgroup/x/memory.max" in blocker.reason


@pytest.mark.parametrize(
    ("machine", "note"),
    [
        (replace(MACHINE, memory_available=20 * GB), "memory allows 4 compilers at once, for 20 processors"),
        (replace(MACHINE, swap_free=0), "there is no swap"),
        (replace(MACHINE, governor="powersave"), "governor is powersave"),
        (replace(MACHINE, clock_share=0.5), "held at 50% of its highest"),
        (replace(MACHINE, thermal=(ThermalZone(name="cpu", degrees=85, limit=90),)), "cpu is at 85 degrees"),
    ],
)
def test_what_is_worth_a_word(machine: BuildMachine, note: str) -> None:
    found = flown(machine)
    assert found.blockers == ()
    assert any(note in one for one in found.notes), found.notes


def test_more_jobs_than_memory_is_said() -> None:
    found = flown(replace(MACHINE, memory_available=20 * GB), wanted=20)
    assert any("20 jobs may take 81 GB" in one for one in found.notes)


def test_what_the_caller_says_and_the_build_does_not_hear() -> None:
    (note,) = flown(environ={"CFLAGS": "-O0", "HOME": "/root", "USE_CUDA": "0"}).notes
    assert note.endswith("CFLAGS, USE_CUDA")
