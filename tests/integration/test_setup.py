"""setup with real uv: made once, recorded, reused, switched to; the env family on what it made."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from scripts.environments.store import read_record
from scripts.errors import DiskError, ExitCode, NoCandidateError, UsageError
from scripts.home import CHECKOUT
from scripts.model.environment import EnvironmentState
from scripts.operations.environments import listing, purge, remove, use
from scripts.serial import from_data, to_data
from scripts.shell import Completed, run
from tests.support.world import TORCH, Recorder, World

pytestmark = pytest.mark.integration


def invoke(world: World, *arguments: str) -> Completed:
    """Run a task as a person does, on the world's data root."""
    return run([sys.executable, "-m", "invoke", *arguments], env=world.environ(), cwd=CHECKOUT)


def test_an_environment_is_whole_recorded_and_current(world: World) -> None:
    result = world.setup()
    folder = world.home.environments / result.environment
    record = read_record(folder)
    assert (result.reused, result.current, result.prediction, result.weights) == (False, True, None, None)
    assert record.state is EnvironmentState.READY
    assert record.completed_steps == len(record.plan.steps)
    assert (record.schema, record.tool, record.name) == (1, "kokoro-spark", result.environment)
    assert result.environment == f"cpu-{record.plan.digest}"
    assert record.uv_version == world.context().facts.uv_version
    assert record.plan == result.plan
    assert (record.plan.torch, record.plan.cuda, record.plan.source) == (f"{TORCH}+cpu", None, "cpu")
    assert from_data(type(record), json.loads(json.dumps(to_data(record))), what="a record") == record

    site = next(folder.glob("lib/python3.*/site-packages"))
    assert {one.name for one in record.distributions} == {"torch", "kokoro", "kokoro-spark", "misaki"}
    for one in record.distributions:
        (path,) = site.glob(f"{one.name.replace('-', '_')}-*.dist-info/RECORD")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == one.record_sha256

    wheels = [*(world.root / "cpu").iterdir(), *(world.root / "default").iterdir()]
    known = {"sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels}
    pins = [pin for step in record.plan.steps if hasattr(step, "lock") for pin in step.lock.pins]
    assert len(pins) == 6
    assert {one for pin in pins for one in pin.hashes} < known

    link = world.home.current
    assert link.readlink() == Path(result.environment), "relative: the data root may be moved as a whole"
    question = "import kokoro_spark, torch, kokoro, en_core_web_sm; print(torch.__version__, en_core_web_sm.load())"
    done = run([str(folder / "bin" / "python"), "-I", "-c", question])
    assert done.stdout == f"{TORCH}+cpu stub\n", done.stderr


def test_a_ready_environment_is_reused_without_uv(world: World) -> None:
    first, second = Recorder(), Recorder()
    made = world.setup(context=world.context(run=first))
    before = read_record(world.home.environments / made.environment)
    asked = len(world.default.requests) + len(world.cpu.requests)
    again = world.setup(context=world.context(run=second))
    assert next(argv[1:3] for argv in first.uv()) == ("venv", "--quiet")
    assert second.uv() == []
    assert len(world.default.requests) + len(world.cpu.requests) == asked
    assert (again.reused, again.environment, again.current) == (True, made.environment, True)
    assert read_record(world.home.environments / made.environment) == before


def test_another_pin_is_another_environment_and_the_switch_goes_both_ways(world: World) -> None:
    lane = world.setup()
    default = world.setup(world.request(source="default"))
    assert lane.environment != default.environment
    assert (lane.plan.source, default.plan.source) == ("cpu", "pypi")
    context = world.context()
    shown = {one.name: one for one in listing(context)}
    assert {name: one.current for name, one in shown.items()} == {lane.environment: False, default.environment: True}
    assert {one.state for one in shown.values()} == {"ready"}
    assert {one.torch for one in shown.values()} == {TORCH, f"{TORCH}+cpu"}
    assert use(lane.environment, context) == lane.environment
    assert world.current() == lane.environment
    with pytest.raises(NoCandidateError, match="more than one") as caught:
        use("cpu-", context)
    assert lane.environment in caught.value.context
    with pytest.raises(UsageError):
        use("../elsewhere", context)
    assert world.setup().reused
    assert world.current() == lane.environment


def test_a_damaged_environment_is_made_again(world: World) -> None:
    made = world.setup()
    folder = world.home.environments / made.environment
    (folder / "kokoro-spark.json").write_text('{"schema": 1, "tool": "kokoro-sp')
    with pytest.raises(DiskError) as caught:
        world.setup()
    assert caught.value.reference == "not-ours", "a torn tag is none: nothing is deleted on a guess"
    (folder / "kokoro-spark.json").write_text('{"schema": 1, "tool": "kokoro-spark", "na')
    assert not world.setup().reused, "the tag is whole, the rest is torn"
    (folder / "kokoro-spark.json").write_text('{"tool": "kokoro-spark", "schema": 0}')
    assert not world.setup().reused
    (folder / "bin" / "python").unlink()
    assert not world.setup().reused
    assert world.setup().reused


def test_env_remove_and_purge_delete_what_is_ours_and_nothing_else(world: World) -> None:
    kept = world.setup().environment
    gone = world.setup(world.request(source="default")).environment
    context = world.context()
    stranger = world.home.environments / "precious"
    (stranger / "bin").mkdir(parents=True)
    (stranger / "data.txt").write_text("mine")
    assert remove(gone, context) == gone
    assert not world.home.current.is_symlink(), "it was the current one"
    with pytest.raises(DiskError) as refused:
        remove("precious", context)
    assert refused.value.reference == "not-ours"
    use(kept, context)
    (world.home.root / "toolkit").mkdir()
    with pytest.raises(DiskError) as caught:
        purge(context)
    assert "precious" in caught.value.message
    assert sorted(path.name for path in world.home.root.iterdir()) == ["envs", "toolkit"]
    assert [path.name for path in world.home.environments.iterdir()] == ["precious"]
    assert (stranger / "data.txt").read_text() == "mine"


def test_purge_also_takes_what_a_killed_removal_left(world: World) -> None:
    made = world.setup().environment
    (world.home.environments / made).rename(world.home.environments / f".removing-{made}-1")
    (world.home.environments / "cpu-000000000000").mkdir()
    assert purge(world.context())
    assert list(world.home.root.iterdir()) == []


def test_the_env_tasks_as_a_person_types_them(world: World) -> None:
    made = world.setup().environment
    listed = invoke(world, "env.list", "--json")
    (row,) = json.loads(listed.stdout)
    assert (row["name"], row["current"], row["state"]) == (made, True, "ready")
    code = "import sys, torch; print(sys.argv[1:], torch.__version__, sys.prefix); sys.exit(7)"
    words = ["two words", "it's", '"q"', "--json", "$HOME"]
    done = invoke(world, "env.run", "--", "python", "-c", code, *words)
    folder = world.home.environments / made
    assert done.stdout == f"{words} {TORCH}+cpu {folder}\n"
    assert done.returncode == 7, "the command's own"
    missing = invoke(world, "env.run", "--", "no-such-program")
    assert (missing.returncode, "no-such-program" in missing.stderr) == (ExitCode.USAGE, True)
    nothing = invoke(world, "env.use", "cu130")
    assert nothing.returncode == ExitCode.NO_CANDIDATE
    assert made in nothing.stderr, "it says what there is"
    refused = invoke(world, "env.purge")
    assert refused.returncode == ExitCode.USAGE
    assert folder.is_dir()
    assert invoke(world, "env.purge", "--yes", "--json").returncode == ExitCode.OK
    assert not folder.exists()
    assert invoke(world, "env.run", "--", "python").returncode == ExitCode.NO_CANDIDATE
