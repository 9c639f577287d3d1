"""Operations that must work, or fail by an exception, on a simulated GPU: run by the interpreter under test.

Prints one JSON object: by name, empty where the operation worked, else the end of the error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch


def square(tensor: Any) -> Any:
    return torch.cuda.jiterator._create_jit_fn("template <typename T> T f(T x) { return x * x; }")(tensor)


def on_gpu(*shape: int, dtype: Any = None) -> Any:
    return torch.zeros(*shape, dtype=dtype, device="cuda")


def event() -> bool:
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    end.record()
    end.synchronize()
    return bool(begin.elapsed_time(end) >= 0)


def spectrum() -> Any:
    return on_gpu(4, dtype=torch.complex64)


OPERATIONS: dict[str, Callable[[], Any]] = {
    "zeros": lambda: on_gpu(4).cpu(),
    "add": lambda: on_gpu(4) + 1,
    "copy": lambda: torch.arange(5.0).cuda().cpu().tolist() == [0, 1, 2, 3, 4],
    "abs": lambda: (spectrum().abs(), torch.cuda.synchronize()),
    "angle": lambda: spectrum().angle(),
    "exp": lambda: torch.exp(spectrum()),
    "mul": lambda: spectrum() * spectrum(),
    "prod": lambda: spectrum().prod(),
    "lgamma": lambda: torch.lgamma(on_gpu(3)),
    "i0e": lambda: torch.special.i0e(on_gpu(3)),
    "bessel_j0": lambda: torch.special.bessel_j0(on_gpu(3)),
    "jiterator": lambda: square(on_gpu(3)),
    "matmul": lambda: torch.randn(64, 64, device="cuda") @ torch.randn(64, 64, device="cuda"),
    "linear": lambda: torch.nn.Linear(8, 8).cuda()(on_gpu(4, 8)),
    "stft": lambda: torch.stft(
        on_gpu(1, 2400), 20, 5, window=torch.hann_window(20, device="cuda"), return_complex=True
    ),
    "istft": lambda: torch.istft(
        on_gpu(1, 11, 481, dtype=torch.complex64), 20, 5, window=torch.ones(20, device="cuda")
    ),
    "conv1d": lambda: torch.nn.Conv1d(8, 8, 3).cuda()(on_gpu(1, 8, 100)),
    "conv_transpose1d": lambda: torch.nn.ConvTranspose1d(8, 8, 3, stride=2).cuda()(on_gpu(1, 8, 100)),
    "lstm": lambda: torch.nn.LSTM(8, 8, batch_first=True, bidirectional=True).cuda()(on_gpu(1, 10, 8)),
    "batch_norm": lambda: torch.nn.InstanceNorm1d(8, affine=True).cuda()(on_gpu(1, 8, 100)),
    "sdpa": lambda: torch.nn.functional.scaled_dot_product_attention(*[on_gpu(1, 2, 16, 8)] * 3),
    "sum": lambda: on_gpu(1).sum().item(),
    "nonzero": lambda: on_gpu(5).nonzero(),
    "cumsum": lambda: on_gpu(5).cumsum(0),
    "sort": lambda: on_gpu(50).sort(),
    "repeat_interleave": lambda: torch.repeat_interleave(
        torch.arange(4, device="cuda"), torch.ones(4, dtype=torch.long, device="cuda"), output_size=4
    ),
    "event": event,
    "pinned": lambda: torch.zeros(4).pin_memory().is_pinned(),
    "memory": lambda: torch.cuda.mem_get_info()[1] > torch.cuda.max_memory_allocated() > 0,
}
WITHOUT_CUDNN = ("conv1d", "conv_transpose1d", "lstm")


def attempt(operation: Callable[[], Any]) -> str:
    try:
        return "" if operation() is not False else "wrong"
    except Exception as error:  # noqa: BLE001 - every failure is an answer
        return f"{type(error).__name__}: {error}"[-600:]


answers = {name: attempt(one) for name, one in OPERATIONS.items()}
torch.backends.cudnn.enabled = False
answers |= {f"{name} without cuDNN": attempt(OPERATIONS[name]) for name in WITHOUT_CUDNN}
print(json.dumps(answers))  # noqa: T201 - the answer
