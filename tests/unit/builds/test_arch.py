"""What --sm takes, what it refuses, and what torch and nvcc make of it."""

from __future__ import annotations

import pytest

from scripts.builds.arch import (
    first_nvcc_for,
    gencode_flags,
    nvcc_knows,
    parse_archs,
    require_consistent,
    require_torch_accepts,
)
from scripts.errors import UsageError
from scripts.model.recipes import Arch

GB10 = parse_archs("12.1a")


@pytest.mark.parametrize(
    ("text", "archs"),
    [
        ("12.1a", (Arch(12, 1, "a"),)),
        ("12.1", (Arch(12, 1),)),
        (" 12.0;12.1A ", (Arch(12, 0), Arch(12, 1, "a"))),
        ("9.0+PTX 8.6", (Arch(9, 0, "", ptx=True), Arch(8, 6))),
    ],
)
def test_what_torch_takes_is_read(text: str, archs: tuple[Arch, ...]) -> None:
    assert parse_archs(text) == archs


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("12.1f", "--sm 12.1a:"),
        ("sm_121a", "--sm 12.1a:"),
        ("compute_90", "--sm 9.0:"),
        ("121", "--sm 12.1:"),
        ("8.6a", "--sm 8.6:"),
        ("native", "--sm 12.1a:"),
        ("12.1(2.0)", "--sm 12.1a:"),
        ("", "--sm 12.1a:"),
        ("9.0;9.0", "--sm 12.1a:"),
    ],
)
def test_what_torch_does_not_take_is_refused_with_what_it_does(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_archs(text)
    assert caught.value.reference == "bad-arch"
    assert caught.value.hint is not None
    assert hint in caught.value.hint


@pytest.mark.parametrize("environ", [{}, {"TORCH_CUDA_ARCH_LIST": "12.1a"}])
def test_a_list_that_agrees_is_let_through(environ: dict[str, str]) -> None:
    require_consistent(GB10, environ)


@pytest.mark.parametrize("said", ["9.0", "12.1", "12.1a;9.0", "native", "", "12.1(2.0)"])
def test_a_list_that_says_something_else_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match=r"--sm is 12\.1a") as caught:
        require_consistent(GB10, {"TORCH_CUDA_ARCH_LIST": said})
    assert caught.value.reference == "arch-contradiction"
    assert repr(said) in caught.value.message


def test_the_order_of_a_list_is_of_no_account() -> None:
    require_consistent(parse_archs("12.0;12.1a"), {"TORCH_CUDA_ARCH_LIST": "12.1a 12.0"})


def test_a_torch_that_is_too_old_is_named() -> None:
    require_torch_accepts(GB10, "2.15.0+cu132")
    require_torch_accepts(parse_archs("9.0"), "2.1.0")
    with pytest.raises(UsageError, match=r"torch 2\.8\.0 does not take 12\.1a") as caught:
        require_torch_accepts(GB10, "2.8.0")
    assert caught.value.reference == "torch-too-old"


def test_the_first_nvcc_is_known_or_none() -> None:
    assert first_nvcc_for(GB10[0]) == "12.9"
    assert first_nvcc_for(Arch(12, 0)) == "12.8"
    assert first_nvcc_for(Arch(42, 0)) is None


def test_nvcc_s_list_names_no_suffix() -> None:
    assert nvcc_knows(GB10[0], ("sm_120", "sm_121"))
    assert not nvcc_knows(GB10[0], ("sm_120",))


def test_flags_are_torch_s_own() -> None:
    assert gencode_flags(GB10) == ("-gencode=arch=compute_121a,code=sm_121a",)
    assert gencode_flags(parse_archs("9.0+PTX")) == (
        "-gencode=arch=compute_90,code=sm_90",
        "-gencode=arch=compute_90,code=compute_90",
    )
