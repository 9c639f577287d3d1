"""`setup --strategy ngc` on a base with a stub of torch: how a build ends, and what it leaves with the engine."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen
from time import monotonic, sleep

import pytest

from scripts.environments.image import BUILD_LABEL, image_tag
from scripts.environments.store import read_record
from scripts.errors import BuildError, IntegrityError, NetworkError, NoCandidateError, SparkError
from scripts.home import CHECKOUT
from scripts.model.environment import EnvironmentRecord, EnvironmentState
from scripts.model.target import GB10, PythonVersion
from scripts.operations.context import Context
from scripts.operations.environments import remove
from scripts.operations.planning import make_plan
from scripts.operations.setup import SetupResult, setup
from scripts.shell import run
from tests.containers.daemon import DockerEngine
from tests.containers.stub_base import STUB, StubWorld, stub_base
from tests.support.world import World, make_torch, pin, supported

pytestmark = pytest.mark.containers

_PATIENCE = 120.0


@pytest.fixture
def stub(tmp_path: Path, docker: DockerEngine, containers_context: Context) -> Iterator[StubWorld]:
    interpreter = supported(containers_context.facts.host.interpreters)
    if interpreter is None:
        pytest.skip("no Python here that setup takes")
    with World(tmp_path, interpreter) as world:
        yield StubWorld(world=world, engine=docker)
        for entry in world.context().store.entries():
            tag = f"kokoro-spark/ngc:{entry.name.rpartition('-')[2]}"
            run(["docker", "image", "rm", tag], env=docker.environ())


@pytest.fixture(scope="module")
def base(docker: DockerEngine, small_image: str) -> str:
    return stub_base(docker, small_image, tag="good")


def set_up(stub: StubWorld, image: str, context: Context | None = None) -> SetupResult:
    """Without a first smoke: there is no torch to be asked."""
    return setup(stub.request(image), None, GB10, context or stub.context(), wait_seconds=_PATIENCE, smoke=False)


def record_of(stub: StubWorld, name: str) -> EnvironmentRecord:
    return read_record(stub.world.home.environments / name)


def images(stub: StubWorld, *filters: str) -> list[str]:
    words = [word for one in filters for word in ("--filter", one)]
    return run(["docker", "images", "--quiet", *words], env=stub.engine.environ()).stdout.split()


def test_what_is_built_is_ours_and_the_torch_in_it_the_bases(stub: StubWorld, base: str) -> None:
    result = set_up(stub, base)
    record = record_of(stub, result.environment)
    assert record.container is not None
    assert (record.container.torch, record.container.cuda, record.container.base) == ("2.10.0", "13.1", base)
    assert (record.plan.torch, record.plan.cuda) == ("2.10.0", "13.1")
    assert stub.world.current() == result.environment
    context = stub.context()
    place = context.place(context.store.find(None))
    program = (
        "import json, os, torch, kokoro, kokoro_spark, en_core_web_sm; from importlib.metadata import version; "
        "print(json.dumps([torch.__file__, kokoro.__file__, version('kokoro'), os.path.exists('/context')]))"
    )
    done = place.run([str(place.python), "-I", "-c", program])
    assert done.ok, done.stderr
    torch, kokoro, version, context_is_there = json.loads(done.stdout)
    assert not torch.startswith("/opt/kokoro-spark")
    assert kokoro.startswith("/opt/kokoro-spark")
    assert version == "0.9.4"
    assert context_is_there is False


def test_a_second_setup_finds_it(stub: StubWorld, base: str) -> None:
    first = set_up(stub, base)
    again = set_up(stub, base)
    assert (first.reused, again.reused) == (False, True)
    assert again.environment == first.environment


def test_it_runs_as_an_ordinary_user_by_itself(stub: StubWorld, base: str) -> None:
    tag = image_tag(set_up(stub, base).plan)
    argv = ["docker", "run", "--rm", "--network", "none", tag, "sh", "-c", "id -u; pwd; touch caches/x weights/y; env"]
    done = run(argv, env=stub.engine.environ())
    assert done.ok, done.stderr
    assert done.stdout.splitlines()[:2] == ["10001", "/data"]
    assert "HF_HUB_OFFLINE=1" in done.stdout
    assert "PIP_CONFIG_FILE" not in done.stdout


def test_nothing_of_pips_configuration_stays_with_the_engine(stub: StubWorld, base: str) -> None:
    """Every image of the build but the finished one is gone, and its history names no index."""
    plan = set_up(stub, base).plan
    only = f"label={BUILD_LABEL}={plan.digest}"
    assert len(images(stub, only)) == 1
    assert images(stub, only, "dangling=true") == []
    history = run(["docker", "history", "--no-trunc", image_tag(plan)], env=stub.engine.environ()).stdout
    assert "COPY" in history
    assert "127.0.0.1" not in history
    folder = stub.world.home.environments / plan.environment
    assert b"127.0.0.1" not in b"".join(path.read_bytes() for path in (folder / "context").rglob("*") if path.is_file())


def test_what_is_left_of_the_context_builds_the_same_by_hand(stub: StubWorld, base: str) -> None:
    plan = set_up(stub, base).plan
    context = stub.world.home.environments / plan.environment / "context"
    by_hand = stub.world.root / "by-hand"
    shutil.copytree(context, by_hand)
    (by_hand / "private" / "pip.conf").write_text(f"[global]\nindex-url = {stub.world.default.url}\n", encoding="utf-8")
    argv = ["docker", "build", "--file", str(by_hand / "ngc.Dockerfile"), "--build-arg", f"BASE={base}"]
    done = run([*argv, "--network", "host", "--tag", f"{STUB}:by-hand", str(by_hand)], env=stub.engine.environ())
    assert done.ok, done.stdout + done.stderr
    run(["docker", "image", "rm", f"{STUB}:by-hand"], env=stub.engine.environ())


def test_removing_it_takes_the_image_along_and_leaves_the_base(stub: StubWorld, base: str) -> None:
    result = set_up(stub, base)
    context = stub.context()
    remove(result.environment, context)
    assert images(stub, f"label={BUILD_LABEL}={result.plan.digest}") == []
    assert images(stub, f"reference={base}")
    assert stub.world.current() is None


def test_an_image_that_the_user_removed_is_told_at_use_and_built_again(stub: StubWorld, base: str) -> None:
    result = set_up(stub, base)
    run(["docker", "image", "rm", image_tag(result.plan)], env=stub.engine.environ())
    context = stub.context()
    place = context.place(context.store.find_ready(None))
    with pytest.raises(NoCandidateError) as told:
        place.run([str(place.python), "-c", "print(1)"])
    assert told.value.reference == "image-gone"
    assert "run `invoke setup` again" in told.value.hint
    again = set_up(stub, base)
    assert again.reused is False
    context = stub.context()
    place = context.place(context.store.find_ready(None))
    assert place.run([str(place.python), "-c", "print(1)"]).stdout == "1\n"


def fails(stub: StubWorld, image: str, kind: type[SparkError], reference: str, **changes: object) -> SparkError:
    """The error, a record that says so, nothing left with the engine, and what was current still current."""
    before = stub.world.current()
    context = stub.context()
    request = stub.request(image)
    for name, value in changes.items():
        object.__setattr__(request, name, value)
    plan = make_plan(request, context).plan
    with pytest.raises(kind) as told:
        setup(request, None, GB10, context, smoke=False)
    assert told.value.reference == reference, told.value
    assert told.value.hint
    record = record_of(stub, plan.environment)
    assert record.state is EnvironmentState.FAILED
    assert record.reason == told.value.message
    assert images(stub, f"label={BUILD_LABEL}={plan.digest}") == []
    assert stub.world.current() == before
    return told.value


def test_another_python_than_the_pins_are_for(stub: StubWorld, base: str) -> None:
    minor = stub.world.interpreter.minor
    other = PythonVersion(3, 11) if minor != PythonVersion(3, 11) else PythonVersion(3, 12)
    path = stub.world.lock_path("kokoro")
    shutil.copyfile(path, path.with_name(path.name.replace(minor.tag, other.tag)))
    error = fails(stub, base, NoCandidateError, "python-mismatch", python=other)
    assert f"the base image has Python {minor}" in error.message
    assert f"--python {minor}" in error.hint


def test_a_base_without_torch(stub: StubWorld, small_image: str) -> None:
    bare = stub_base(stub.engine, small_image, tag="bare", torch=None)
    fails(stub, bare, NoCandidateError, "no-torch")


def test_a_base_whose_torch_is_for_the_cpu_alone(stub: StubWorld, small_image: str) -> None:
    fails(stub, stub_base(stub.engine, small_image, tag="cpu", cuda=None), NoCandidateError, "cpu-build")


@pytest.mark.parametrize("version", ["2.10.0", "2.15.0"])
def test_pins_that_bring_a_torch_along(stub: StubWorld, base: str, version: str) -> None:
    """Of the base's own version, which the constraint lets pass and the check does not, and of another."""
    wheel = make_torch(stub.world.root / "default", version)
    stub.world.write_lock("kokoro", *stub.world.rest_pins(), pin(wheel))
    fails(stub, base, IntegrityError, "torch-replaced")


