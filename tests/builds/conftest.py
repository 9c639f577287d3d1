"""A data root of its own for each test, shared build environments, and recipes of small C and C++ packages.

Without g++ a test is skipped, with the reason; in CI, which installs one, that is a failure.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scripts.builds.wheelhouse import Wheelhouse
from scripts.errors import SparkError
from scripts.home import Home
from scripts.model.builds import BuildRequest, BuildResult
from scripts.operations.context import Context
from scripts.operations.wheel_build import build_wheel

SOURCES = Path(__file__).parents[1] / "data" / "sources"
SETUP = """
from setuptools import Extension, setup

setup(name="tiny", version="1.0", packages=["tiny"], ext_modules=[Extension("tiny._tiny", {sources!r})])
"""
MODULE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_tiny", 0, -1, 0};
PyMODINIT_FUNC PyInit__tiny(void) { return PyModule_Create(&module); }
"""
RECIPE = """
name = "%(name)s"
distribution = "%(name)s"
summary = "a fixture of this test"
tried = "in this test"

[source]
kind = "folder"
location = "source"

[build]
cuda = false
against_torch = false

[resources]
memory_per_job_gb = 0.2
disk_gb = 0.1
core_minutes = 0.1
basis = "a guess"

[checks]
imports = ["%(imports)s"]
device_code = false
"""


@pytest.fixture(autouse=True)
def _compiler() -> None:
    if shutil.which("g++") is None and os.environ.get("CI") != "true":
        pytest.skip("there is no g++ (on Debian: apt-get install g++)")


@dataclass(frozen=True)
class Builder:
    """A recipe that can be changed, and a data root to build it in."""

    recipe: Path
    source: Path
    context: Context

    def request(self, **said: object) -> BuildRequest:
        return replace(BuildRequest(recipe=str(self.recipe)), **said)  # type: ignore[arg-type]

    def build(self, **said: object) -> BuildResult:
        return build_wheel(self.request(**said), self.context)

    def published(self) -> int:
        return len(Wheelhouse(self.context.home.wheelhouse).wheels())

    def refused(self, kind: type[SparkError], reference: str, **said: object) -> SparkError:
        """Insist on a whole error and on nothing published."""
        before = self.published()
        with pytest.raises(kind) as caught:
            self.build(**said)
        assert (type(caught.value), caught.value.reference) == (kind, reference)
        assert caught.value.hint
        assert self.published() == before
        return caught.value

    def log(self) -> str:
        """All that was logged so far, of whichever stamp."""
        return "".join(path.read_text() for path in self.context.home.builds.glob("*/log.txt"))


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the build environments of all tests are: they are made of the same pins."""
    return tmp_path_factory.mktemp("environments")


def data_root(folder: Path, environments: Path) -> Home:
    home = Home(root=folder / "data")
    home.builds.mkdir(parents=True)
    (home.builds / "environments").symlink_to(environments)
    return home


@pytest.fixture
def tiny(tmp_path: Path, environments: Path) -> Builder:
    """A few C files and an extension module that does nothing."""
    source = tmp_path / "source"
    (source / "tiny").mkdir(parents=True)
    (source / "tiny" / "__init__.py").touch()
    (source / "module.c").write_text(MODULE)
    for number in range(3):
        (source / f"unit_{number}.c").write_text(unit(number))
    (source / "setup.py").write_text(SETUP.format(sources=["module.c", *(f"unit_{n}.c" for n in range(3))]))
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE % {"name": "tiny", "imports": "tiny._tiny"})
    return Builder(recipe, source, Context(home=data_root(tmp_path, environments)))


@pytest.fixture
def many(tmp_path: Path, environments: Path) -> Builder:
    """torch's shape: setup.py, CMake, ninja, two hundred units."""
    source = tmp_path / "source"
    shutil.copytree(SOURCES / "many_units", source)
    recipe = tmp_path / "many.toml"
    recipe.write_text(RECIPE % {"name": "many-units", "imports": "many_units"})
    return Builder(recipe, source, Context(home=data_root(tmp_path, environments)))


def unit(number: int) -> str:
    return f"int unit_{number}(void) {{ return {number}; }}\n"
