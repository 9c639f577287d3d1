from __future__ import annotations

import pytest

from scripts.verification.variables import MEANINGS, describe_variables, shown


def test_only_what_is_set_is_described_in_order() -> None:
    rows = describe_variables(
        {"PATH": "/bin", "LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "CUDA_HOME": "/usr/local/cuda"}
    )
    assert [(row["name"], row["value"]) for row in rows] == [
        ("CUDA_HOME", "/usr/local/cuda"),
        ("LD_LIBRARY_PATH", "/usr/local/cuda/lib64"),
    ]
    assert "RPATH" in rows[1]["meaning"]


@pytest.mark.parametrize(
    "name",
    [
        "CUDA_HOME",
        "LD_LIBRARY_PATH",
        "TRITON_PTXAS_PATH",
        "TRITON_PTXAS_BLACKWELL_PATH",
        "PYTORCH_KERNEL_CACHE_PATH",
        "USE_PYTORCH_KERNEL_CACHE",
        "TORCH_CUDA_ARCH_LIST",
        "PYTORCH_JIT",
        "CUDA_VISIBLE_DEVICES",
        "PYTORCH_CUDA_ALLOC_CONF",
        "NVRTC_FLAGS",
        "NVRTC_DISABLE_CONCURRENT_NVVM",
    ],
)
def test_every_variable_of_the_research_note_has_a_meaning(name: str) -> None:
    assert MEANINGS[name]
    assert describe_variables({name: "1"})[0]["name"] == name


def test_an_unknown_nvrtc_variable_is_called_unknown() -> None:
    (row,) = describe_variables({"NVRTC_OPTIONS": "--gpu-architecture=sm_90"})
    assert "not a variable" in row["meaning"]


def test_a_long_value_is_told_by_its_ends() -> None:
    paths = ":".join(f"/somewhere/library-{number}.so" for number in range(20))
    told = shown(paths)
    assert len(told) < 160
    assert told.startswith("/somewhere/library-0.so:")
    assert told.endswith("/somewhere/library-19.so")
    assert "characters" in told
    assert shown("/usr/local/cuda") == "/usr/local/cuda"
    assert describe_variables({"LD_PRELOAD": paths})[0]["value"] == paths, "report.json has all of it"


def test_an_empty_value_is_set() -> None:
    assert describe_variables({"CUDA_VISIBLE_DEVICES": ""})[0]["value"] == ""


def test_credentials_are_taken_out() -> None:
    (row,) = describe_variables({"CUDA_HOME": "https://me:secret@host/cuda"})
    assert "secret" not in row["value"]
