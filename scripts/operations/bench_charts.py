"""The charts of a bench report, drawn by matplotlib in an environment of its own."""

from __future__ import annotations

from pathlib import Path

from scripts.errors import BrokenError
from scripts.model.bench import BenchReport
from scripts.model.evidence import Outcome
from scripts.operations.context import Context
from scripts.operations.side_environment import side_python
from scripts.probing import ask
from scripts.progress import step
from scripts.serial import to_data

LOCK = "charts"
WITHOUT = "the figures are in bench.txt and bench.json all the same"


def draw(report: BenchReport, sounds: Path, context: Context) -> dict[str, str]:
    """Draw all charts that the report has figures for; give data: URLs of PNG by name.

    `sounds` has raw float32 samples at 24 kHz, `MODE DTYPE.f32`.

    Raises what side_python raises; BrokenError where they cannot be drawn.
    """
    python = side_python(LOCK, context, what="matplotlib, for charts", without=WITHOUT)
    with step("drawing charts"):
        found = ask(
            python,
            "charts",
            {"report": to_data(report), "sounds": str(sounds)},
            run=context.run,
            environ=context.environ,
            bytecode=context.home.bytecode,
        )
    if found.outcome is not Outcome.PASSED:
        raise BrokenError(
            "the charts could not be drawn",
            context="\n".join(filter(None, (found.error, str(found.detail.get("stderr_tail", ""))[-600:]))),
            hint=f"delete {python.parent.parent} and run it again",
            reference="charts-failed",
        )
    return dict(found.detail["charts"])
