"""What an operation's schema and tags say about it. Pure, and read once for each operation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

NO_VALUES = frozenset(
    {
        "aten::_cudnn_init_dropout_state",
        "aten::_efficientzerotensor",
        "aten::_has_compatible_shallow_copy_type",
        "aten::empty",
        "aten::empty_like",
        "aten::empty_permuted",
        "aten::empty_strided",
        "aten::is_pinned",
        "aten::is_same_size",
        "aten::is_set_to",
        "aten::new_empty",
        "aten::new_empty_strided",
        "aten::record_stream",
        "aten::sym_numel",
        "aten::sym_size",
        "aten::sym_storage_offset",
        "aten::sym_stride",
    }
)
"""Operations whose results have no values, or none that a kernel would have written."""

INDEXED = frozenset({"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"})
"""Operations that first look for the true elements where an index is a mask."""


@dataclass(frozen=True)
class Traits:
    """One operation. `written` names its arguments that it writes; `returns_written`: which results are these."""

    name: str
    arguments: tuple[str, ...]
    """In the order of positional arguments, then the keyword-only ones."""
    written: frozenset[str]
    returns_written: tuple[bool, ...]
    is_view: bool
    """Its result is its argument's memory; nothing is computed."""
    is_composite: bool
    """It is made of others, and is nothing that a device knows."""
    has_no_values: bool
    gives_scalars: bool
    """Its result is read from the device's memory: a number, a truth value."""
    sizes_by_value: bool
    """The shape of its result depends on values."""
    draws: bool
    """It draws random numbers."""


@cache
def traits_of(operation: Any) -> Traits:
    """Read an operation's schema, e.g. of torch.ops.aten.abs.default."""
    schema, tags = operation._schema, operation.tags
    written = frozenset(one.name for one in schema.arguments if one.alias_info is not None and one.alias_info.is_write)
    returns = [one.alias_info for one in schema.returns]
    return Traits(
        name=schema.name,
        arguments=tuple(one.name for one in schema.arguments),
        written=written,
        returns_written=tuple(alias is not None and alias.is_write for alias in returns),
        is_view=torch.Tag.inplace_view in tags
        or (not written and bool(returns) and all(alias is not None for alias in returns)),
        is_composite=torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd"),
        has_no_values=schema.name in NO_VALUES,
        gives_scalars=torch.Tag.data_dependent_output in tags,
        sizes_by_value=torch.Tag.dynamic_output_shape in tags and schema.name not in INDEXED,
        draws=torch.Tag.nondeterministic_seeded in tags,
    )


def by_name(traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Give every argument its name."""
    return {**dict(zip(traits.arguments, args)), **kwargs}  # noqa: B905 - defaults may be left out


def has_mask(traits: Traits, args: tuple[Any, ...]) -> bool:
    """Tell whether an indexing operation is given a mask among its indices."""
    if traits.name not in INDEXED:
        return False
    indices = [one for one in args[1] if isinstance(one, torch.Tensor)]
    return any(one.dtype in {torch.bool, torch.uint8} for one in indices)
