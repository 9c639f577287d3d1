"""Values of the operations that exist on CUDA alone, or have other results there, computed on the CPU.

Each function takes an operation's arguments, on the CPU, and gives its results; None for one that holds no values
(a workspace, a seed that was not used). An operation that is not here and has no CPU kernel is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from .host_memory import NotSimulatedError

aten = torch.ops.aten

RNN = {0: torch._VF.rnn_relu, 1: torch._VF.rnn_tanh, 2: torch._VF.lstm, 3: torch._VF.gru}
"""By cudnnRNNMode_t."""
LSTM = 2
SEQUENCE_ALIGNMENT = 32
"""To a multiple of this the memory-efficient attention pads its logsumexp."""


def cudnn_rnn(  # noqa: PLR0917 - the operation's own
    values: Any,
    weights: list[Any],
    weights_per_layer: int,
    _flat_weights: Any,
    hidden: Any,
    cell: Any,
    mode: int,
    _hidden_size: int,
    _projection_size: int,
    layers: int,
    batch_first: bool,  # noqa: FBT001
    dropout: float,
    train: bool,  # noqa: FBT001
    bidirectional: bool,  # noqa: FBT001
    batch_sizes: list[int],
    _dropout_state: Any,
) -> tuple[Any, ...]:
    """Run torch's own recurrent layers, which take the same weights in the same order."""
    state = (hidden, cell) if mode == LSTM else hidden
    has_biases = weights_per_layer in {4, 5}  # 2 or 3 without; the odd ones have a projection
    common = (state, weights, has_biases, layers, dropout, train, bidirectional)
    if batch_sizes:
        results = RNN[mode](values, torch.tensor(batch_sizes), *common)
    else:
        results = RNN[mode](values, *common, batch_first)
    output, last, *last_cell = results
    return (output, last, last_cell[0] if last_cell else None, None, None)


def lstm_cell(
    input_gates: Any, hidden_gates: Any, cell: Any, input_bias: Any = None, hidden_bias: Any = None
) -> tuple[Any, ...]:
    """One step of an LSTM from its gates before activation: hidden state, cell state, activated gates."""
    gates = input_gates + hidden_gates
    for bias in (input_bias, hidden_bias):
        gates = gates if bias is None else gates + bias
    entered, forgotten, candidate, shown = gates.chunk(4, 1)
    activated = (entered.sigmoid(), forgotten.sigmoid(), candidate.tanh(), shown.sigmoid())
    new_cell = activated[1] * cell + activated[0] * activated[2]
    return activated[3] * new_cell.tanh(), new_cell, torch.cat(activated, 1)


def efficient_attention(  # noqa: PLR0917 - the operation's own
    query: Any,
    key: Any,
    value: Any,
    bias: Any,
    log_sum: bool,  # noqa: FBT001
    dropout: float = 0.0,
    causal: bool = False,  # noqa: FBT001, FBT002
    *,
    scale: float | None = None,
) -> tuple[Any, ...]:
    """Attend as the CPU does. Its logsumexp is padded with infinity, as the kernel's is."""
    output = _attend(query, key, value, bias, dropout, causal, scale)
    if not log_sum:
        return (output, None, None, None)
    sums = _log_sum(query, key, bias, causal, scale)
    missing = -sums.shape[-1] % SEQUENCE_ALIGNMENT
    return (output, torch.nn.functional.pad(sums, (0, missing), value=math.inf), None, None)


def flash_attention(
    query: Any,
    key: Any,
    value: Any,
    dropout: float = 0.0,
    causal: bool = False,  # noqa: FBT001, FBT002
    _return_mask: bool = False,  # noqa: FBT001, FBT002
    *,
    scale: float | None = None,
) -> tuple[Any, ...]:
    """Attend as the CPU does."""
    output = _attend(query, key, value, None, dropout, causal, scale)
    sums = _log_sum(query, key, None, causal, scale)
    return (output, sums, None, None, None, None, None, None, None)


def cudnn_attention(  # noqa: PLR0917 - the operation's own
    query: Any,
    key: Any,
    value: Any,
    bias: Any,
    log_sum: bool,  # noqa: FBT001
    dropout: float = 0.0,
    causal: bool = False,  # noqa: FBT001, FBT002
    _return_mask: bool = False,  # noqa: FBT001, FBT002
    *,
    scale: float | None = None,
) -> tuple[Any, ...]:
    """Attend as the CPU does."""
    output = _attend(query, key, value, bias, dropout, causal, scale)
    sums = _log_sum(query, key, bias, causal, scale).unsqueeze(-1) if log_sum else None
    return (output, sums, None, None, None, None, None, None, None)


def _attend(query: Any, key: Any, value: Any, bias: Any, dropout: float, causal: bool, scale: float | None) -> Any:  # noqa: FBT001, PLR0917
    if dropout:
        raise NotSimulatedError("attention with dropout is not simulated")
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, bias, 0.0, causal, scale=scale)


def _log_sum(query: Any, key: Any, bias: Any, causal: bool, scale: float | None) -> Any:  # noqa: FBT001
    """Give log(sum(exp(scores))) of each query: batch x heads x queries, float32."""
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query.float() @ key.float().transpose(-2, -1)) * factor
    if bias is not None:
        scores = scores.masked_fill(~bias, -math.inf) if bias.dtype is torch.bool else scores + bias.float()
    if causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~allowed, -math.inf)
    return scores.logsumexp(-1)


def cudnn_batch_norm(  # noqa: PLR0917 - the operation's own
    values: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    train: bool,  # noqa: FBT001
    momentum: float,
    epsilon: float,
) -> tuple[Any, ...]:
    """Normalise as the CPU does; the running statistics are updated where they are."""
    output, saved_mean, saved_variance = aten.native_batch_norm(
        values, weight, bias, mean, variance, train, momentum, epsilon
    )
    return (output, saved_mean, saved_variance, None) if train else (output, None, None, None)


def batch_norm(  # noqa: PLR0917 - the operation's own
    values: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    train: bool,  # noqa: FBT001
    momentum: float,
    epsilon: float,
) -> tuple[Any, ...]:
    """Normalise as the CPU does. Where statistics are given, CUDA tells which it used, and the CPU does not."""
    results: tuple[Any, ...] = aten.native_batch_norm(values, weight, bias, mean, variance, train, momentum, epsilon)
    return results if train else (results[0], mean, torch.rsqrt(variance + epsilon))


_NAMED: dict[str, Callable[..., tuple[Any, ...]]] = {
    "_cudnn_rnn": cudnn_rnn,
    "_scaled_dot_product_cudnn_attention": cudnn_attention,
    "_scaled_dot_product_efficient_attention": efficient_attention,
    "_scaled_dot_product_flash_attention": flash_attention,
    "_thnn_fused_lstm_cell": lstm_cell,
    "cudnn_batch_norm": cudnn_batch_norm,
    "native_batch_norm": batch_norm,
}

RULES = {getattr(aten, name).default: rule for name, rule in _NAMED.items() if hasattr(aten, name)}
"""By operation. Which there are differs from torch to torch."""
