"""The environment of a build: what is let through, what is dropped, what is filled in."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.builds.arch import parse_archs
from scripts.builds.recipe import load_recipe
from scripts.builds.variables import build_variables, dropped, with_jobs
from scripts.errors import UsageError
from scripts.home import Home
from scripts.model.builds import Toolchain
from scripts.model.recipes import Recipe

TOOLS = Toolchain(cxx="/usr/bin/g++", cxx_version="g++ 12.2", cc="/usr/bin/gcc", cuda_home="/cuda", cuda_version="13.2")
HOME = Home(root=Path("/data"))
EXTENSION = load_recipe("test-extension")


def _variables(recipe: Recipe = EXTENSION, environ: dict[str, str] | None = None) -> dict[str, str]:
    return build_variables(
        recipe,
        archs=parse_archs("12.0;12.1a"),
        toolchain=TOOLS,
        jobs=3,
        torch="2.15.0",
        environ={"PATH": "/usr/bin"} if environ is None else environ,
        home=HOME,
        folder=Path("/env"),
        requires=("nvidia-cudnn==1", "nvidia-nccl==2"),
    )


def test_the_list_the_jobs_and_the_compilers_are_always_set() -> None:
    said = _variables()
    assert said["TORCH_CUDA_ARCH_LIST"] == "12.0;12.1a"
    assert said["MAX_JOBS"] == said["CMAKE_BUILD_PARALLEL_LEVEL"] == "3"
    assert said["PATH"] == "/env/bin:/cuda/bin:/usr/bin"
    assert (said["CC"], said["CXX"]) == ("/env/masquerade/gcc", "/env/masquerade/g++")  # names that lead to ccache
    assert said["CUDA_HOME"] == "/cuda"
    assert said["CCACHE_BASEDIR"] == str(HOME.builds)


def test_what_would_change_a_build_is_left_out_and_named() -> None:
    wrong = {"CFLAGS": "-O0", "NVCC_APPEND_FLAGS": "-G", "USE_CUDA": "0", "LD_LIBRARY_PATH": "/x", "DEBUG": "1"}
    said = _variables(environ={"PATH": "/usr/bin", "HOME": "/root", "PYTHONPATH": "/x", **wrong})
    assert not {*wrong, "PYTHONPATH"} & set(said)
    assert said["HOME"] == "/root"
    assert dropped({**wrong, "HOME": "/root", "TORCH_CUDA_ARCH_LIST": "9.0"}) == tuple(sorted(wrong))


def test_ccache_s_own_settings_pass_through() -> None:
    own = {"CCACHE_REMOTE_STORAGE": "redis://user:word@cache", "CCACHE_DIR": "/own", "CCACHE_BASEDIR": "/base"}
    said = _variables(environ=own)
    assert own.items() <= said.items()


def test_a_recipe_s_names_are_filled_in() -> None:
    said = _variables(load_recipe("torch-lean"))
    assert said["PYTORCH_BUILD_VERSION"] == "2.15.0+cu132.sm120sm121a"
    assert said["PYTORCH_EXTRA_INSTALL_REQUIREMENTS"] == "nvidia-cudnn==1 | nvidia-nccl==2"


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match=r"environment\.X: nothing is known of \{moon\}") as caught:
        _variables(dataclasses.replace(EXTENSION, variables=(("X", "{moon}"),)))
    assert caught.value.reference == "bad-recipe"


def test_without_cuda_nothing_speaks_of_it() -> None:
    said = _variables(dataclasses.replace(EXTENSION, cuda=False))
    assert not {"CUDA_HOME", "CUDACXX", "TORCH_CUDA_ARCH_LIST"} & set(said)
    assert said["PATH"].startswith("/env/masquerade:")


def test_fewer_jobs_change_nothing_else() -> None:
    before = _variables()
    after = with_jobs(before, 1)
    assert {name for name in before if before[name] != after[name]} == {"MAX_JOBS", "CMAKE_BUILD_PARALLEL_LEVEL"}
