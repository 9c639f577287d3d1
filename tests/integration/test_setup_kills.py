"""SIGKILL at every step of setup and in every run of uv, SIGTERM, and two setups at once: nothing half-made is used."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.environments.locking import locked
from scripts.environments.store import read_record
from scripts.errors import BuildError, BusyError, ExitCode
from scripts.home import CHECKOUT
from scripts.model.environment import EnvironmentState
from scripts.operations.environments import remove, use
from tests.support.index_server import Behaviour
from tests.support.world import World

pytestmark = pytest.mark.integration

UV_RUNS = 6
"""A venv, two locks, two wheels of ours, the check."""


@pytest.fixture
def before(world: World) -> str:
    """An environment that is ready and current before anything goes wrong."""
    return world.setup().environment


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for what a process does."""
    end = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def wrap_uv(world: World, text: str) -> None:
    """Put a shell script in uv's place; `$real` is uv."""
    path = world.root / "bin" / "uv"
    path.write_text(f"#!/bin/sh\ncd {shlex.quote(str(world.root))}\nreal={shlex.quote(world.uv)}\n{text}\n")
    path.chmod(0o755)
    world.uv = str(path)


def half_made(world: World, before: str) -> list[str]:
    """Insist that what is there besides `before` is not taken for ready, unless it is whole; name it."""
    assert world.current() == before
    others = {name: entry for name, entry in world.entries().items() if name != before}
    for entry in others.values():
        if entry.record is not None and entry.record.state is EnvironmentState.READY:
            assert entry.record.completed_steps == len(entry.record.plan.steps)
            assert entry.record.distributions
    return list(others)


def test_a_kill_at_every_step_leaves_nothing_that_looks_ready(world: World, before: str) -> None:
    killed_before: list[str] = []
    while (process := world.start(kill_at=len(killed_before) + 1)) is not None:
        code, err = ended(process)
        if code == 0:
            break
        assert code == -signal.SIGKILL, err
        killed_before.append(world.steps()[-1])
        half_made(world, before)
        result = world.setup(world.request(source="default"), wait=0)
        assert world.current() == result.environment, killed_before[-1]
        record = read_record(world.home.environments / result.environment)
        assert record.completed_steps == len(record.plan.steps)
        context = world.context()
        remove(result.environment, context)
        use(before, context)
    assert sum(step.startswith("uv ") for step in killed_before) == UV_RUNS
    assert killed_before[-1].startswith("os.rename .current."), "the last step is the switch"
    assert len(killed_before) > 30


def test_a_kill_while_the_rest_of_a_killed_setup_is_cleared_away(world: World, before: str) -> None:
    assert ended(world.start())[0] == 0
    checked = world.steps().index("uv pip check") + 1
    name = str(world.current())
    remove(name, world.context())
    use(before, world.context())
    assert ended(world.start(kill_at=checked))[0] == -signal.SIGKILL
    folder, saved = world.home.environments / name, world.root / "saved"
    shutil.copytree(folder, saved, symlinks=True)
    killed_before: list[str] = []
    while not (killed_before and killed_before[-1].startswith("os.rename .kokoro-spark.json")):
        shutil.rmtree(folder)
        shutil.copytree(saved, folder, symlinks=True)
        assert ended(world.start(kill_at=len(killed_before) + 1))[0] == -signal.SIGKILL
        killed_before.append(world.steps()[-1])
        assert half_made(world, before) == [name]
        assert world.setup(world.request(source="default")).environment == name
        use(before, world.context())
    assert "shutil.rmtree lib" in killed_before
    assert "os.remove kokoro-spark.json" in killed_before


