"""Run by the interpreter under test: operations on the simulated device against the same on the CPU, told as JSON.

Printed is one object, from a case's name to what is wrong with it; the empty string where nothing is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch

functional = torch.nn.functional
TOLERANCE = 1e-5
"""Between two ways of computing the same in float32: a fused cell, a batch norm."""

torch.manual_seed(0)
REAL = torch.randn(4, 6)
COMPLEX = torch.complex(REAL, REAL.flip(0))
SEQUENCE = torch.randn(2, 10, 8)
HEADS = torch.randn(1, 2, 16, 8)


def in_place_through_a_view(values: Any) -> Any:
    changed = values.clone()
    changed.t()[1:].add_(5)
    return changed


def out_argument(values: Any) -> Any:
    place = torch.empty(0, device=values.device)
    torch.add(values, values, out=place)
    return place


def overlapping_copy(values: Any) -> Any:
    row = values[0].clone()
    row[2:].copy_(row[:-2].clone())
    return row


def masked_assignment(values: Any) -> Any:
    changed = values.clone()
    changed[changed > 0] = 7.0
    return changed


def gradient(values: Any) -> Any:
    given = values.clone().requires_grad_()
    (given.sin() ** 2).sum().backward()
    return given.grad


def short_time_fourier(values: Any) -> Any:
    window = torch.hann_window(8, device=values.device)
    spectrum = torch.stft(values.reshape(1, -1).repeat(1, 10), 8, 2, window=window, return_complex=True)
    return torch.istft(spectrum, 8, 2, window=window)


def in_inference_mode(values: Any) -> Any:
    with torch.inference_mode():
        return functional.linear(values, torch.eye(6, device=values.device)).softmax(-1)


CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "abs": (torch.abs, COMPLEX),
    "angle": (torch.angle, COMPLEX),
    "exp": (torch.exp, COMPLEX),
    "conjugate": (lambda values: values.conj() * 2, COMPLEX),
    "negative bit": (lambda values: values.conj().imag, COMPLEX),
    "in place through a view": (in_place_through_a_view, REAL),
    "out argument": (out_argument, REAL),
    "overlapping copy": (overlapping_copy, REAL),
    "not contiguous": (lambda values: values.t().cumsum(0)[::2], REAL),
    "other type": (lambda values: values.double().t().to(torch.int64), REAL),
    "mask": (lambda values: values[values > 0], REAL),
    "masked assignment": (masked_assignment, REAL),
    "nonzero": (torch.nonzero, REAL),
    "unique": (torch.unique, torch.tensor([3, 1, 3, 2])),
    "repeat": (lambda values: torch.repeat_interleave(torch.arange(4, device=values.device), values), torch.arange(4)),
    "a number": (lambda values: torch.tensor(values.sum().item()), REAL),
    "sort": (lambda values: torch.sort(values)[1], REAL),
    "foreach": (lambda values: torch._foreach_add([values, values], 1.0)[1], REAL),
    "gradient": (gradient, REAL),
    "short-time Fourier": (short_time_fourier, REAL),
    "inference mode": (in_inference_mode, REAL),
    "attention": (lambda values: functional.scaled_dot_product_attention(values, values, values), HEADS),
    "causal attention": (
        lambda values: functional.scaled_dot_product_attention(values, values, values, is_causal=True),
        HEADS,
    ),
    "half attention": (lambda values: functional.scaled_dot_product_attention(*[values.half()] * 3).float(), HEADS),
    "instance norm": (functional.instance_norm, SEQUENCE),
    "batch norm": (lambda values: functional.batch_norm(values, None, None, training=True), SEQUENCE),
    "batch norm in use": (
        lambda values: functional.batch_norm(values, values.new_zeros(10), values.new_ones(10)),
        SEQUENCE,
    ),
}


def difference(found: Any, expected: Any) -> str:
    """Say how two results differ; empty: they do not."""
    found = found.cpu()
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype} {tuple(found.shape)} instead of {expected.dtype} {tuple(expected.shape)}"
    if torch.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        return ""
    return f"off by {float((found - expected).abs().max()):.3g}"


def layer(made: Any, values: Any) -> str:
    """Compare a layer on the device with itself on the CPU, also where it is given packed sequences."""
    packed = torch.nn.utils.rnn.pack_padded_sequence(values, torch.tensor([10, 6]), batch_first=True)
    expected = [made(values)[0], made(packed)[0].data]
    made = made.cuda()
    found = [made(values.cuda())[0], made(packed.to("cuda"))[0].data]
    return "; ".join(filter(None, map(difference, found, expected)))


def layers() -> dict[str, str]:
    found = {}
    for cudnn in (True, False):
        torch.backends.cudnn.enabled = cudnn
        for both in (True, False):
            lstm = torch.nn.LSTM(8, 8, num_layers=2, batch_first=True, bidirectional=both)
            name = f"LSTM {'with' if cudnn else 'without'} cuDNN, {'both ways' if both else 'one way'}"
            with torch.no_grad():
                found[name] = layer(lstm, SEQUENCE)
    torch.backends.cudnn.enabled = True
    for kind in (torch.nn.GRU, torch.nn.RNN):
        with torch.no_grad():
            found[kind.__name__] = layer(kind(8, 8, batch_first=True), SEQUENCE)
    return found


def random_numbers() -> str:
    """A seed decides the device's numbers, and drawing there leaves the CPU's as they are."""
    torch.cuda.manual_seed(3)
    first, second = torch.rand(8, device="cuda").cpu(), torch.rand(8, device="cuda").cpu()
    torch.cuda.manual_seed(3)
    if not torch.equal(torch.rand(8, device="cuda").cpu(), first) or torch.equal(first, second):
        return "a seed does not decide the numbers"
    own = torch.Generator("cuda").manual_seed(3)
    if not torch.equal(torch.rand(8, device="cuda", generator=own).cpu(), first):
        return "a generator of its own has other numbers"
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    torch.rand(5, device="cuda")
    return "" if torch.equal(torch.rand(3), expected) else "the CPU's numbers change"


def printing() -> str:
    """Say whether a device tensor prints its values."""
    found = str(REAL.cuda())
    expected = str(REAL).removesuffix(")") + ", device='cuda:0')"
    return "" if found.split() == expected.split() else found


def main() -> None:
    """Run every case. An exception is what is wrong with its own case alone."""
    told = {}
    for name, (function, values) in CASES.items():
        try:
            told[name] = difference(function(values.cuda()), function(values))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            told[name] = f"{type(error).__name__}: {error}"[:300]
    told |= layers()
    told["random numbers"] = random_numbers()
    told["printing"] = printing()
    print(json.dumps(told))  # noqa: T201


main()
