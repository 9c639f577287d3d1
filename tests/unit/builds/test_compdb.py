"""What reaches nvcc, in every spelling of it."""

from __future__ import annotations

import json

import pytest

from scripts.builds.arch import gencode_flags, parse_archs
from scripts.builds.compdb import judge_commands, nvcc_commands

GB10 = parse_archs("12.1a")


def _nvcc(flags: str) -> str:
    return f"ccache /cuda/bin/nvcc -Iinclude -c scale.cu -o scale.o {flags}"


@pytest.mark.parametrize(
    "flags",
    [
        "-gencode=arch=compute_121a,code=sm_121a",
        "-gencode arch=compute_121a,code=sm_121a",
        "--generate-code=arch=compute_121a,code=[sm_121a]",
        "-arch=compute_121a -code=sm_121a",
        "--gpu-architecture compute_121a --gpu-code sm_121a",
    ],
)
def test_what_was_asked_for_is_no_problem(flags: str) -> None:
    assert judge_commands([_nvcc(flags)], GB10) == ()


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ("-gencode=arch=compute_20,code=sm_20", "it compiles for sm_20, which was not asked for"),
        ("-gencode=arch=compute_20,code=sm_20", "it does not compile for sm_121a"),
        ("-gencode=arch=compute_121a,code=[compute_121a,sm_121a]", "it compiles for compute_121a, which was not asked"),
        ("-arch=sm_121a", "it compiles for compute_121a, which was not asked"),
        ("-gencode=arch=compute_121,code=sm_121", "it does not compile for sm_121a"),
        ("-arch=native", "it is left to nvcc what to compile for: native"),
        ("-arch all-major", "it is left to nvcc what to compile for: all-major"),
        ("-O3", "no architecture reaches nvcc"),
    ],
)
def test_anything_else_is_said_in_words(flags: str, problem: str) -> None:
    assert any(one.startswith(problem) for one in judge_commands([_nvcc(flags)], GB10))


def test_what_torch_writes_for_a_list_is_what_is_asked_for() -> None:
    archs = parse_archs("9.0+PTX;12.1a")
    command = _nvcc(" ".join(gencode_flags(archs)))
    assert judge_commands([command], archs) == ()
    assert judge_commands([command], GB10) == (
        "it compiles for compute_90, which was not asked for",
        "it compiles for sm_90, which was not asked for",
    )


def test_one_wrong_command_among_many_is_found_and_said_once() -> None:
    right, wrong = _nvcc(*gencode_flags(GB10)), _nvcc("-O3")
    assert judge_commands([right, wrong, right, wrong], GB10) == (
        "no architecture reaches nvcc: it compiles for its own default",
    )


def test_only_what_compiles_with_nvcc_counts() -> None:
    flags = "-gencode=arch=compute_121a,code=sm_121a"
    entries = [
        {"command": _nvcc(flags), "file": "scale.cu"},
        {"command": _nvcc(flags), "file": "scale.cu"},
        {"arguments": ["/cuda/bin/nvcc", "-c", "a b.cu"], "file": "a b.cu"},
        {"command": "g++ -I/opt/nvcc -c scale.cpp", "file": "scale.cpp"},
        {"command": "/cuda/bin/nvcc --version", "file": ""},
    ]
    assert nvcc_commands(json.dumps(entries)) == (_nvcc(flags), "/cuda/bin/nvcc -c 'a b.cu'")


@pytest.mark.parametrize("text", ["", "no json", "{}", "[1]", '[{"file": "scale.cu"}]'])
def test_what_is_no_compile_database_has_no_commands(text: str) -> None:
    assert nvcc_commands(text) == ()
