"""What the research note of February 2026 expected, beside what was measured. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.model.bench import BenchReport, Measurement, Metric
from scripts.operations.bench_figures import STOCK

NOT_HERE = "not measured here"


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """A line of the note's table."""

    about: str
    rtf: float
    latency_ms: float
    """Of one second of sound."""
    modes: tuple[tuple[str, str], ...]
    """Which modes it speaks of."""
    on_a_gpu: bool


EXPECTATIONS = (
    Expectation(
        about="CPU, stock (measured on a GB10's CPU, says the note)",
        rtf=0.39,
        latency_ms=400,
        modes=(STOCK,),
        on_a_gpu=False,
    ),
    Expectation(
        about="GPU, patched (expected)", rtf=0.03, latency_ms=30, modes=(("bridge", "float32"), STOCK), on_a_gpu=True
    ),
    Expectation(
        about="GPU, batched (expected)", rtf=0.01, latency_ms=10, modes=(("batched", "float32"),), on_a_gpu=True
    ),
)


def seed_rows(report: BenchReport) -> list[tuple[str, str, str, str, str]]:
    """Give the note's table: what, its real-time factor, ours, its latency for a second of sound, ours."""
    return [
        (
            one.about,
            f"{one.rtf:.2f}",
            _rtf(_measured(one, report, Metric.RTF, "3 s")),
            f"{one.latency_ms:.0f} ms",
            _latency(_measured(one, report, Metric.LATENCY, "p50 of 1 s"), report),
        )
        for one in EXPECTATIONS
    ]


def _measured(one: Expectation, report: BenchReport, metric: Metric, what: str) -> Measurement | None:
    if one.on_a_gpu != (report.device != "cpu"):
        return None
    return _first([report.find(metric, what, *key) for key in one.modes])


def _first(rows: Sequence[Measurement | None]) -> Measurement | None:
    return next((row for row in rows if row is not None), None)


def _rtf(row: Measurement | None) -> str:
    return NOT_HERE if row is None else f"{row.value:.2f} ({1 / row.value:.1f}x real time)"


def _latency(row: Measurement | None, report: BenchReport) -> str:
    if row is None:
        return NOT_HERE
    sound = report.find(Metric.RTF, "1 s", row.mode, row.dtype)
    seconds = sound.text_seconds if sound else None
    return f"{row.value * 1000:.0f} ms" + (f" for {seconds:.2f} s" if seconds else "")
