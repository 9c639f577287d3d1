"""A stamp changes with every input, and with nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from scripts.builds.stamp import SCHEMA, stamp_of
from scripts.model.builds import BuildInputs

INPUTS = BuildInputs(
    schema=SCHEMA,
    recipe="r",
    source="git:1",
    archs=("12.1a",),
    torch="2.15.0",
    cuda="13.2",
    compiler="g++ 12.2",
    builder="b",
    python="cp312",
    platform="linux_x86_64",
    place="host",
    variables=(("A", "1"),),
)


def test_the_same_inputs_have_the_same_stamp() -> None:
    assert stamp_of(INPUTS) == stamp_of(dataclasses.replace(INPUTS))
    assert len(stamp_of(INPUTS)) == 64


@pytest.mark.parametrize("field", [one.name for one in dataclasses.fields(BuildInputs)])
def test_every_input_changes_it(field: str) -> None:
    others: dict[str, Any] = {"schema": SCHEMA + 1, "archs": ("12.1",), "variables": (("A", "2"),)}
    assert stamp_of(dataclasses.replace(INPUTS, **{field: others.get(field, "other")})) != stamp_of(INPUTS)
