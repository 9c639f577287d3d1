"""What is spoken in a round of `invoke bench`, as the probe `bench` takes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.model.bench import BenchTable, BenchText
from scripts.operations.bench_order import LONG, BenchOrder, texts_of

SHORT_SECONDS, MIDDLE_SECONDS = 2.0, 10.0
SERVED = ("stock", "onnx", "tuned", "batched")
"""Modes that answer several requests at once: a patch's cost is that of its mode alone."""
CONCURRENT_ROUNDS = 2
"""Of requests at once, at most: a round of them takes two minutes."""


def names_of(order: BenchOrder, table: BenchTable) -> dict[str, str]:
    """Give every text that is to become phonemes, by the name of its turn."""
    found = {f"reply {place}": text for place, text in enumerate(table.replies)}
    if order.pipeline:
        return found
    for text in texts_of(order, table):
        found[text.name] = text.whole
        if is_streamed(text):
            found[f"{text.name} by sentence"] = text.pieces[0]
            found[f"{text.name} by clause"] = text.first_clause
    return found | {f"request {place}": text for place, text in enumerate(table.requests)}


def is_streamed(text: BenchText) -> bool:
    """Tell whether a text is long enough for its first sound to come before its last."""
    return bool(text.first_clause)


def turns_of(order: BenchOrder, table: BenchTable, stretches: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Give a round's turns. `stretches` are the phonemes by the names of names_of."""
    turns = []
    if not order.pipeline:
        for text in texts_of(order, table):
            turns.append(_turn(text.name, stretches[text.name], _repeats(text)))
            if is_streamed(text):
                turns += [
                    _turn(f"{text.name} by {how}", stretches[f"{text.name} by {how}"], 2)
                    for how in ("sentence", "clause")
                ]
    if order.pipeline or order.whole:
        turns += [_turn(name, stretches[name], 2) for name in stretches if name.startswith("reply ")]
    return turns


def concurrent_of(
    order: BenchOrder, table: BenchTable, stretches: Mapping[str, Sequence[str]], number: int
) -> dict[str, Any] | None:
    """Give a round's requests at once; None where there are none in this round."""
    if not order.whole or number >= CONCURRENT_ROUNDS:
        return None
    lines = [stretches[f"request {place}"][0] for place in range(len(table.requests))]
    return {"lines": lines, "at": list(table.at), "modes": list(SERVED)}


def _turn(name: str, lines: Sequence[str], repeat: int) -> dict[str, Any]:
    return {"name": name, "lines": list(lines), "repeat": repeat}


def _repeats(text: BenchText) -> int:
    if text.name == LONG:
        return 1
    return 6 if text.seconds <= SHORT_SECONDS else 4 if text.seconds <= MIDDLE_SECONDS else 1
