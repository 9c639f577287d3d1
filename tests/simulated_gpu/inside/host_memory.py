"""A device tensor's memory as a CPU tensor: the simulated device's memory is this process's own."""

from __future__ import annotations

from typing import Any

import torch

CPU = torch.device("cpu")


class NotSimulatedError(RuntimeError):
    """There are no values for an operation on the simulated device."""


def on_host(tensor: torch.Tensor) -> torch.Tensor:
    """Give a CPU tensor over the same memory, with the same sizes, strides, and conjugate and negative bits.

    It keeps nothing alive: it must not outlive `tensor`. A CPU tensor is given back as it is.

    Raises NotSimulatedError for a sparse or nested one, which has no such memory.
    """
    if not tensor.is_cuda:
        return tensor
    if tensor.layout is not torch.strided or tensor.is_nested:
        raise NotSimulatedError(f"a tensor of layout {tensor.layout} is not simulated")
    storage = tensor.untyped_storage()
    if not storage.nbytes():
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
    memory = torch._C._construct_storage_from_data_pointer(storage.data_ptr(), CPU, storage.nbytes())
    alias = torch.empty(0, dtype=tensor.dtype).set_(memory, tensor.storage_offset(), tensor.shape, tensor.stride())
    if tensor.is_conj():
        alias = alias.conj()
    return torch._neg_view(alias) if tensor.is_neg() else alias


def write(target: torch.Tensor, values: torch.Tensor) -> None:
    """Write values of the same shape, or of one that expands to it, into a tensor, wherever it is."""
    place = on_host(target)
    if not _is_same(place, values):
        place.copy_(values)


def upload(values: torch.Tensor) -> torch.Tensor:
    """Make a device tensor with these values and strides."""
    made = torch.empty_strided(values.shape, values.stride(), dtype=values.dtype, device="cuda")
    write(made, values)
    return made


def each_tensor(value: Any) -> list[torch.Tensor]:
    """List the tensors in an operation's arguments or results, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [tensor for part in parts for tensor in each_tensor(part)]


def _is_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tell whether these are the same numbers in the same place, as the results of views are."""
    return bool(
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.dtype == other.dtype
        and one.stride() == other.stride()
        and one.is_conj() == other.is_conj()
        and one.is_neg() == other.is_neg()
    )
