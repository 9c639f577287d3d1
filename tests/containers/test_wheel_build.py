"""wheel.build --in container, whole: planned, built, checked and published, and found again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.builds.wheelhouse import Wheelhouse
from scripts.home import CONSTRAINTS
from scripts.model.builds import BuildRequest
from scripts.model.target import PythonVersion
from scripts.operations.wheel_build import build_wheel
from tests.builds.conftest import SOURCES
from tests.builds.test_cuda import RECIPE
from tests.containers.builder_base import PYTHON
from tests.containers.test_build import Builder, builder

pytestmark = pytest.mark.containers

__all__ = ["builder"]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The stand-in of torch, which takes the toolkit of the image."""
    shutil.copytree(SOURCES / "torch_stand_in", tmp_path / "source")
    path = tmp_path / "stand-in.toml"
    path.write_text(RECIPE.replace("against_torch = false", "against_torch = false\ncuda_from_index = false"))
    return path


def test_the_whole_of_it(builder: Builder, recipe: Path) -> None:
    for data in CONSTRAINTS.iterdir():
        if not data.name.startswith(("pypi-", "images.")) and data.is_file():
            shutil.copy(data, builder.context.constraints)
    request = BuildRequest(recipe=str(recipe), sm="12.1a", place="container", python=PythonVersion.parse(PYTHON))
    result = build_wheel(request, builder.context)
    assert not result.found
    assert result.published.archs == ("sm_121a",)
    assert builder.engine.containers() == []
    assert build_wheel(request, builder.context).found
    assert [one.filename for one in Wheelhouse(builder.context.home.wheelhouse).wheels()] == [result.published.filename]
