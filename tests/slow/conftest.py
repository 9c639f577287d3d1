"""Real environments for the slow tier, made the way a user makes them: by `invoke setup`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.store import Store
from scripts.facts.tools import find_uv
from scripts.home import CHECKOUT, Home
from scripts.model.plan import WeightsChoice, WeightsSource
from scripts.model.weights import Weights, WeightsFolder
from scripts.operations.context import Context
from scripts.operations.recogniser import recognise, recogniser_python
from scripts.place import Here
from scripts.shell import Completed, run
from scripts.web import Web
from scripts.weights.means import Means
from scripts.weights.obtaining import obtain
from scripts.weights.pins import load_pins
from scripts.weights.store import find

Invoke = Callable[..., Completed]
Read = Callable[[Path], str]
MINUTES = 60.0
FOX = "The quick brown fox jumps over the lazy dog."


def invoke_in(home: Path) -> Invoke:
    """Give a function that runs `invoke ARGUMENTS` in the checkout, with `home` as its data root."""
    environ = {**os.environ, "KOKORO_SPARK_HOME": str(home), "OMP_WAIT_POLICY": "PASSIVE"}

    def invoke(*arguments: str) -> Completed:
        return run([sys.executable, "-m", "invoke", *arguments], env=environ, cwd=CHECKOUT, timeout=25 * MINUTES)

    return invoke


def document(done: Completed) -> dict[str, Any]:
    """Read the one JSON document that a task printed."""
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"{done.argv}\n{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(lines[0])
    return found


@pytest.fixture(scope="session", autouse=True)
def _an_environment() -> None:
    """Make sure that there is a current environment with real speech; what cannot be made here is a failure."""
    if os.environ.get("KOKORO_SPARK_TEST_PYTHON"):
        return
    home = Home.find()
    if Store(home).current() is None:
        done = invoke_in(home.root)("setup", "--weights", "registry")
        assert done.ok, done.stderr


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter under test: KOKORO_SPARK_TEST_PYTHON, else the current environment's."""
    named = os.environ.get("KOKORO_SPARK_TEST_PYTHON")
    return Path(named) if named else Store(Home.find()).find_ready(None).python


@pytest.fixture(scope="session")
def second_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of its own, for tests that switch what is current."""
    return tmp_path_factory.mktemp("second")


@pytest.fixture(scope="session")
def weights(python: Path, tmp_path_factory: pytest.TempPathFactory) -> WeightsFolder:
    """Real weights for PyTorch: those that are here, else fetched into a data root of their own."""
    pins = load_pins()
    for name in (pins.hub.name, pins.registry.name):
        if found := find(Home.find(), name):
            return found
    home = Home(tmp_path_factory.mktemp("data"))
    fetched = obtain_weights(WeightsChoice(source=WeightsSource.AUTO), home=home, python=python)
    assert isinstance(fetched, WeightsFolder)
    return fetched


def obtain_weights(choice: WeightsChoice, *, home: Home, python: Path) -> Weights:
    with Web() as web:
        means = Means(
            home=home,
            run=run,
            here=run,
            web=web,
            python=python,
            uv_python=Here(python=python, run=run).uv_python(),
            uv=find_uv(),
            environ=dict(os.environ),
        )
        return obtain(choice, means)


@pytest.fixture(scope="session")
def read_back() -> Read:
    """The product's recogniser, in an environment of its own: it shares nothing with the one that speaks."""
    context = Context()
    hears = recogniser_python(context)

    def read(path: Path) -> str:
        texts, _ = recognise({"sound": path}, hears, context)
        return texts["sound"]

    return read
