"""A bench's table and the answers of its probes, made up."""

from __future__ import annotations

from typing import Any

from scripts.home import CONSTRAINTS
from scripts.model.bench import BenchReport, BenchTable, Unmeasured
from scripts.operations.bench_order import BenchOrder, load_table, parse_order
from scripts.operations.bench_rows import Collected, budgets_of, rows_of

TABLE: BenchTable = load_table(CONSTRAINTS / "bench.toml")
STOCK, TUNED = ("stock", "float32"), ("tuned", "float32")


def order(**options: Any) -> BenchOrder:
    values: dict[str, Any] = {"modes": "", "device": "cpu", "lengths": "", "rounds": "2", "env": ""}
    return parse_order(TABLE, **{**values, "long": False, "pipeline": False, **options})


def timing(key: tuple[str, str], turn: str, *seconds: float, audio: float) -> dict[str, Any]:
    return {"mode": key[0], "dtype": key[1], "turn": turn, "seconds": list(seconds), "audio": audio}


def served(key: tuple[str, str], at: int, seconds: float) -> dict[str, Any]:
    latencies = [seconds / 4, seconds / 2]
    return {"mode": key[0], "dtype": key[1], "at": at, "seconds": seconds, "audio": 10.0, "latencies": latencies}


def answer(speed: float = 1.0) -> dict[str, Any]:
    """One round: tuned takes half the time of stock; all of it `speed` times as long."""
    timings = []
    for key, factor in ((STOCK, 2.0 * speed), (TUNED, 1.0 * speed)):
        timings += [
            timing(key, "1 s", 0.5 * factor, 0.7 * factor, audio=1.5),
            timing(key, "3 s", 1.0 * factor, audio=3.0),
            timing(key, "20 s", 10.0 * factor, audio=20.0),
            timing(key, "20 s by sentence", 2.0 * factor, audio=4.0),
            timing(key, "20 s by clause", 1.0 * factor, audio=2.0),
            timing(key, "reply 0", 0.2 * factor, audio=0.9),
        ]
    concurrent = [served(key, at, 8.0 / (1 + (key == TUNED))) for key in (STOCK, TUNED) for at in (1, 16)]
    return {
        "timings": timings,
        "concurrent": concurrent,
        "failures": [{"mode": "batched", "dtype": "float32", "error": "too old", "cause": "old-runtime"}],
        "warm_up": 5,
        "threads": 2,
        "versions": ["torch 2.15.0"],
    }


def collected() -> Collected:
    found = Collected()
    found.add(answer())
    found.add(answer(3.0))  # a neighbour came: everything takes three times as long
    found.cold[STOCK] = {
        "seconds_import": 5.0,
        "seconds_load": 1.0,
        "seconds_first": 2.0,
        "seconds_second": 1.5,
        "host_peak_bytes": 1 << 30,
        "gpu_peak_bytes": None,
        "kernels": 0,
        "energy_joules": None,
    }
    return found


def report(device: str = "cpu") -> BenchReport:
    found = collected()
    return BenchReport(
        schema=1,
        created="2026-12-01",
        machine="a CPU, 2 cores, x86_64",
        device=device,
        device_name=None,
        weights="made up",
        versions=("torch 2.15.0",),
        settings=("2 rounds",),
        rows=tuple(rows_of(found, order(), TABLE, device=device)),
        unmeasured=(Unmeasured(mode="onnx", dtype="", why="no <onnx> environment"),),
        budgets=budgets_of(found, {"reply 0": 0.01, "1 s": 9.0}),
    )
