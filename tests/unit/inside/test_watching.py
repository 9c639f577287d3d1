from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scripts.inside.failure import ProbeFailure
from scripts.inside.watching import Failed, as_failure, draws_on_the_cpu, refused_kernel
from tests.unit.inside.stand_in import install_torch

# The ends of the Jiterator's sources, as torch 2.15.0 writes them: element by element, and a reduction.
SOURCES = {
    "abs_kernel_vectorized2": '\nextern "C" __global__\nvoid abs_kernel_vectorized2_kernel(\n  const int numel) {}\n',
    "reduction_prod": (
        'extern "C"\n__launch_bounds__(512, 4)\n__global__ void reduction_prod_kernel(ReduceJitOp r){\n}\n'
    ),
}
REFUSED = "nvrtc: error: invalid value for --gpu-architecture (-arch)\n"


@pytest.mark.parametrize(("name", "source"), SOURCES.items())
def test_the_refused_kernel_stands_in_its_source(name: str, source: str) -> None:
    assert refused_kernel(f"RuntimeError: void other_kernel(int)\n{source}{REFUSED}") == name


def test_another_error_tells_of_no_kernel() -> None:
    assert refused_kernel("CUDA driver error: unspecified launch failure") is None


def test_what_torch_raises_is_told_as_it_stands_with_what_was_measured() -> None:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(SOURCES["reduction_prod"] + REFUSED)
    found = as_failure(caught.value, {"kernels": ["x"], "failed_operation": "prod"})
    assert found.message == f"RuntimeError: {SOURCES['reduction_prod']}{REFUSED}"
    assert found.detail["refused_kernel"] == "reduction_prod"
    assert found.detail["exception"] == "RuntimeError"
    assert (found.detail["kernels"], found.detail["failed_operation"]) == (["x"], "prod")
    assert "test_watching.py" in found.detail["traceback"]
    assert "extern" not in found.detail["traceback"]


def test_a_known_failure_stays_what_it_is() -> None:
    found = as_failure(ProbeFailure("silence", {"cause": "sound"}), {"kernels": [], "cause": "other"})
    assert (found.message, found.detail) == ("silence", {"kernels": [], "cause": "sound"})


class Tensor(SimpleNamespace):
    def to(self, device: str) -> Tensor:
        return Tensor(**{**vars(self), "device": device})


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    def drawn(*size: int) -> Tensor:
        return Tensor(size=size, device="cpu")

    def like(tensor: Tensor) -> Tensor:
        return Tensor(size=tensor.size, device=tensor.device)

    def empty_like(tensor: Tensor, *, device: str) -> Tensor:
        return Tensor(size=tensor.size, device=device)

    def rand(*size: int) -> Tensor:
        return drawn(*size)

    def randn_like(tensor: Tensor) -> Tensor:
        assert tensor.device == "cpu", "CUDA draws others from the same seed"
        return like(tensor)

    return install_torch(
        monkeypatch, rand=rand, randn=drawn, rand_like=like, randn_like=randn_like, empty_like=empty_like
    )


def test_random_numbers_are_drawn_on_the_cpu_and_moved(torch: Any) -> None:
    call = draws_on_the_cpu(Failed()).__torch_function__
    assert call(torch.rand, (), (2, 3), {"device": "cuda:0"}) == Tensor(size=(2, 3), device="cuda:0")
    assert call(torch.rand, (), (2,)) == Tensor(size=(2,), device="cpu")
    there = Tensor(size=(4,), device="cuda:0")
    assert call(torch.randn_like, (), (there,)) == there
    assert call(torch.randn_like, (), (there,), {"device": "cpu"}) == Tensor(size=(4,), device="cpu")


def test_the_operation_that_raised_last_is_remembered(torch: Any) -> None:
    failed = Failed()
    call = draws_on_the_cpu(failed).__torch_function__

    def angle(_value: int) -> int:
        raise RuntimeError("refused")

    def exp(_value: int) -> int:
        raise RuntimeError("refused")

    assert call(abs, (), (-3,)) == 3
    assert failed.operation is None
    for function in (angle, exp):
        with pytest.raises(RuntimeError, match="refused"):
            call(function, (), (1,))
    assert failed.operation == "exp"
