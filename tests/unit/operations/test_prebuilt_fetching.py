"""Bringing the wheel of a plan here."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from scripts.errors import ExitCode, IntegrityError, SparkError
from scripts.model.plan import InstallWheel, Plan
from scripts.operations.fetching import cached_wheel
from scripts.operations.prebuilt_fetching import fetch_planned_wheel
from tests.support.plans import put, record
from tests.unit.operations.prebuilt_wheels import FILES, INDEX, Bench, digest_of, torch


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def installed(plan: Plan) -> InstallWheel:
    return next(step for step in plan.steps if isinstance(step, InstallWheel))


def planned(bench: Bench, wheel: Path, url: str | None = None) -> tuple[Plan, dict[str, object]]:
    options: dict[str, object] = {"sha256": digest_of(wheel)}
    return bench.plan(url or f"{FILES}/{wheel.name}", **options), options


@pytest.mark.parametrize("by_index", [False, True])
def test_it_is_downloaded_once(bench: Bench, tmp_path: Path, *, by_index: bool) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    what = INDEX if by_index else f"{FILES}/{wheel.name}"
    plan, options = planned(bench, wheel, what)
    for _ in range(2):
        fetch_planned_wheel(plan, bench.request(what, **options), bench.context)
    assert bench.web.downloads == [f"{FILES}/{wheel.name}"]
    assert Path(installed(plan).path).read_bytes() == wheel.read_bytes()
    bench.web.seen.clear()
    again = bench.plan(what, **options)
    assert (again.digest, installed(again)) == (plan.digest, installed(plan))
    assert all("/files/" not in url for url in bench.web.seen), "what is in the cache is read there"


def test_a_wheel_that_is_here_is_left_where_it_is(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    fetch_planned_wheel(bench.plan(wheel), bench.request(wheel), bench.context)
    assert not (bench.context.home.cache / "wheels").exists() or bench.web.downloads == []


def test_a_plan_of_another_strategy_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    plan, options = planned(bench, wheel)
    other = dataclasses.replace(plan, strategy="cu130")
    fetch_planned_wheel(other, bench.request(f"{FILES}/{wheel.name}", **options), bench.context)
    assert bench.web.downloads == []


def test_another_file_than_was_pinned_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    plan, options = planned(bench, wheel)
    bench.web.pages = {**bench.web.pages, f"{FILES}/{wheel.name}": wheel.read_bytes() + b"evil"}
    with pytest.raises(IntegrityError) as caught:
        fetch_planned_wheel(plan, bench.request(f"{FILES}/{wheel.name}", **options), bench.context)
    assert caught.value.reference == "wrong-hash"
    assert not list(bench.context.home.cache.rglob("*.whl*"))


def test_what_only_the_whole_wheel_shows_refuses_it_too(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels", library="hopper.so")
    bench.web.serve(wheel)
    plan, options = planned(bench, wheel)
    with pytest.raises(SparkError) as caught:
        fetch_planned_wheel(plan, bench.request(f"{FILES}/{wheel.name}", **options), bench.context)
    assert (caught.value.exit_code, caught.value.reference) == (ExitCode.NO_CANDIDATE, "no-device-code")
    with pytest.raises(SparkError) as caught:
        bench.plan(f"{FILES}/{wheel.name}", **options)
    assert caught.value.reference == "no-device-code", "what was learnt of it is known before the next download"
    assert len(bench.web.downloads) == 1


def test_a_server_that_shows_another_wheel_by_parts(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    shown = torch(tmp_path / "shown", requires=["nvidia-cuda-nvrtc==13.0.88"])
    bench.web.serve(shown)
    bench.uv.text = bench.uv.text.splitlines()[0] + "\n"
    plan, options = planned(bench, wheel)
    bench.web.pages = {**bench.web.pages, f"{FILES}/{wheel.name}": wheel.read_bytes()}
    bench.uv.text += f"triton==3.9.0 --hash=sha256:{'a' * 64}\n"
    with pytest.raises(IntegrityError) as caught:
        fetch_planned_wheel(plan, bench.request(f"{FILES}/{wheel.name}", **options), bench.context)
    assert caught.value.reference == "wheel-differs"


def test_a_wheel_that_left_the_index_meanwhile(bench: Bench, tmp_path: Path) -> None:
    wheel, other = torch(tmp_path / "wheels"), torch(tmp_path / "wheels", "2.14.0")
    bench.web.serve(wheel, other, hashed=False)
    plan, options = planned(bench, wheel, INDEX)
    later = Bench(tmp_path)
    later.web.serve(other, hashed=False)
    with pytest.raises(IntegrityError) as caught:
        fetch_planned_wheel(plan, later.request(INDEX, **options), later.context)
    assert caught.value.reference == "wheel-differs"
    assert "has it no more" in caught.value.context


def test_the_cache_is_not_believed_by_its_name(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    place = cached_wheel(digest_of(wheel), wheel.name, bench.context)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"something else")
    plan, options = planned(bench, wheel)
    fetch_planned_wheel(plan, bench.request(f"{FILES}/{wheel.name}", **options), bench.context)
    assert hashlib.sha256(place.read_bytes()).hexdigest() == digest_of(wheel)


def test_nothing_is_fetched_for_an_environment_that_stands(bench: Bench, tmp_path: Path) -> None:
    wheel = torch(tmp_path / "wheels")
    bench.web.serve(wheel)
    plan, options = planned(bench, wheel)
    put(bench.context.store, record(plan.environment, plan=plan))
    fetch_planned_wheel(plan, bench.request(f"{FILES}/{wheel.name}", **options), bench.context)
    assert bench.web.downloads == []