def test_a_file_that_is_not_the_pinned_one(stub: StubWorld, base: str) -> None:
    wheel = next((stub.world.root / "default").glob("attrs-*.whl"))
    others = [one for one in stub.world.rest_pins() if not one.startswith("attrs")]
    stub.world.write_lock("kokoro", *others, pin(wheel, sha256="0" * 64))
    fails(stub, base, IntegrityError, "hash-mismatch")


def test_an_image_that_is_nowhere(stub: StubWorld, base: str) -> None:
    """Its registry does not exist; what is current stays so."""
    set_up(stub, base)
    fails(stub, f"{STUB}:never-made", NetworkError, "registry-unreachable")


def test_a_killed_setup_leaves_the_former_current_and_the_next_one_builds(
    stub: StubWorld, base: str, small_image: str
) -> None:
    former = set_up(stub, base).environment
    other = stub_base(stub.engine, small_image, tag="other", torch="2.11.0")
    plan = make_plan(stub.request(other), stub.context()).plan
    private = stub.world.home.environments / plan.environment / "context" / "private" / "pip.conf"
    process = _start(stub, other)
    deadline = monotonic() + _PATIENCE
    while not (private.is_file() and private.stat().st_size):
        assert process.poll() is None, "it ended before its build began"
        assert monotonic() < deadline
        sleep(0.02)
    process.kill()  # the engine's client lives on, and holds the lock until it has ended
    process.wait()
    assert stub.world.current() == former
    assert record_of(stub, plan.environment).state is EnvironmentState.BUILDING
    result = set_up(stub, other)
    assert (result.environment, result.reused) == (plan.environment, False)
    assert stub.world.current() == plan.environment


