"""A report as one HTML page that needs nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from scripts.model.climb import Climb, Rung, RungState
from scripts.model.evidence import ModeCensus, Observation, Outcome, Reason, Report, SimulationRow, VerdictKind
from scripts.operations.page import document, facts, listing
from scripts.operations.verdict_style import STYLE
from scripts.strategies.climb_text import on_cpu_despite_gpu, reasons_of
from scripts.verification.census import kernel_words
from scripts.verification.report import meaning, prediction_line
from scripts.verification.summary import summarise
from scripts.verification.variables import shown

SIGNS: Mapping[VerdictKind, str] = {
    VerdictKind.NOT_NEEDED: "✓",
    VerdictKind.NEEDED: "!",
    VerdictKind.UNDECIDED: "?",
    VerdictKind.BROKEN: "✕",
    VerdictKind.NOT_APPLICABLE: "–",  # noqa: RUF001 - a dash
}
OUTCOME_SIGNS: Mapping[Outcome, str] = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✕",
    Outcome.CRASHED: "↯",
    Outcome.HUNG: "∞",
    Outcome.KILLED: "■",
    Outcome.SKIPPED: "–",  # noqa: RUF001 - a dash
}
_OUTCOME_WORDS = {
    Outcome.PASSED: "it answered what it was asked",
    Outcome.FAILED: "it answered that something is wrong",
    Outcome.CRASHED: "its process died by itself",
    Outcome.HUNG: "it gave no answer in its time",
    Outcome.KILLED: "its process was killed from outside",
    Outcome.SKIPPED: "it was not asked here",
}


def verdict_page(report: Report) -> str:
    """Write the page; every text is escaped, and credentials are taken out."""
    parts = (
        _header(report),
        _simulated(report),
        _verdict(report),
        _reasons("Why", report.verdict.reasons),
        _reasons(f"Why predicted {report.verdict.prediction.kind}", report.verdict.prediction.reasons),
        facts("What was judged", _facts(report)),
        _observations(report.observations),
        _census(report.census),
        _climb(report.climb),
        _variables(report.variables),
        listing("Notes", report.notes, "note"),
        _simulation(report.simulation),
        f"<footer>kokoro-spark verify, {escape(report.created)}, schema {report.schema}</footer>",
    )
    label = "SIMULATED, " if report.verdict.simulated else ""
    title = f"{label}{report.verdict.kind}: {report.environment}"
    return document(title=title, style=STYLE, body="\n".join(part for part in parts if part))


def _header(report: Report) -> str:
    return f"""<header>
<p class="eyebrow">Does Kokoro on this GPU need the patch?</p>
<h1>{escape(report.environment)}</h1>
<p class="file">{escape(report.python)}</p>
</header>"""


def _simulated(report: Report) -> str:
    """The label that a simulated verdict must never lose: before all else, and large."""
    if not report.verdict.simulated:
        return ""
    device = f": this {report.verdict.device} is a stand-in" if report.verdict.device else ""
    return f"""<p class="simulated"><b>SIMULATED</b>
Nothing here is verified on hardware{escape(device)}. What that proves, and what it does not, stands below.</p>"""


def _verdict(report: Report) -> str:
    verdict = report.verdict
    label = "simulated, not verified: " if verdict.simulated else ""
    device = f"on {verdict.device}" if verdict.device else "judged without a GPU"
    return f"""<section class="verdict {verdict.kind}">
<p class="sign" aria-hidden="true">{SIGNS[verdict.kind]}</p>
<div>
<h2><span>{label}</span><b class="kind">{escape(verdict.kind)}</b> <span>{escape(device)}</span></h2>
<p>{escape(_sentence(meaning(verdict.kind)))}</p>
<p class="predicted">{escape(_sentence(prediction_line(report)))}. A prediction is no verification.</p>
</div>
</section>"""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reasons(title: str, reasons: Iterable[Reason]) -> str:
    items = "".join(f"<li>{escape(one.text)} <code>{escape(one.evidence)}</code></li>\n" for one in reasons)
    return f'<section>\n<h2>{escape(title)}</h2>\n<ul class="why">\n{items}</ul>\n</section>'


def _facts(report: Report) -> tuple[tuple[str, str], ...]:
    simulated = " (simulated)" if report.verdict.simulated else ""
    return (
        ("environment", report.environment),
        ("interpreter", report.python),
        ("ONNX Runtime", report.onnxruntime)
        if report.onnxruntime is not None
        else ("torch", report.torch or "unknown: it did not start"),
        ("CUDA", report.cuda or "none"),
        ("device", f"{report.verdict.device or 'none'}{simulated}"),
        ("weights", report.weights),
        ("made", report.created),
    )


def _observations(observations: Iterable[Observation]) -> str:
    found = tuple(observations)
    rows = "".join(
        f"""<tr><th scope="row"><code>{escape(one.probe)}</code></th><td class="outcome">{_outcome(one.outcome)}</td>
