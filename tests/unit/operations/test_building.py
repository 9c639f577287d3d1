"""What is there already, and who builds what is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest

from scripts.environments.executor import Executor
from scripts.environments.image import ImageBuilder
from scripts.errors import EngineError, NetworkError
from scripts.model.plan import Plan
from scripts.operations.building import build, builder_for, standing
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import plan, put, record
from tests.support.scripted import Command, ScriptedRunner
from tests.unit.operations.test_environments_in_containers import CONTAINER, PLAN

INSPECT = ("docker", "image", "inspect", CONTAINER.image)


def test_who_builds_what(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    assert isinstance(builder_for(plan(), given, 7), Executor)
    builder = builder_for(PLAN, given, 7)
    assert isinstance(builder, ImageBuilder)
    assert builder.lock_descriptor == 7


def test_a_venv_stands_by_its_record(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    assert standing(plan(), given) is None
    put(given.store, record())
    assert standing(plan(), given) == record()


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        (Command(INSPECT, out='[{"Id": "sha256:0123"}]'), True),
        (Command(INSPECT, out='[{"Id": "sha256:4567"}]'), False),
        (Command(INSPECT, err="Error: No such image: x", exit=1), False),
    ],
)
def test_an_image_stands_where_the_engine_still_has_it(tmp_path: Path, answer: Command, stands: bool) -> None:  # noqa: FBT001
    given = context(tmp_path, PC, run=ScriptedRunner([answer]))
    given.store.write(record(PLAN.environment, plan=PLAN, container=CONTAINER))
    assert (standing(PLAN, given) is not None) == stands


def test_an_engine_that_is_down_says_so_before_anything_is_rebuilt(tmp_path: Path) -> None:
    down = Command(INSPECT, err="Cannot connect to the Docker daemon at unix:///x", exit=1)
    given = context(tmp_path, PC, run=ScriptedRunner([down]))
    given.store.write(record(PLAN.environment, plan=PLAN, container=CONTAINER))
    with pytest.raises(EngineError):
        standing(PLAN, given)


@pytest.mark.parametrize("wanted", [plan(), PLAN])
def test_an_index_out_of_reach_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: Plan
) -> None:
    given = context(tmp_path, dataclasses.replace(PC))

    def unreachable(_: str | None) -> None:
        raise NetworkError("it cannot be reached", reference="index-unreachable")

    monkeypatch.setattr(cast("Any", given), "reach", unreachable)
    with pytest.raises(NetworkError):
        build(wanted, given, 7)
    assert not given.home.environments.exists()
