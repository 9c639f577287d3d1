"""What the GPU draws while something runs, where nvidia-smi tells it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from scripts.errors import SparkError
from scripts.shell import Runner

_ARGUMENTS = ("nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits", "--id=0")
_EVERY_SECONDS = 0.2

Samples = list[tuple[float, float]]
"""Seconds since 1970, and watts."""


@contextmanager
def sampled_power(run: Runner, *, wanted: bool) -> Iterator[Samples]:
    """Sample as long as the block lasts; nothing where it is not wanted or not told."""
    samples: Samples = []
    if not wanted:
        yield samples
        return
    over = Event()

    def sample() -> None:
        while not over.wait(_EVERY_SECONDS):
            try:
                told = run(list(_ARGUMENTS), timeout=5.0)
            except (SparkError, OSError):
                return
            watts = parse_watts(told.stdout if told.ok else "")
            if watts is None:
                return
            samples.append((time.time(), watts))

    sampler = Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield samples
    finally:
        over.set()
        sampler.join()


def parse_watts(text: str) -> float | None:
    """Read nvidia-smi's answer; None for `[N/A]`, which GB10 may say, and for nothing."""
    try:
        return float(text.strip().splitlines()[0])
    except (ValueError, IndexError):
        return None


def energy_joules(samples: Sequence[tuple[float, float]], start: float, end: float) -> float | None:
    """Give mean power in a window times its seconds; None where fewer than two samples lie in it."""
    inside = [watts for moment, watts in samples if start <= moment <= end]
    return sum(inside) / len(inside) * (end - start) if len(inside) >= 2 else None