<td class="number">{_seconds(one)}</td><td>{escape(summarise(one))}</td></tr>
"""
        for one in found
    )
    ended = [outcome for outcome in Outcome if any(one.outcome is outcome for one in found)]
    legend = "".join(
        f'<li><span class="key {one}">{OUTCOME_SIGNS[one]}</span>{one}: {_OUTCOME_WORDS[one]}</li>' for one in ended
    )
    return f"""<section>
<h2>Observations</h2>
{_table(("probe", "outcome", "time", "what it says"), rows)}
<ul class="legend">{legend}</ul>
</section>"""


def _outcome(outcome: Outcome) -> str:
    return f'<span class="key {outcome}" aria-hidden="true">{OUTCOME_SIGNS[outcome]}</span>{outcome}'


def _seconds(one: Observation) -> str:
    return "" if one.outcome is Outcome.SKIPPED else f"{one.seconds:.1f} s"


def _census(census: tuple[ModeCensus, ...] | None) -> str:
    if census is None:
        return ""
    rows = "".join(
        f"""<tr><th scope="row"><code>{escape(one.mode)}</code></th>
<td>{_mark(one.complete, "complete", "incomplete")}</td><td>{len(one.kernels)} compiled</td>
<td>{escape(_mode(one))}</td></tr>
"""
        for one in census
    )
    return f"""<section>
<h2>Census</h2>
<p class="lead">What torch had compiled at run time for Kokoro on the GPU, by the files in each run's own kernel cache,
which was empty before.</p>
{_table(("mode", "run", "kernels", "which"), rows)}
</section>"""


def _mode(one: ModeCensus) -> str:
    return "; ".join(part for part in (kernel_words(one.kernels), one.note) if part) or "none"


def _mark(answer: bool, yes: str, no: str) -> str:  # noqa: FBT001 - one value, one sign
    """Write a sign and its words, which must tell by themselves: a narrow page has no heads."""
    kind, sign, words = ("yes", "✓", yes) if answer else ("no", "✕", no)
    return f'<span class="key {kind}" aria-hidden="true">{sign}</span>{words}'


def _climb(climb: Climb | None) -> str:
    rows = "".join(
        f"""<tr><th scope="row"><code>{escape(one.strategy)}</code></th><td>{_state(one)}</td>
<td>{escape(reasons_of(one))}</td></tr>
"""
        for one in (() if climb is None else climb.rungs)
    )
    if climb is None or not rows:
        return ""
    aloud = on_cpu_despite_gpu(climb)
    warning = f'<p class="simulated"><b>CPU</b>\n{escape(aloud)}</p>\n' if aloud else ""
    return f"""<section>
<h2>How auto came to it</h2>
<p class="lead">The ways to an environment, from best to last, as setup --strategy auto went down them.</p>
{warning}{_table(("strategy", "what became of it", "why"), rows)}
</section>"""


def _state(rung: Rung) -> str:
    verdict = f", judged {rung.verdict}" if rung.verdict else ""
    words = f"{rung.state}{verdict}"
    if rung.state in {RungState.CHOSEN, RungState.FAILED}:
        return _mark(rung.state is RungState.CHOSEN, words, words)
    return escape(words)


def _variables(variables: Iterable[Mapping[str, str]]) -> str:
    rows = "".join(
        f"""<tr><th scope="row"><code>{escape(one["name"])}</code></th>
<td>{escape(one["meaning"])}<small><code>{escape(shown(one["value"]))}</code></small></td></tr>
"""
        for one in variables
    )
    if not rows:
        return ""
    heads = ("name", "what it does, and its value")
    return f"<section>\n<h2>Environment variables</h2>\n{_table(heads, rows)}\n</section>"


def _simulation(simulation: Iterable[SimulationRow] | None) -> str:
    rows = "".join(
        f"""<tr><th scope="row">{escape(one.subject)}</th><td>{_mark(one.proved, "proved", "not proved")}</td>
<td>{escape(one.text)}</td></tr>
"""
        for one in simulation or ()
    )
    if not rows:
        return ""
    heads = ("what", "by a simulation", "how, or what stays open")
    return f"<section>\n<h2>What a simulated GPU proves</h2>\n{_table(heads, rows)}\n</section>"


def _table(heads: Iterable[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return f"""<div class="scroll"><table class="log">
<thead><tr>{head}</tr></thead>
<tbody>
{rows}</tbody>
</table></div>"""
