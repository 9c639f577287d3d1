"""Options that are numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.model.facts import Facts
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.targets import seconds, target_capability
from tests.support.contexts import context
from tests.support.machines import MISMATCH, OLD_DRIVER, PC, SPARK


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("", PC, GB10),
        ("", MISMATCH, GB10),
        ("", SPARK, GB10),
        ("", OLD_DRIVER, ComputeCapability(12, 0)),
        ("9.0", SPARK, ComputeCapability(9, 0)),
        ("10.0", PC, ComputeCapability(10, 0)),
    ],
)
def test_target(tmp_path: Path, text: str, facts: Facts, expected: ComputeCapability) -> None:
    assert target_capability(text, context(tmp_path, facts)) == expected


@pytest.mark.parametrize(("text", "expected"), [("0", 0.0), ("600", 600.0), ("1.5", 1.5), (" 7 ", 7.0)])
def test_seconds(text: str, expected: float) -> None:
    assert seconds(text, "--wait") == expected


@pytest.mark.parametrize("text", ["", "-1", "long", "nan", "inf", "1e400", "10s"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(UsageError, match="is no number of seconds") as caught:
        seconds(text, "--wait")
    assert caught.value.hint == "write it like --wait 600"
