"""`auto` with a real uv and indexes on loopback: two rungs that install, a judge that was told what to say."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.environments.store import read_record
from scripts.errors import ExitCode, NoCandidateError
from scripts.model.climb import RungState
from scripts.model.environment import EnvironmentState
from scripts.model.facts import Interpreter
from scripts.model.plan import Request
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.climbing import foresee_climb
from scripts.operations.setup import SetupResult, setup
from tests.support.climbing import prepare, with_a_gpu
from tests.support.verdicts import Verdicts
from tests.support.world import World

pytestmark = pytest.mark.integration

UV_RUNS = 6
"""Of one rung: a venv, two locks, two wheels of ours, the check."""
FIRST_FAILS = {"pypi": "broken"}


@pytest.fixture
def world(tmp_path: Path, interpreter: Interpreter) -> Iterator[World]:
    with World(tmp_path / "world", interpreter) as made:
        yield prepare(made)


def climb(world: World, verdicts: Verdicts, **said: object) -> SetupResult:
    request = Request(python=world.interpreter.minor, **said)  # type: ignore[arg-type]
    return setup(request, None, GB10, with_a_gpu(world.context()), wait_seconds=60, judge=verdicts)


def states(result: SetupResult) -> dict[str, str]:
    assert result.climb is not None
    return {rung.strategy: str(rung.state) for rung in result.climb.rungs}


def asked_for_packages(world: World) -> list[str]:
    """What was asked of the indexes."""
    return [*world.default.requests, *world.cpu.requests, *world.cu130.requests]


def test_the_first_rung_holds(world: World) -> None:
    verdicts = Verdicts()
    result = climb(world, verdicts)
    assert result.environment.startswith("pypi-")
    assert world.current() == result.environment
    assert (verdicts.seen, result.verdict) == (["pypi"], "not-needed")
    assert states(result)["cu130"] == "not reached"
    assert world.cu130.requests == world.cpu.requests == [], "no rung below was asked for"


def test_the_first_fails_verification_and_the_second_holds(world: World) -> None:
    before = world.setup().environment
    verdicts = Verdicts(FIRST_FAILS)
    result = climb(world, verdicts)
    assert (states(result)["pypi"], states(result)["cu130"]) == ("failed", "chosen")
    assert world.current() == result.environment != before
    failed = next(entry.record for name, entry in world.entries().items() if name.startswith("pypi-"))
    assert failed is not None
    assert (failed.state, failed.verdict) == (EnvironmentState.READY, "broken")
    assert "pypi was found broken" in failed.reason
    again = climb(world, verdicts)
    assert again.reused
    assert (again.environment, verdicts.seen) == (result.environment, ["pypi", "cu130"])


def test_what_facts_refuse_is_not_asked_for(world: World) -> None:
    request = Request(python=world.interpreter.minor)
    result = setup(request, None, GB10, world.context(), wait_seconds=60, judge=Verdicts())
    assert result.environment.startswith("cpu-")
    assert world.cu130.requests == []
    outlook = foresee_climb(request, with_a_gpu(world.context()))
    assert outlook.plan.strategy == "pypi"
    assert world.cu130.requests == []


def test_what_data_refuse_is_not_asked_for(world: World) -> None:
    """torch 2.15.0 has no code for Volta, and CUDA 13 compiles for none: neither index is asked for anything."""
    volta = with_a_gpu(world.context(), ComputeCapability(7, 0))
    outlook = foresee_climb(Request(python=world.interpreter.minor, allow_cpu=True, never=("onnx",)), volta)
    assert outlook.plan.strategy == "cpu"
    reasons = {rung.strategy: "; ".join(one.reason for one in rung.reasons) for rung in outlook.climb.rungs}
    assert "no kernel image for 7.0" in reasons["pypi"]
    assert "CUDA 13.0 no longer compiles for 7.0" in reasons["cu130"]
    assert asked_for_packages(world) == []


def test_a_dry_run_downloads_nothing(world: World) -> None:
    outlook = foresee_climb(Request(python=world.interpreter.minor, never=("pypi",)), with_a_gpu(world.context()))
    assert outlook.climb.rung("cu130").state is RungState.NEXT
    assert not any(".whl" in request and ".metadata" not in request for request in asked_for_packages(world))
    assert world.entries() == {}


def test_a_rung_that_cannot_be_installed_gives_way_to_the_next(world: World) -> None:
    (torch,) = (world.root / "default").glob("torch-*.whl")
    torch.write_bytes(torch.read_bytes() + b"\0")
    result = climb(world, Verdicts())
    assert (states(result)["pypi"], states(result)["cu130"]) == ("failed", "chosen")
    assert result.climb is not None
    assert "not the pinned one" in result.climb.rung("pypi").reasons[0].reason
    failed = next(entry.record for name, entry in world.entries().items() if name.startswith("pypi-"))
    assert failed is not None
    assert failed.state is EnvironmentState.FAILED


def test_nothing_holds(world: World) -> None:
    before = world.setup().environment
    with pytest.raises(NoCandidateError) as caught:
        climb(world, Verdicts({"pypi": "broken", "cu130": "undecided"}), never=("onnx",))
    assert caught.value.reference == "no-gpu-strategy"
    assert "pypi: failed, judged broken: pypi was found broken" in caught.value.context
    assert "cu130: failed, judged undecided" in caught.value.context
    assert world.current() == before


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def require_nothing_half_made(world: World, before: str) -> None:
    """Insist that what was current is, and that nothing that looks ready is not whole."""
    assert world.current() == before
    for entry in world.entries().values():
        if entry.record is not None and entry.record.state is EnvironmentState.READY:
            assert entry.record.completed_steps == len(entry.record.plan.steps)
            assert entry.record.distributions


def test_a_kill_in_the_middle_of_any_rung_leaves_what_is_current(world: World) -> None:
    before = world.setup().environment
    saved = world.root / "saved"
    shutil.copytree(world.home.root, saved, symlinks=True)
    code, err = ended(world.start(auto=FIRST_FAILS))
    assert code == ExitCode.OK, err
    steps, chosen = world.steps(), str(world.current())
    assert chosen.startswith("cu130-")
    assert steps[-1].startswith("os.rename .current."), "the last step is the switch"
    # A temporary file that was opened changes nothing for anyone before it is renamed, which is a step too.
    numbers = [number for number, step in enumerate(steps, 1) if not step.startswith("open ")]
    assert sum(steps[number - 1].startswith("uv ") for number in numbers) == 2 * UV_RUNS + 1, "one resolved the lane"
    for place, number in enumerate(numbers):
        shutil.rmtree(world.home.root)
        shutil.copytree(saved, world.home.root, symlinks=True)
        code, err = ended(world.start(auto=FIRST_FAILS, kill_at=number))
        assert code == -signal.SIGKILL, err
        require_nothing_half_made(world, before)
        if place % 4:  # going on takes as long again: it is tried after every fourth
            continue
        result = climb(world, Verdicts(FIRST_FAILS))
        assert (states(result)["pypi"], states(result)["cu130"]) == ("failed", "chosen"), steps[number - 1]
        assert world.current() == result.environment == chosen
        record = read_record(world.home.environments / chosen)
        assert (record.state, record.verdict, record.climb) == (EnvironmentState.READY, "not-needed", result.climb)