@pytest.mark.parametrize("number", range(1, UV_RUNS + 1))
def test_a_uv_that_outlives_its_setup_keeps_the_lock(world: World, before: str, number: int) -> None:
    wait = "touch reached; while [ ! -e go ]; do sleep 0.05; done"
    wrap_uv(world, f'echo >> runs\n[ -e go ] || [ "$(wc -l < runs)" -ne {number} ] || {{ {wait}; }}\nexec "$real" "$@"')
    process = world.start()
    until((world.root / "reached").exists, process)
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    (name,) = half_made(world, before)
    with pytest.raises(BusyError) as caught:
        world.setup(world.request(source="default"), wait=0)
    assert name in caught.value.message
    assert f"pid {process.pid} " in caught.value.message
    (world.root / "go").touch()
    assert not world.setup(world.request(source="default")).reused
    assert world.current() == name


def test_a_uv_that_waits_for_an_index_when_its_setup_is_killed(world: World, before: str) -> None:
    world.default.behaviours = {"kokoro": Behaviour(slow=2)}
    process = world.start()
    until(lambda: world.default.requests.count("GET /simple/torch/") == 1, process)
    until(lambda: world.default.requests.count("GET /simple/kokoro/") == 2, process)
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    half_made(world, before)
    with pytest.raises(BusyError):
        world.setup(world.request(source="default"), wait=0)
    assert world.setup(world.request(source="default")).current


def test_a_uv_that_is_killed_is_named(world: World, before: str) -> None:
    wrap_uv(world, 'case "$*" in *"pip check"*) kill -KILL $$;; esac\nexec "$real" "$@"')
    with pytest.raises(BuildError) as caught:
        world.setup(world.request(source="default"))
    assert caught.value.reference == "uv-killed"
    assert "SIGKILL" in caught.value.message
    assert "memory" in caught.value.hint
    (name,) = half_made(world, before)
    record = read_record(world.home.environments / name)
    assert (record.state, record.reason) == (EnvironmentState.FAILED, caught.value.message)
    assert [path.name for path in (world.home.environments / name).iterdir()] == ["kokoro-spark.json"]


def test_sigterm_ends_uv_as_well(world: World, before: str) -> None:
    world.default.behaviours = {"torch": Behaviour(slow=20)}
    argv = [sys.executable, "-m", "invoke", "setup", "--strategy", "pypi", "--weights", "none"]
    with subprocess.Popen(argv, env=world.environ(), cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: "GET /simple/torch/" in world.default.requests, process)
        process.terminate()
        code, err = ended(process)
    assert code == ExitCode.TERMINATED
    assert "Traceback" not in err
    for name in half_made(world, before):
        with locked(world.home.locks / f"{name}.lock", wait_seconds=2, waiting=print):
            pass


def test_two_setups_at_once_make_one_environment(world: World, before: str) -> None:
    world.default.behaviours = {"kokoro": Behaviour(slow=2)}
    asked = world.default.requests.count("GET /simple/kokoro/")
    first = world.start()
    until(lambda: "GET /simple/torch/" in world.default.requests, first)
    second = world.start()
    hasty = world.start(wait=0)
    assert ended(hasty)[0] == ExitCode.BUSY
    codes = [ended(first), ended(second)]
    assert [code for code, _ in codes] == [0, 0], codes
    assert f"another setup of this environment is at work (pid {first.pid} since" in codes[1][1]
    assert "[1/6]" not in codes[1][1], "the second one found it ready"
    assert {entry.record.state for entry in world.entries().values() if entry.record} == {EnvironmentState.READY}
    assert len(world.entries()) == 2
    assert world.default.requests.count("GET /simple/kokoro/") == asked + 1


def test_a_lock_file_that_is_deleted_while_one_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one.lock"
    told: list[str] = []

    def purge(holder: str) -> None:
        told.append(holder)
        path.unlink()

    with locked(path, wait_seconds=0, waiting=told.append) as held:
        reader = os.dup(held)
    os.close(reader)
    holding = locked(path, wait_seconds=0, waiting=told.append)
    with holding:
        with pytest.raises(BusyError), locked(path, wait_seconds=0.3, waiting=purge):
            pass
        with locked(path, wait_seconds=0, waiting=told.append):
            assert path.exists(), "a file of the same name that others find"
    assert len(told) == 1
