"""A build of torch's shape (setup.py, CMake, ninja, two hundred units): killed, short of memory, resumed."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from scripts.errors import BuildError, DiskError, ExitCode
from scripts.home import CHECKOUT
from scripts.model.builds import AttemptOutcome
from scripts.operations.context import Context
from tests.builds.conftest import Builder, data_root
from tests.builds.groups import memory_group

pytestmark = pytest.mark.builds

MB = 1_000_000
UNITS = 202
TASK = ("-m", "invoke", "wheel.build")


def start(many: Builder, *options: str, group: Path | None = None) -> Popen[str]:
    """Start the task itself, in a process group of its own, and in a control group where one is given."""
    environ = {**os.environ, "KOKORO_SPARK_HOME": str(many.context.home.root)}
    # What a shell starts in the background ignores SIGINT, and so does all that it starts.
    command = ["env", "--default-signal=INT", sys.executable, *TASK, str(many.recipe), *options]
    if group is not None:
        command = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group), *command]
    return Popen(command, cwd=CHECKOUT, env=environ, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True)


def compiled(many: Builder) -> list[str]:
    """Every object that a compiler was started for, over all runs."""
    return re.findall(r"\[\d+/\d+\] Building CXX object \S*?(\w+)\.cpp\.o", many.log())


def until_some_are_compiled(many: Builder, process: Popen[str], count: int = 20) -> None:
    while process.poll() is None and len(compiled(many)) < count:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[1]


def living_compilers(many: Builder) -> list[int]:
    """Every process that works in this build's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                where = (entry / "cwd").readlink()
            except OSError:
                continue
            if where.is_relative_to(many.context.home.builds) and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def test_hundreds_of_units(many: Builder) -> None:
    result = many.build()
    assert [one.outcome for one in result.attempts] == [AttemptOutcome.DONE]
    assert len(compiled(many)) == UNITS
    assert result.slowest[0].name.startswith("hungry_")
    assert result.cache is not None
    assert result.cache.misses >= UNITS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_by_a_signal_then_gone_on_with(many: Builder, number: signal.Signals) -> None:
    with start(many, "--jobs", "2") as process:
        until_some_are_compiled(many, process)
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
        process.communicate(timeout=60)
    codes = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}
    assert process.returncode == codes.get(number, -number)
    if number != signal.SIGKILL:
        assert living_compilers(many) == []
    assert many.published() == 0
    before = compiled(many)
    result = many.build(jobs=2)
    assert not result.found
    again = set(before) & set(compiled(many)[len(before) :])
    assert len(again) <= 4, "what was compiled is compiled once, but for what was under way"
    assert set(compiled(many)) >= {f"unit_{number}" for number in range(1, 201)}


def test_a_compiler_that_the_kernel_kills(many: Builder) -> None:
    """Two hungry units at once are too much for the group's memory, and one is not."""
    with memory_group(480 * MB) as group, start(many, "--jobs", "2", "--json", group=group) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert re.search(r"cc1plus was ended by the kernel, for its memory: going on with 1 at once", err), err
    assert '"jobs":2,"outcome":"killed"' in out
    assert '"jobs":1,"outcome":"done"' in out
    names = compiled(many)
    assert len(names) < UNITS + 10, "what was compiled before the kill stays"


def test_too_little_memory_for_one(many: Builder) -> None:
    with memory_group(260 * MB) as group, start(many, "--jobs", "1", group=group) as process:
        _, err = process.communicate(timeout=300)
    assert process.returncode == ExitCode.BUILD, err
    assert "too much for this machine's memory" in err
    assert "swap" in err
    assert "whole log" in err
    assert not many.build().found


def test_memory_is_counted_before_the_first_compiler(many: Builder) -> None:
    recipe = many.recipe.read_text().replace("memory_per_job_gb = 0.2", "memory_per_job_gb = 0.8")
    many.recipe.write_text(recipe)
    with memory_group(600 * MB) as group, start(many, group=group) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.BUILD
    assert "GB of memory and swap are free, of the limit in /sys/fs/cgroup" in err
    assert compiled(many) == []


def test_an_error_is_shown_while_others_compile(many: Builder) -> None:
    listing = many.source / "CMakeLists.txt"
    whole = listing.read_text()
    listing.write_text(
        whole.replace("add_library(", "list(PREPEND sources ${CMAKE_SOURCE_DIR}/broken.cpp)\nadd_library(")
    )
    (many.source / "broken.cpp").write_text("int broken() { return nowhere; }\n")
    error = many.refused(BuildError, "compile-failed")
    assert "broken.cpp:1:23: error:" in error.context
    listing.write_text(whole)
    (many.source / "broken.cpp").unlink()
    assert not many.build().found


def test_no_disk(many: Builder) -> None:
    recipe = many.recipe.read_text()
    many.recipe.write_text(recipe.replace("disk_gb = 0.1", "disk_gb = 1000000"))
    many.refused(DiskError, "disk-full")
    many.recipe.write_text(recipe)
    assert not many.build().found


def test_the_disk_fills_up_midway(many: Builder, environments: Path, tmp_path: Path) -> None:
    """A real file system of a few megabytes; on a larger one the next run succeeds."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=7m", "none", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here (it takes root)")
    try:
        recipe = many.recipe.read_text()
        many.recipe.write_text(recipe.replace("disk_gb = 0.1", "disk_gb = 0.001"))
        cache = {**os.environ, "CCACHE_DIR": str(tmp_path / "cache")}
        full = dataclasses.replace(many, context=Context(home=data_root(small, environments), environ=cache))
        with pytest.raises(DiskError) as caught:
            full.build()
        assert caught.value.reference == "disk-full"
        assert caught.value.hint
        assert full.published() == 0
        subprocess.run(["mount", "-o", "remount,size=200m", str(small)], check=True)
        assert not full.build().found
    finally:
        subprocess.run(["umount", str(small)], check=True)
