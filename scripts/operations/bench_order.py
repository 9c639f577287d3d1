"""What `invoke bench` is asked: options read, texts of constraints/bench.toml. Nothing is run here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError
from scripts.model.bench import BenchTable, BenchText
from scripts.model.modes import MODES, Engine, Mode
from scripts.operations.say import check_device
from scripts.operations.sound_choosing import listed, parse_modes

LEFT_OUT = frozenset({"bridge-transform-only"})
"""Of no use to anyone, and as fast as the bridge: measured only where it is named."""
LONG = "5 min"
MOST_ROUNDS = 100


@dataclass(frozen=True, kw_only=True)
class BenchOrder:
    """The options, read."""

    modes: tuple[Mode, ...]
    device: str = "auto"
    lengths: tuple[str, ...]
    """Names of texts."""
    rounds: int = 3
    pipeline: bool = False
    """The budget of a voice call alone."""
    whole: bool = True
    """Starts, memory, requests at once and a voice call's budget too: not where lengths were chosen."""
    env: str | None = None


def load_table(path: Path) -> BenchTable:
    """Read constraints/bench.toml."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    texts = tuple(
        BenchText(
            name=one["name"],
            seconds=float(one["seconds"]),
            pieces=tuple(one["pieces"]),
            first_clause=one.get("first_clause", ""),
        )
        for one in data["text"]
    )
    long = data["long"]
    part = next(text for text in texts if text.name == long["of"])
    return BenchTable(
        voice=data["voice"],
        texts=texts,
        long=BenchText(
            name=long["name"], seconds=part.seconds * long["times"], pieces=part.pieces * int(long["times"])
        ),
        replies=tuple(data["pipeline"]["replies"]),
        at=tuple(data["concurrent"]["at"]),
        requests=tuple(data["concurrent"]["requests"]),
    )


def parse_order(
    table: BenchTable, *, modes: str, device: str, lengths: str, rounds: str, long: bool, pipeline: bool, env: str
) -> BenchOrder:
    """Read the options. Raises UsageError: unknown-mode, unknown-device, unknown-length, bad-count."""
    chosen = parse_modes(modes) or tuple(mode for mode in MODES if mode.name not in LEFT_OUT)
    if not rounds.isascii() or not rounds.isdigit() or not 1 <= int(rounds) <= MOST_ROUNDS:
        raise UsageError(
            f"{rounds!r} is no number of rounds", hint=f"give 1 to {MOST_ROUNDS}; 3 is usual", reference="bad-count"
        )
    names = [text.name for text in table.texts]
    wanted = [f"{one} s" for one in listed(lengths)] or names
    unknown = [one for one in wanted if one not in names]
    if unknown:
        known = ", ".join(name.removesuffix(" s") for name in names)
        raise UsageError(
            f"there is no text of {unknown[0]}",
            hint=f"choose from: {known} (seconds, about); the one of five minutes is --long",
            reference="unknown-length",
        )
    return BenchOrder(
        modes=chosen,
        device=check_device(device),
        lengths=tuple(name for name in names if name in wanted) + ((LONG,) if long else ()),
        rounds=int(rounds),
        pipeline=pipeline,
        whole=not lengths and not pipeline,
        env=env or None,
    )


def texts_of(order: BenchOrder, table: BenchTable) -> tuple[BenchText, ...]:
    """Give the texts that were chosen."""
    return tuple(text for text in (*table.texts, table.long) if text.name in order.lengths)


def pairs_of(order: BenchOrder, engine: Engine) -> list[tuple[str, str]]:
    """Give the modes of an engine that have code of their own, each with its dtypes; stock first."""
    return [
        (mode.name, dtype)
        for mode in order.modes
        if mode.engine is engine and mode.same_code_as is None
        for dtype in mode.dtypes
    ]
