"""A report as text: for people, on stdout. Pure."""

from __future__ import annotations

import textwrap

from scripts.model.evidence import Outcome, Report, VerdictKind
from scripts.strategies.climb_text import climb_lines
from scripts.verification.census import census_lines
from scripts.verification.simulation import simulation_lines
from scripts.verification.summary import summarise
from scripts.verification.variables import shown

SCHEMA = 1
"""The version of the JSON report (docs/report.schema.json)."""

CENSUS_TITLE = "census: what torch had compiled at run time for Kokoro on the GPU"
CLIMB_TITLE = "how auto came to it"
SIMULATION_TITLE = "what a simulated GPU proves"
_WIDTH = 118
_MEANING = {
    VerdictKind.NOT_NEEDED: "Kokoro runs on this GPU as it is, without the patch",
    VerdictKind.NEEDED: "Kokoro needs the patch on this GPU, and with the bridge it works",
    VerdictKind.UNDECIDED: "not decided here",
    VerdictKind.BROKEN: "Kokoro does not work here, and the patch is not the remedy",
    VerdictKind.NOT_APPLICABLE: "nothing is compiled by torch at run time here, so there is nothing to patch",
}


def headline(report: Report) -> str:
    """Say the verdict in one line, with the labels that it must never lose."""
    verdict = report.verdict
    text = f"{verdict.kind}: {_MEANING[verdict.kind]}"
    if verdict.simulated:
        text = f"SIMULATED, not verified: {text}"
    return text


def meaning(kind: VerdictKind) -> str:
    """Say what a verdict means."""
    return _MEANING[kind]


def runtime(report: Report) -> str:
    """Say what ran Kokoro."""
    if report.onnxruntime is not None:
        return f"ONNX Runtime {report.onnxruntime}"
    return f"torch {report.torch or 'unknown'}"


def prediction_line(report: Report) -> str:
    """Say the prediction in one line."""
    prediction = report.verdict.prediction
    return f"predicted for compute capability {prediction.target} ({prediction.target.sm}): {prediction.kind}"


def render(report: Report) -> str:
    """Write the whole report as text."""
    lines = [
        f"verdict    {headline(report)}",
        f"           {prediction_line(report)}",
        "",
        f"environment {report.environment} ({report.python})",
        f"{runtime(report)}, CUDA {report.cuda or 'none'}, weights {report.weights}, {report.created}",
        "",
        "why",
        *(bullet(f"{reason.text}  [{reason.evidence}]") for reason in report.verdict.reasons),
        "",
        f"why predicted {report.verdict.prediction.kind}",
        *(bullet(f"{reason.text}  [{reason.evidence}]") for reason in report.verdict.prediction.reasons),
        "",
        "observations",
        *_observations(report),
    ]
    if report.census is not None:
        lines += ["", CENSUS_TITLE, *(bullet(line) for line in census_lines(report.census))]
    if report.climb is not None:
        lines += ["", CLIMB_TITLE, *(_wrap(line, "", "      ") for line in climb_lines(report.climb))]
    if report.variables:
        lines += ["", "environment variables"]
        lines += [bullet(f"{row['name']}={shown(row['value'])}: {row['meaning']}") for row in report.variables]
    if report.notes:
        lines += ["", "notes", *(bullet(note) for note in report.notes)]
    if report.simulation is not None:
        lines += ["", SIMULATION_TITLE, *(bullet(line) for line in simulation_lines(report.simulation))]
    return "\n".join(lines) + "\n"


def _observations(report: Report) -> list[str]:
    width = max((len(one.probe) for one in report.observations), default=0)
    lines = []
    for one in report.observations:
        took = f"{one.seconds:6.1f} s" if one.outcome is not Outcome.SKIPPED else " " * 8
        head = f"  {one.probe:<{width}}  {one.outcome:<7} {took}  "
        lines.append(_wrap(summarise(one), head, " " * len(head)))
    return lines


def bullet(text: str) -> str:
    """Write one item of a list, folded."""
    return _wrap(text, "  - ", "    ")


def _wrap(text: str, first: str, rest: str) -> str:
    """Fold a text; paths and links stay whole, so that they can be copied."""
    return textwrap.fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
