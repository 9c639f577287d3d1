"""NVIDIA's own nvcc, from the index: which device code comes out, and what is refused before and after."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from scripts.errors import BuildError, UsageError
from scripts.home import CONSTRAINTS
from scripts.operations.context import Context
from tests.builds.conftest import SOURCES, Builder, data_root

pytestmark = pytest.mark.builds

RECIPE = """
name = "torch-stand-in"
distribution = "torch"
summary = "a stand-in of torch"
tried = "in this test"

[source]
kind = "folder"
location = "source"

[build]
against_torch = false

[environment]
PYTORCH_BUILD_VERSION = "2.15.0+cu{cuda}.{sm}"
CUDA_RELEASE = "13.2"

[resources]
memory_per_job_gb = 0.5
disk_gb = 1
core_minutes = 1
basis = "a guess"

[checks]
imports = ["torch"]
"""


@pytest.fixture
def stand_in(tmp_path: Path, environments: Path) -> Builder:
    source = tmp_path / "source"
    shutil.copytree(SOURCES / "torch_stand_in", source)
    recipe = tmp_path / "stand-in.toml"
    recipe.write_text(RECIPE)
    return Builder(recipe, source, Context(home=data_root(tmp_path, environments), constraints=constraints(tmp_path)))


def constraints(folder: Path) -> Path:
    """The project's pins, without those of torch: a stand-in requires none of its packages."""
    made = folder / "constraints"
    shutil.copytree(CONSTRAINTS, made, ignore=shutil.ignore_patterns("pypi-*"))
    return made


def saying(builder: Builder, line: str) -> Builder:
    builder.recipe.write_text(RECIPE.replace("[resources]", f"{line}\n\n[resources]"))
    return builder


def test_exactly_what_was_asked_for(stand_in: Builder) -> None:
    result = stand_in.build(sm="12.1a")
    assert result.published.archs == ("sm_121a",)
    assert result.published.version == "2.15.0+cu132.sm121a"
    assert stand_in.build(sm="12.1a").found


def test_another_architecture_is_another_build(stand_in: Builder) -> None:
    first, other = stand_in.build(sm="12.1a"), stand_in.build(sm="9.0;12.0")
    assert other.published.archs == ("sm_90", "sm_120")
    assert first.published.filename != other.published.filename
    assert stand_in.published() == 2


def test_flags_of_the_packages_own_end_the_build_at_once(stand_in: Builder) -> None:
    error = saying(stand_in, 'OTHER_ARCH = "9.0"').refused(BuildError, "wrong-flags", sm="12.1a")
    assert "compiles for sm_90, which was not asked for" in error.message
    assert "sm_121a" in error.context
    stand_in.recipe.write_text(RECIPE)
    assert not stand_in.build(sm="12.1a").found


def test_device_code_that_nobody_saw_being_compiled(stand_in: Builder) -> None:
    error = saying(stand_in, 'UNSEEN = "9.0"').refused(BuildError, "wrong-device-code", sm="12.1a")
    assert "libtorch_unseen.so has sm_90, which was not asked for" in error.context
    stand_in.recipe.write_text(RECIPE)
    assert not stand_in.build(sm="12.1a").found


def test_an_error_of_nvcc(stand_in: Builder) -> None:
    broken = stand_in.source / "csrc" / "two.cu"
    whole = broken.read_text()
    broken.write_text(whole.replace("1.0f", "nowhere"))
    error = stand_in.refused(BuildError, "compile-failed", sm="12.1a")
    assert 'two.cu(2): error: identifier "nowhere" is undefined' in error.context
    broken.write_text(whole)
    assert not stand_in.build(sm="12.1a").found


def toolkit(folder: Path, answer: str) -> Path:
    """A STUB of a CUDA toolkit: an nvcc that answers what it is told."""
    nvcc = folder / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text(f"#!/bin/sh\n{answer}\n")
    nvcc.chmod(0o755)
    return folder


OLD = """case $1 in
--version) echo 'Cuda compilation tools, release 12.8, V12.8.93' ;;
*) echo 'sm_90 sm_100 sm_120' ;;
esac"""


def test_an_nvcc_that_is_too_old(stand_in: Builder, tmp_path: Path) -> None:
    old = toolkit(tmp_path / "cuda", OLD)
    error = stand_in.refused(BuildError, "not-ready", sm="12.1a", cuda=str(old))
    assert "nvcc 12.8.93" in error.message
    assert "12.9 is the first" in error.hint
    assert not stand_in.build(sm="12.1a").found


def test_an_nvcc_that_does_not_answer(stand_in: Builder, tmp_path: Path) -> None:
    dead = toolkit(tmp_path / "cuda", "echo broken; exit 1")
    stand_in.refused(BuildError, "nvcc-fails", sm="12.1a", cuda=str(dead))
    assert not stand_in.build(sm="12.1a").found


def test_a_toolkit_that_is_not_there(stand_in: Builder, tmp_path: Path) -> None:
    stand_in.refused(UsageError, "no-toolkit", sm="12.1a", cuda=str(tmp_path))
    assert not stand_in.build(sm="12.1a").found


def test_no_nvcc_where_a_whole_toolkit_is_needed(stand_in: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.builds.toolchain._SYSTEM", ())
    stand_in.recipe.write_text(
        RECIPE.replace("against_torch = false", "against_torch = false\ncuda_from_index = false")
    )
    path = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if not (Path(one) / "nvcc").exists())
    environ = {name: value for name, value in os.environ.items() if name not in {"CUDA_HOME", "CUDA_PATH"}}
    bare = dataclasses.replace(
        stand_in,
        context=Context(
            home=stand_in.context.home, constraints=stand_in.context.constraints, environ={**environ, "PATH": path}
        ),
    )
    error = bare.refused(BuildError, "not-ready", sm="12.1a")
    assert "no CUDA toolkit" in error.message
    assert "--in container" in error.hint
    stand_in.recipe.write_text(RECIPE)
    assert not stand_in.build(sm="12.1a").found
