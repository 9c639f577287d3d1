"""Mirrors: one of a lane by --index, one of the default index by pip's configuration; certificates and proxies too."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.executor import Executor
from scripts.environments.locking import locked
from scripts.environments.store import read_record
from scripts.errors import NetworkError
from scripts.model.environment import EnvironmentState
from scripts.model.plan import InstallLock, Plan
from scripts.operations.planning import make_plan
from scripts.web import Web
from scripts.wheels.made import write_made_wheel
from tests.support.index_server import IndexServer
from tests.support.world import CLOSED, TORCH, Recorder, World

pytestmark = pytest.mark.integration


def torch_lock_of(plan: Plan) -> InstallLock:
    return next(step for step in plan.steps if isinstance(step, InstallLock))


@pytest.fixture
def unreachable_lane(world: World) -> World:
    """The lane's own index does not answer; its wheels are on a mirror."""
    table = world.constraints / "lanes.toml"
    table.write_text(table.read_text().replace(world.cu130.url, f"{CLOSED}/whl/cu130"))
    return world


def test_a_lane_from_a_mirror_is_locked_at_plan_time_and_installed(unreachable_lane: World) -> None:
    world = unreachable_lane
    with pytest.raises(NetworkError) as caught:
        make_plan(world.request("cu130"), world.context())
    assert "--index URL" in caught.value.hint
    context = world.context()
    plan = make_plan(world.request("cu130", index=world.cu130.url), context).plan
    assert (plan.source, plan.torch, plan.cuda, plan.nvrtc) == ("cu130", f"{TORCH}+cu130", "13.0", "13.0.88")
    assert not [one for one in world.cu130.requests if one.endswith(".whl")], "a plan downloads no wheel"
    assert torch_lock_of(plan).lock.name == "resolved at plan time"

    lock = world.home.locks / f"{plan.environment}.lock"
    with locked(lock, wait_seconds=0, waiting=print) as descriptor:
        executor = Executor(
            store=context.store,
            run=context.run,
            uv=context.uv,
            environ=context.uv_environ,
            uv_version="test",
            make_wheel=write_made_wheel,
            lock_descriptor=descriptor,
        )
        executor.realise(plan)
    record = read_record(world.home.environments / plan.environment)
    assert record.state is EnvironmentState.READY
    kept = torch_lock_of(record.plan).lock
    assert {one.name for one in kept.pins} == {"torch", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "triton"}
    assert all(one.hashes for one in kept.pins)
    assert kept == torch_lock_of(plan).lock
    site = next((world.home.environments / plan.environment).glob("lib/python3.*/site-packages"))
    assert (site / f"torch-{TORCH}+cu130.dist-info").is_dir()


def test_the_lock_of_a_mirror_is_kept_for_a_day_unless_asked_again(unreachable_lane: World) -> None:
    world = unreachable_lane
    request = world.request("cu130", index=world.cu130.url)
    first = make_plan(request, world.context()).plan
    asked, runs = len(world.cu130.requests), Recorder()
    again = make_plan(request, world.context(run=runs)).plan
    assert (again.digest, runs.uv(), len(world.cu130.requests)) == (first.digest, [], asked)
    assert make_plan(request, world.context(), refresh=True).plan.digest == first.digest
    assert len(world.cu130.requests) > asked


def test_the_same_bytes_from_another_place_are_the_same_environment(world: World) -> None:
    lane = make_plan(world.request("cu130"), world.context()).plan
    with IndexServer(world.root / "cu130", path="somewhere/else") as mirror:
        copy = make_plan(world.request("cu130", index=mirror.url), world.context()).plan
    assert copy.environment == lane.environment
    assert torch_lock_of(copy).lock.index == mirror.url


@pytest.mark.parametrize("how", ["PIP_INDEX_URL", "pip.conf", "uv.toml"])
def test_the_configured_mirror_is_used_and_said(world: World, how: str) -> None:
    environ = world.environ()
    user = Path(environ["HOME"]) / ".config"
    variables = {"UV_DEFAULT_INDEX": "", "PIP_CONFIG_FILE": ""}
    if how == "PIP_INDEX_URL":
        variables[how] = world.default.url
    elif how == "pip.conf":
        (user / "pip").mkdir(parents=True)
        (user / "pip" / "pip.conf").write_text(f"[global]\nindex-url = {world.default.url}\n")
    else:
        (user / "uv").mkdir(parents=True)
        (user / "uv" / "uv.toml").write_text(f'[[index]]\nurl = "{world.default.url}"\ndefault = true\n')
    world.variables |= variables
    result = world.setup(world.request(source="default"))
    assert result.current
    assert [one for one in world.default.requests if one.endswith(".whl")]
    (note,) = [one for one in result.notes if world.default.url in one]
    assert how in note


def test_certificates_and_a_proxy_go_to_uv(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # what we fetch ourselves goes by the process's own variable
    bundle = tmp_path / "corporate.pem"
    bundle.write_text("")
    recorder = Recorder()
    world.variables |= {"REQUESTS_CA_BUNDLE": str(bundle), "PIP_PROXY": "proxy.example:3128", "NO_PROXY": "127.0.0.1"}
    result = world.setup(context=world.context(run=recorder))
    installs = [
        env for argv, env in zip(recorder.seen, recorder.environments, strict=True) if argv[2:4] == ("pip", "install")
    ]
    assert len(installs) == 4
    for env in installs:
        assert env["SSL_CERT_FILE"] == str(bundle)
        assert env["HTTPS_PROXY"] == "http://proxy.example:3128"
        assert env["NO_PROXY"] == "127.0.0.1"
    assert any("SSL_CERT_FILE" in one and "REQUESTS_CA_BUNDLE" in one for one in result.notes)
    assert any("HTTPS_PROXY" in one for one in result.notes)


def test_a_configured_proxy_is_passed_by_where_the_configuration_says_so() -> None:
    dead = {"HTTP_PROXY": "http://127.0.0.1:9"}
    with IndexServer(Path("nowhere")) as server:
        with Web(carried={**dead, "NO_PROXY": "127.0.0.1"}) as web:
            assert web.get(server.url).status == 200
        with Web(carried=dead) as web, pytest.raises(NetworkError) as caught:
            web.get(server.url)
    assert "port 9" in caught.value.context


def test_an_extra_index_is_named_and_left(world: World) -> None:
    with IndexServer(world.root / "cu130", path="extra") as extra:
        world.variables |= {"PIP_EXTRA_INDEX_URL": extra.url, "UV_INDEX": extra.url}
        result = world.setup()
        assert extra.requests == []
    assert any("extra-index-url" in one and "not carried over" in one for one in result.notes)
    assert any("UV_INDEX" in one and "not carried over" in one for one in result.notes)
