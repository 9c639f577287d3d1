"""What `invoke bench` prints: tables of figures, each beside stock. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scripts.model.bench import BenchReport, Measurement, Metric
from scripts.operations.bench_budget import BUDGETS_MS, budget_lines
from scripts.operations.bench_figures import Key
from scripts.operations.bench_seed import seed_rows

PEERS = {"stock": "peer: stock Kokoro", "onnx": "peer: kokoro-onnx"}
TITLES = {
    Metric.RTF: "Real-time factor: seconds of work for a second of sound (below 1: faster than speech)",
    Metric.FIRST_AUDIO: "Time to first audio of the 20 s text: all of it, its first sentence, its first clause",
    Metric.LATENCY: "Latency: from phonemes to the whole sound",
    Metric.THROUGHPUT: "Throughput: seconds of sound a second, requests of mixed lengths at once",
    Metric.LOADED_LATENCY: "Latency under load: of one of several requests at once",
    Metric.COLD_START: "Cold start: a process of its own",
    Metric.MEMORY: "Peak memory of that process",
    Metric.ENERGY: "Energy",
}
PERCENTILES = frozenset({Metric.LATENCY, Metric.LOADED_LATENCY})
"""What already says how values are spread."""


def bench_lines(report: BenchReport) -> list[str]:
    """Write all of it."""
    lines = [*about_lines(report)]
    for metric in Metric:
        lines += ["", *_table(report, metric)] if any(row.metric is metric for row in report.rows) else []
    if report.rows:
        lines += ["", "The research note's table (February 2026), with what was measured", *_seed(report)]
    if report.budgets:
        lines += ["", *pipeline_lines(report)]
    if report.unmeasured:
        lines += ["", "Not measured here"]
        lines += [f"  {' '.join(filter(None, (one.mode, one.dtype)))}: {one.why}" for one in report.unmeasured]
    return [*lines, *(f"note: {note}" for note in report.notes)]


def about_lines(report: BenchReport) -> list[str]:
    """Say on what it was measured, and how."""
    device = f"{report.device} ({report.device_name})" if report.device_name else report.device
    return [
        f"measured on {report.machine}, device {device}, {report.created}",
        f"  weights: {report.weights}",
        f"  {', '.join(report.versions)}",
        *(f"  {setting}" for setting in report.settings),
    ]


def pipeline_lines(report: BenchReport) -> list[str]:
    """Say what a voice call's budget leaves."""
    low, high = BUDGETS_MS
    head = f"A voice call of {low} to {high} ms in all: what the first sentence takes, and what is left (p50 / p95)"
    count = report.budgets[0].count
    return [
        head,
        "  for hearing (STT) and the language model; text to phonemes is in it, a network is not",
        *budget_lines(report.budgets),
        f"  {count} first sentences for each mode, on {report.machine}, {report.device}",
    ]


def cell(row: Measurement | None) -> str:
    """Write a figure with its spread and its ratio to stock."""
    if row is None:
        return "-"
    text = f"{_number(row.value)}"
    if row.count > 1 and row.metric not in PERCENTILES:
        text += f" ({_number(row.low)} to {_number(row.high)})"
    return text + (f" {row.ratio:.2f}x" if row.ratio is not None else "")


def name_of(key: Key) -> str:
    """Name a mode; a peer as such."""
    name = f"{key[0]} {key[1]}"
    return f"{name} ({PEERS[key[0]]})" if key[0] in PEERS else name


def columns_of(report: BenchReport, metric: Metric) -> list[str]:
    """Give what is measured of a metric, in order."""
    return list(dict.fromkeys(row.what for row in report.rows if row.metric is metric))


def _table(report: BenchReport, metric: Metric) -> list[str]:
    columns = columns_of(report, metric)
    modes = [
        key for key in report.modes if any((row.metric, row.mode, row.dtype) == (metric, *key) for row in report.rows)
    ]
    unit = next(row.unit for row in report.rows if row.metric is metric and row.what == columns[0])
    title = TITLES[metric] + (f", {unit}" if unit else "")
    if any(row.ratio is not None for row in report.rows if row.metric is metric):
        title += "; x: times better than stock in the same round"
    cells = [[name_of(key), *(cell(report.find(metric, what, *key)) for what in columns)] for key in modes]
    return [title, *grid(["", *columns], cells)]


def _seed(report: BenchReport) -> list[str]:
    return grid(["", "RTF, note", "RTF, measured (3 s)", "latency of 1 s, note", "measured"], seed_rows(report))


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Write a table of plain text, its columns as wide as they must be."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    return [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
