"""Which files lock would write."""

from __future__ import annotations

import pytest

from scripts.errors import UsageError
from scripts.home import CONSTRAINTS
from scripts.operations.lock import lock_names
from scripts.wheels.lanes import load_lanes

LANES = load_lanes(CONSTRAINTS / "lanes.toml")


def test_every_file_of_constraints_is_named() -> None:
    assert {path.name for path in CONSTRAINTS.glob("*.txt")} <= set(lock_names(LANES, None))


def test_only_what_is_asked() -> None:
    assert lock_names(LANES, "pypi-aarch64-cp312") == ("pypi-aarch64-cp312.txt",)


def test_a_file_that_there_is_not() -> None:
    with pytest.raises(UsageError) as caught:
        lock_names(LANES, "cu999")
    assert caught.value.reference == "unknown-lock"
    assert "lock --dry-run" in caught.value.hint
