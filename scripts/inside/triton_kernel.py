"""The kernel that the triton probe compiles. Triton reads its source, annotations included: a module of its own."""

from __future__ import annotations

import triton.language as tl


def double(source, target, BLOCK: tl.constexpr) -> None:  # type: ignore[no-untyped-def] # noqa: N803, ANN001
    """Write twice `source` to `target`, BLOCK values of it."""
    offsets = tl.arange(0, BLOCK)
    tl.store(target + offsets, tl.load(source + offsets) * 2)
