"""Measure this checkout on this machine: python -m tests.benchmarks [--json] [--times 5] [--cold N] [--only NAME].

Needs the package index, or uv's cache filled, and some 6 GB of disk. Nothing is asserted: a shared machine has no
right answer. Figures of one run are to be set beside each other, not beside another run's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.facts.gather import gather
from scripts.home import Home
from scripts.model.facts import Facts
from scripts.progress import output, say, table
from scripts.serial import to_data, to_json
from scripts.shell import run
from scripts.strategies.base import choose_python
from tests.benchmarks.building import Building
from tests.benchmarks.climbing import Climbing
from tests.benchmarks.measures import Bench
from tests.benchmarks.reading import Reading
from tests.benchmarks.simulating import Simulating
from tests.benchmarks.timing import Figure


def _machine(facts: Facts) -> dict[str, Any]:
    host = facts.host
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": host.cpu_model,
        "cores": host.cpu_count,
        "architecture": host.architecture,
        "memory_gib": round((host.memory_total or 0) / 2**30),
        "load_before": round(os.getloadavg()[0], 1),
        "uv": facts.uv_version,
        "host_python": sys.version.split()[0],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--times", type=int, default=5, help="how often each thing is measured (default: 5)")
    parser.add_argument("--cold", type=int, default=0, help="how often with an empty uv cache (default: 0)")
    parser.add_argument(
        "--only",
        default="",
        help="setup, cold, small, verify, memory, climbing, reading, building or simulating (default: all)",
    )
    return parser.parse_args()


def _row(figure: Figure) -> tuple[str, ...]:
    low, high = min(figure.values), max(figure.values)
    within = {True: "yes", False: "NO", None: ""}[figure.within]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x {figure.reference}"
    spread = f"{low:.1f} to {high:.1f}" if len(figure.values) > 1 else ""
    return (figure.name, f"{figure.median:.2f} {figure.unit}", spread, ratio, figure.bound, within)


def main() -> None:
    """Measure, print."""
    arguments = _arguments()
    facts = gather(run, Home.find(), os.environ)
    interpreter = choose_python(facts.host.interpreters, None, architecture=facts.host.architecture)
    if interpreter is None:
        sys.exit("no Python here that environments are made of")
    machine = _machine(facts)

    folder = Path(tempfile.mkdtemp(prefix="kokoro-spark-bench-"))
    bench = Bench(folder=folder, interpreter=interpreter, times=arguments.times)
    parts: dict[str, Callable[[], list[Figure]]] = {
        "setup": bench.beside_uv,
        "cold": lambda: bench.beside_uv_cold(arguments.cold) if arguments.cold else [],
        "small": bench.small_tasks,
        "verify": bench.judging,
        "memory": bench.memory,
        "climbing": Climbing(folder=folder, times=arguments.times).figures,
        "reading": Reading(folder=folder, times=arguments.times).figures,
        "building": Building(folder=folder, times=arguments.times).figures,
        "simulating": Simulating(times=arguments.times).figures,
    }
    figures: list[Figure] = []
    try:
        for name, part in parts.items():
            if arguments.only in {"", name} or (name == "small" and arguments.only in {"verify", "memory"}):
                say(f"measuring: {name}")
                figures += part()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        rows = [to_data(figure) | {"median": figure.median} for figure in figures]
        output.out(to_json({"machine": machine, "figures": rows}))
        return
    say(", ".join(f"{key} {value}" for key, value in machine.items()))
    table("", ("what", "median", "from, to", "beside", "at most", "held"), map(_row, figures))


if __name__ == "__main__":
    main()
