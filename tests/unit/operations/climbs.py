"""Climbs on made-up machines: real facts in, real planners, made-up indexes and builds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.errors import SparkError
from scripts.home import CONSTRAINTS
from scripts.model.environment import EnvironmentRecord
from scripts.model.facts import Facts, IndexSettings
from scripts.model.plan import Plan, Request
from scripts.model.target import GB10
from scripts.operations.context import Context
from scripts.operations.setup import SetupResult, setup
from scripts.wheels.lanes import load_lanes
from scripts.wheels.writer import metadata_text
from tests.support.contexts import context
from tests.support.pages import Page
from tests.support.plans import put, record
from tests.support.verdicts import Verdicts
from tests.unit.operations.worlds import DEFAULT, HASH, CompilingUv, UnreachableWeb, page

LANES = load_lanes(CONSTRAINTS / "lanes.toml")
RELEASES = {"cu126": "2.11.0", "cu128": "2.11.0", "cu129": "2.13.0", "cu130": "2.15.0", "cu132": "2.15.0"}
"""What the made-up lanes hold."""
ARCHITECTURES = ("x86_64", "aarch64")


def url_of(lane: str) -> str:
    index = LANES.named(lane).index
    assert index is not None
    return index


def package_of(lane: str) -> str:
    return "nvidia-cuda-nvrtc" if lane.startswith("cu13") else "nvidia-cuda-nvrtc-cu12"


def lane_page(lane: str) -> dict[str, Page | bytes]:
    """A lane that holds one torch, for both platforms."""
    version = f"{RELEASES[lane]}+{lane}"
    requires = ("Requires-Dist", f"{package_of(lane)}=={LANES.named(lane).nvrtc}")
    metadata = metadata_text("torch", version, ("Requires-Dist", "filelock"), requires)
    wheels = [(f"torch-{version}-cp312-cp312-manylinux_2_28_{arch}.whl", metadata) for arch in ARCHITECTURES]
    return page(url_of(lane), *wheels)


def empty_page(lane: str) -> dict[str, Page | bytes]:
    """A lane that holds torch for another Python alone."""
    version = f"{RELEASES[lane]}+{lane}"
    return page(url_of(lane), (f"torch-{version}-cp39-cp39-win_amd64.whl", metadata_text("torch", version)))


@dataclass
class LanesUv(CompilingUv):
    """`uv pip compile` of a lane: the torch that it holds, and its NVRTC."""

    def __call__(self, argv, **rest):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003, ANN204
        index = (rest.get("env") or {}).get("UV_DEFAULT_INDEX")
        lane = next((name for name in RELEASES if url_of(name) == index), None)
        if lane is not None:
            nvrtc = LANES.named(lane).nvrtc
            self.text = f"torch=={RELEASES[lane]}+{lane} {HASH}\n{package_of(lane)}=={nvrtc} {HASH}\n"
        return super().__call__(argv, **rest)


class LanesWeb(UnreachableWeb):
    """Connects to every index that has a page."""

    def reach(self, url: str) -> None:
        if not any(known.startswith(url) for known in self.pages):
            self.get(url)


def open_lanes(*, gone: tuple[str, ...] = (), empty: tuple[str, ...] = ()) -> LanesWeb:
    pages: dict[str, Page | bytes] = {f"{DEFAULT}/": b""}
    for lane in RELEASES:
        if lane not in gone:
            pages |= empty_page(lane) if lane in empty else lane_page(lane)
    return LanesWeb(pages)


ALL_GONE = tuple(RELEASES)


def here(folder: Path, facts: Facts, web: LanesWeb) -> Context:
    facts = dataclasses.replace(facts, index=IndexSettings(default_index=DEFAULT))
    return context(folder, facts, web=web, run=LanesUv())


@dataclass
class Builds:
    """Stands for providing.built: every plan is built at once, but for what `fails` says."""

    fails: Mapping[str, SparkError] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def __call__(self, plan: Plan, request: Request, given: Context, descriptor: int) -> tuple[EnvironmentRecord, bool]:
        del request, descriptor
        found = given.store.whole(plan.environment)
        if found is not None:
            return found, True
        self.seen.append(plan.strategy)
        if plan.strategy in self.fails:
            raise self.fails[plan.strategy]
        made = record(plan.environment, plan=plan)
        put(given.store, made)
        return made, False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A machine and the world around it. `expected`: every rung that is not `not reached`, or an error's reference."""

    facts: Facts
    web: LanesWeb = field(default_factory=open_lanes)
    said: Mapping[str, Any] = field(default_factory=dict)
    fails: Mapping[str, SparkError] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] | str
    why: Mapping[str, str] = field(default_factory=dict)
    """A part of a rung's reasons."""
    before: tuple[str, ...] = ()
    """What was built on the way."""


@dataclass
class Climbing:
    """What a case is run with."""

    given: Context
    builds: Builds
    verdicts: Verdicts

    def run(self, case: Case, **more: Any) -> SetupResult:
        said = {**case.said, **more.pop("said", {})}
        return setup(Request(**said), None, GB10, self.given, judge=self.verdicts, **more)
