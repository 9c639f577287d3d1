"""Which CUDA toolkit a build uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.builds.recipe import load_recipe
from scripts.builds.toolchain import FROM_INDEX, find_toolchain
from scripts.errors import BuildError, UsageError
from scripts.model.builds import BuildRequest, Toolchain
from scripts.model.recipes import Recipe
from scripts.model.target import Architecture
from scripts.shell import Completed

HERE = Architecture(os.uname().machine)
OTHER = next(one for one in Architecture if one is not HERE)
EXTENSION = load_recipe("torch-scatter")
WHOLE = replace(EXTENSION, cuda_from_index=False)
VERSION = "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.88\n"
CODES = "sm_75\nsm_120\nsm_121\n"


@pytest.fixture(autouse=True)
def _no_toolkit_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.builds.toolchain._SYSTEM", ())


def toolkit(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "nvcc").touch(mode=0o755)
    (folder / "include").mkdir()
    (folder / "include" / "cuda_runtime.h").touch()
    return folder


def wrapper(folder: Path, line: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nvcc").write_text(f"#!/bin/sh\n# not this one: /elsewhere/bin/nvcc\n{line}\n")
    (folder / "nvcc").chmod(0o755)
    return folder


def found(
    environ: dict[str, str] | None = None,
    *,
    recipe: Recipe = WHOLE,
    cuda: str = "auto",
    torch: str | None = "13.2",
    pin: str | None = "13.2.86",
    version: str = VERSION,
    architecture: Architecture = HERE,
) -> Toolchain:
    """Choose with an nvcc that answers, wherever it is."""

    def run(argv: Sequence[str], **_said: object) -> Completed:
        out = {"--version": version, "--list-gpu-code": CODES}[argv[1]]
        return Completed(argv=tuple(argv), returncode=0, stdout=out, stderr="", seconds=0.0)

    return find_toolchain(
        recipe,
        BuildRequest(recipe=recipe.name, cuda=cuda),
        cuda_version=torch,
        run=run,
        environ={"PATH": "", **(environ or {})},
        architecture=architecture,
        nvcc_pin=pin,
    )


@pytest.fixture
def standing(tmp_path: Path) -> Path:
    return toolkit(tmp_path / "cuda-13.0")


def test_the_pinned_compiler_first_the_same_everywhere(standing: Path) -> None:
    chosen = found({"CUDA_HOME": str(standing)}, recipe=EXTENSION)
    assert (chosen.cuda_from, chosen.cuda_home, chosen.cuda_version) == (FROM_INDEX, None, "13.2")
    assert (chosen.nvcc_version, chosen.nvcc_codes) == ("13.2.86", ())


def test_a_toolkit_that_is_named_goes_before_the_pinned_one(standing: Path) -> None:
    chosen = found(recipe=EXTENSION, cuda=str(standing))
    assert (chosen.cuda_from, chosen.cuda_home) == (str(standing), str(standing))
    assert (chosen.nvcc_version, chosen.cuda_version) == ("13.0.88", "13.0")
    assert chosen.nvcc_codes == ("sm_75", "sm_120", "sm_121")


@pytest.mark.parametrize("variable", ["CUDA_HOME", "CUDA_PATH"])
def test_the_environments_toolkit_where_a_whole_one_is_needed(standing: Path, variable: str) -> None:
    assert found({variable: str(standing)}).cuda_home == str(standing)


def test_the_environments_toolkit_where_none_is_pinned(standing: Path) -> None:
    assert found({"CUDA_HOME": str(standing)}, recipe=EXTENSION, pin=None).cuda_home == str(standing)


@pytest.mark.parametrize(
    "line", ['exec {}/bin/nvcc "$@"', 'exec "{}/bin/nvcc" "$@"', 'exec ccache {}/bin/nvcc "$@"'], ids=str
)
def test_a_script_on_path_that_starts_another(standing: Path, tmp_path: Path, line: str) -> None:
    folder = wrapper(tmp_path / "scripts", line.format(standing))
    assert found({"PATH": str(folder)}).cuda_home == str(standing)


def test_a_link_on_path(standing: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "nvcc").symlink_to(standing / "bin" / "nvcc")
    assert found({"PATH": str(tmp_path / "links")}).cuda_home == str(standing)


@pytest.mark.parametrize("line", ["exec {}/bin/nvcc", "echo no compiler", "exec /not/there/bin/nvcc"], ids=str)
def test_a_script_that_leads_nowhere_is_no_toolkit(tmp_path: Path, line: str) -> None:
    folder = wrapper(tmp_path / "loop" / "bin", line.format(tmp_path / "loop"))
    chosen = found({"PATH": str(folder)})
    assert (chosen.cuda_home, chosen.cuda_from, chosen.nvcc_version) == (None, "", None)


@pytest.mark.parametrize(
    ("environ", "cuda"), [({"CUDA_HOME": "/not/there"}, "auto"), ({}, "/not/there")], ids=["CUDA_HOME", "--cuda"]
)
def test_what_is_named_and_is_no_toolkit(environ: dict[str, str], cuda: str) -> None:
    with pytest.raises(UsageError, match="/not/there, which is no CUDA toolkit") as caught:
        found(environ, cuda=cuda)
    assert caught.value.reference == "no-toolkit"


def test_another_major_release_than_torchs(standing: Path) -> None:
    with pytest.raises(UsageError, match=r"built with CUDA 12\.9, and .* is CUDA 13\.0") as caught:
        found(cuda=str(standing), torch="12.9")
    assert caught.value.reference == "another-cuda"


def test_another_major_release_is_nothing_to_a_build_without_torch(standing: Path) -> None:
    alone = replace(WHOLE, against_torch=False)
    assert found(cuda=str(standing), torch="12.9", recipe=alone).cuda_version == "13.0"


def test_an_nvcc_that_does_not_say_its_release(standing: Path) -> None:
    with pytest.raises(BuildError, match="does not say which release") as caught:
        found(cuda=str(standing), version="broken\n")
    assert (caught.value.reference, caught.value.context) == ("nvcc-fails", "broken")


def test_without_cuda_no_toolkit_is_looked_at() -> None:
    chosen = found({"CUDA_HOME": "/not/there"}, recipe=replace(EXTENSION, cuda=False))
    assert (chosen.cuda_from, chosen.cuda_home, chosen.triple) == ("", None, None)


def test_for_another_machine() -> None:
    chosen = found(recipe=EXTENSION, architecture=OTHER)
    assert chosen.triple == f"{OTHER}-linux-gnu"
    assert chosen.cxx == f"{OTHER}-linux-gnu-g++"