PROGRAM = """
import json, sys
from pathlib import Path
from scripts.home import Home
from scripts.model.plan import Request
from scripts.model.target import GB10, PythonVersion
from scripts.operations.context import Context
from scripts.operations.setup import setup
home, constraints, uv, image, python = json.loads(sys.argv[1])
context = Context(home=Home(Path(home)), constraints=Path(constraints))
context.uv = uv
setup(Request(strategy="ngc", image=image, python=PythonVersion.parse(python)), None, GB10, context, smoke=False)
"""


def _start(stub: StubWorld, image: str) -> Popen[bytes]:
    world = stub.world
    words = json.dumps([str(world.home.root), str(world.constraints), world.uv, image, world.python])
    argv = [sys.executable, "-c", PROGRAM, words]
    return Popen(argv, cwd=CHECKOUT, env=stub.environ(), stdout=DEVNULL, stderr=DEVNULL)


def test_a_client_that_is_killed_says_so(stub: StubWorld, base: str) -> None:
    """By a docker that dies in the middle, as the kernel ends one where the memory runs out."""
    dying = stub.world.root / "bin" / "docker"
    client = shutil.which("docker")
    dying.write_text(f'#!/bin/sh\n[ "$1" = build ] && kill -9 $$\nexec {client} "$@"\n', encoding="utf-8")
    dying.chmod(0o755)
    fails(stub, base, BuildError, "engine-killed")
