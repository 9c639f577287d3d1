from __future__ import annotations

import pytest

from scripts.model.evidence import JitKernel, Outcome
from scripts.verification.census import census_lines, operation_of, parse, take_census
from scripts.verification.evidence import Evidence
from tests.unit.verification.cases import REFUSED, ended, failing_nvrtc, spoke, working

HASH = "675ee8f9509599979e10b019e9a2038529c91ba8"


def file(name: str, tail: str = f"_arch12.1_nvrtc13.2_sass_45986_{HASH}") -> str:
    return name + tail


def kernel(operation: str) -> JitKernel:
    return JitKernel(name=f"{operation}_kernel_vectorized2", operation=operation, architecture="12.1", nvrtc="13.2")


# As torch 2.15.0 wrote them.
KERNELS = {
    "abs_kernel_vectorized2": "abs",
    "angle_kernel_vectorized2": "angle",
    "exp_kernel_vectorized2": "exp",
    "reduction_prod": "prod",
    "abs_kernel": "abs",
    "digamma": "digamma",
    "modified_bessel_i0_forward": "modified_bessel_i0_forward",
    "_kernel": "_kernel",
}


@pytest.mark.parametrize(("name", "operation"), KERNELS.items())
def test_operation_of(name: str, operation: str) -> None:
    assert operation_of(name) == operation


def test_parse() -> None:
    assert parse(file("abs_kernel_vectorized2")) == kernel("abs")
    found = parse(f"reduction_prod_arch10.0_nvrtc12.9_ptx_68013_{HASH}")
    assert found == JitKernel(name="reduction_prod", operation="prod", architecture="10.0", nvrtc="12.9")


@pytest.mark.parametrize(
    "name",
    ["", "notes.txt", file("abs_kernel") + "_tmp_4711", "abs_arch12.1_nvrtc13.2_sass_45986_beef", file("")],
)
def test_what_is_no_kernel(name: str) -> None:
    assert parse(name) is None


STOCK = [file(f"{name}_kernel_vectorized2") for name in ("exp", "angle", "abs")]


def test_every_mode_is_counted() -> None:
    evidence = working(kokoro_stock_cuda=spoke("stock", "cuda", kernels=[*STOCK, "notes.txt"]))
    stock, bridged, other = take_census(evidence)
    assert (stock.mode, stock.complete, stock.note) == ("stock", True, "")
    assert stock.kernels == (kernel("abs"), kernel("angle"), kernel("exp"))
    assert [(one.mode, one.kernels, one.complete) for one in (bridged, other)] == [
        ("bridged", (), True),
        ("disable_complex", (), True),
    ]
    operations = ", ".join(f"{name} ({name}_kernel_vectorized2)" for name in ("abs", "angle", "exp"))
    assert census_lines((stock, bridged)) == (
        f"stock: {operations}, for compute capability 12.1 by NVRTC 13.2",
        "bridged: none",
    )


def test_a_refusal_ends_it_early() -> None:
    refused = {"kernels": [], "refused_kernel": "abs_kernel_vectorized2", "failed_operation": "abs"}
    stock = ended("kokoro.stock.cuda", Outcome.FAILED, f"RuntimeError: {REFUSED}", **refused)
    note = ended("kokoro.transform_only.cuda", Outcome.FAILED, REFUSED, kernels=[], failed_operation="exp")
    evidence = failing_nvrtc(kokoro_stock_cuda=stock)
    found = {one.mode: one for one in take_census(Evidence.of([*evidence.observations, note]))}
    assert not found["stock"].complete
    assert found["stock"].note == "NVRTC refused at abs, and nothing after it was reached"
    assert found["transform_only"].note == "NVRTC refused at exp, and nothing after it was reached"
    assert census_lines([found["stock"]]) == (
        "stock: incomplete: NVRTC refused at abs, and nothing after it was reached",
    )


def test_another_failure_leaves_what_had_been_compiled() -> None:
    error = "RuntimeError: CUDA driver error: unspecified launch failure"
    stock = ended("kokoro.stock.cuda", Outcome.FAILED, error, kernels=STOCK[-1:], failed_operation="abs")
    (line, *_) = census_lines(take_census(working(kokoro_stock_cuda=stock)))
    assert line.startswith("stock: incomplete: abs (abs_kernel_vectorized2), for compute capability 12.1")
    assert line.endswith("then it failed at abs (launch), and nothing after that was reached")


@pytest.mark.parametrize("outcome", [Outcome.CRASHED, Outcome.HUNG, Outcome.KILLED])
def test_a_process_that_died_told_nothing(outcome: Outcome) -> None:
    stock = take_census(working(kokoro_stock_cuda=ended("kokoro.stock.cuda", outcome)))[0]
    assert (stock.kernels, stock.complete) == ((), False)
    assert stock.note == f"what it had compiled is not known: {outcome}"


def test_what_was_not_run_is_not_counted() -> None:
    skipped = ended("kokoro.bridged.cuda", Outcome.SKIPPED, "no")
    found = take_census(working(kokoro_bridged_cuda=skipped, kokoro_disable_complex_cuda=None))
    assert [one.mode for one in found] == ["stock"]
