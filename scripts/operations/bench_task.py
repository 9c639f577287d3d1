"""What `invoke bench` does, end to end: measure, draw, write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.errors import SparkError
from scripts.model.bench import BenchReport, BenchTable
from scripts.model.modes import Engine
from scripts.operations.bench_charts import draw
from scripts.operations.bench_order import BenchOrder, pairs_of
from scripts.operations.bench_page import bench_page
from scripts.operations.bench_text import bench_lines
from scripts.operations.benching import Bench
from scripts.operations.context import Context
from scripts.operations.report_folder import report_errors, require_report_folder
from scripts.operations.speech import onnx_speech, torch_speech
from scripts.progress import say
from scripts.serial import to_json

REPORTS = ("bench.json", "bench.txt", "bench.html")


def bench(order: BenchOrder, table: BenchTable, context: Context, folder: Path | None) -> BenchReport:
    """Measure; write bench.json, bench.txt and bench.html into the folder (None: nothing), each whole or not at all.

    Raises what Bench.perform raises; DiskError. Without charts (no network the first time) the page says so.
    """
    if folder is not None:
        require_report_folder(folder)
    with _kept_sounds(context, wanted=folder is not None) as sounds:
        report = Bench(order=order, table=table, context=context, folder=sounds).perform()
        if folder is not None and sounds is not None:
            _write(report, sounds, folder, context)
    return report


def foreseen_lines(order: BenchOrder, context: Context, folder: Path | None) -> list[str]:
    """Say what would be measured: for --dry-run. Raises what finding the environments raises."""
    torch = torch_speech(order.env, context)
    onnx = onnx_speech(context) if any(mode.engine is Engine.ONNX for mode in order.modes) else None
    modes = [f"{mode} {dtype}" for engine in Engine for mode, dtype in pairs_of(order, engine)]
    lines = [
        f"would measure {', '.join(modes)}",
        f"  {order.rounds} rounds; "
        + ("a voice call's first sentences" if order.pipeline else ", ".join(order.lengths)),
        f"  environments {torch.entry.name}; for onnx: {onnx.entry.name if onnx else 'none'}",
    ]
    return lines + ([f"  report into {folder}"] if folder else [])


@contextmanager
def _kept_sounds(context: Context, *, wanted: bool) -> Iterator[Path | None]:
    if not wanted:
        yield None
        return
    with disk_errors(context.home.cache):
        context.home.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=context.home.cache) as name:
        yield Path(name)


def _write(report: BenchReport, sounds: Path, folder: Path, context: Context) -> None:
    charts: dict[str, str] = {}
    try:
        charts = draw(report, sounds, context)
    except SparkError as error:  # minutes of figures are not lost for want of their pictures
        say("\n".join(filter(None, (f"no charts: {error.message}", error.context))), style="red")
    texts = (to_json(report) + "\n", "\n".join(bench_lines(report)) + "\n", bench_page(report, charts, sounds))
    with report_errors():
        for name, text in zip(REPORTS, texts, strict=True):
            write_whole(folder / name, text)
            say(f"written: {folder / name}")
