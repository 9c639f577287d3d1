"""A small world for setup, lock and env: see tests/support/world.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.facts.interpreters import find_interpreters
from scripts.model.facts import Interpreter
from scripts.shell import run
from tests.support.world import World, supported


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    found = supported(find_interpreters(run, os.environ))
    if found is None:
        pytest.skip("no Python that Kokoro runs on is here")
    return found


@pytest.fixture
def world(tmp_path: Path, interpreter: Interpreter) -> Iterator[World]:
    with World(tmp_path / "world", interpreter) as made:
        yield made
