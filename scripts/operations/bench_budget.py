"""The budget of a voice call: what speech takes, and what is left for hearing and the language model. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.model.bench import Budget
from scripts.operations.bench_figures import percentile

BUDGETS_MS = (600, 900)
"""From the end of what the caller says to the first sound of the answer, in all."""


def budget_of(mode: str, dtype: str, seconds: Sequence[float], text_seconds: Sequence[float]) -> Budget:
    """Make it of the seconds of first sentences, and of those that their text needs to become phonemes."""
    phonemes = percentile(text_seconds, 0.5) if text_seconds else 0.0
    return Budget(
        mode=mode,
        dtype=dtype,
        count=len(seconds),
        p50_ms=round(1000 * (percentile(seconds, 0.5) + phonemes), 1),
        p95_ms=round(1000 * (percentile(seconds, 0.95) + phonemes), 1),
    )


def budget_lines(budgets: Sequence[Budget]) -> list[str]:
    """Say it in words, a mode a line."""
    lines = []
    for one in budgets:
        name = f"{one.mode} {one.dtype}"
        line = f"  {name:24} p50 {one.p50_ms:6.0f} ms  p95 {one.p95_ms:6.0f} ms"
        for budget in BUDGETS_MS:
            middle, high = one.left_ms(budget)
            line += f"  of {budget}: {_left(middle)} / {_left(high)}"
        lines.append(line)
    return lines


def _left(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms left" if milliseconds > 0 else f"over by {-milliseconds:.0f} ms"
