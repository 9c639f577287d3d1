"""A bench report as one HTML page with charts and players, that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from scripts.model.bench import BenchReport, Metric
from scripts.operations.bench_budget import BUDGETS_MS
from scripts.operations.bench_figures import Key
from scripts.operations.bench_seed import seed_rows
from scripts.operations.bench_text import PEERS, TITLES, cell, columns_of
from scripts.operations.page import document, facts, listing
from scripts.operations.page_style import BASE
from scripts.operations.sound_audio import audio_url

STYLE = (
    BASE
    + """
.chart { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 10px; padding: .6rem; margin: .5rem 0 1rem; }
td:not(:first-child) { white-space: nowrap; } td { font-variant-numeric: tabular-nums; }
.players { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
.player { padding: .9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.player audio { width: 100%; margin-top: .3rem; display: block; }
.best { color: var(--runs); font-weight: 600; }
"""
)
_CHARTS = {
    Metric.RTF: "rtf",
    Metric.FIRST_AUDIO: "first audio",
    Metric.LATENCY: "latency",
    Metric.THROUGHPUT: "throughput",
    Metric.MEMORY: "memory",
}


def bench_page(report: BenchReport, charts: Mapping[str, str], sounds: Path) -> str:
    """Write the page. `charts` are data: URLs by name; `sounds` has `MODE DTYPE.f32`, raw samples."""
    embedded = {f"chart:{place:03d}:": charts[name] for place, name in enumerate(charts)}
    marks = {name: mark for mark, name in zip(embedded, charts, strict=True)}
    players = _players(report, sounds, embedded)
    body = [
        '<p class="eyebrow">kokoro-spark</p>',
        "<h1>How fast each mode of Kokoro is</h1>",
        facts("Measured on", _about(report)),
        *(_metric(report, metric, marks) for metric in Metric),
        _section("A voice call's budget", _budget_lead(), _budget(report)) if report.budgets else "",
        _section("The research note's table", "February 2026, beside what was measured here.", _seed(report)),
        players,
        _image("Spectrograms of the modes, and their difference to stock", marks.get("spectrograms")),
        _image("Waveforms", marks.get("waveforms")),
        listing("Not measured here", (f"{one.mode} {one.dtype}: {one.why}" for one in report.unmeasured), "note"),
        listing("Notes", [*report.notes, *([] if charts else ["matplotlib was not there: no charts"])], "note"),
    ]
    return document(title="How fast each mode of Kokoro is", style=STYLE, body="\n".join(body), embedded=embedded)


def _about(report: BenchReport) -> list[tuple[str, str]]:
    device = f"{report.device} ({report.device_name})" if report.device_name else report.device
    return [
        ("machine", report.machine),
        ("device", device),
        ("weights", report.weights),
        ("versions", ", ".join(report.versions)),
        ("how", "; ".join(report.settings)),
        ("made", report.created),
    ]


def _metric(report: BenchReport, metric: Metric, marks: Mapping[str, str]) -> str:
    columns = columns_of(report, metric)
    if not columns:
        return ""
    rows = []
    for key in report.modes:
        found = [report.find(metric, what, *key) for what in columns]
        if any(found):
            rows.append([_name(key), *(escape(cell(row)) for row in found)])
    title, _, lead = TITLES[metric].partition(": ")
    unit = next(row.unit for row in report.rows if row.metric is metric)
    beside = any(row.ratio is not None for row in report.rows if row.metric is metric)
    parts = (lead[:1].upper() + lead[1:], f"In {unit}" if unit else "", "x: times better than stock" if beside else "")
    about = ". ".join(filter(None, parts))
    return _section(title, f"{about}.", _picture(marks.get(_CHARTS.get(metric, ""))) + _table(["mode", *columns], rows))


def _budget_lead() -> str:
    low, high = BUDGETS_MS
    return (
        f"Of {low} to {high} ms in all: what the first sentence takes, text to phonemes included, and what is left for "
        "hearing (STT) and the language model. A negative figure: speech alone takes longer."
    )


def _budget(report: BenchReport) -> str:
    head = ["mode", "p50", "p95", *(f"left of {budget} ms, p50 / p95" for budget in BUDGETS_MS)]
    rows = []
    for one in report.budgets:
        left = [f"{middle:.0f} / {high:.0f} ms" for middle, high in map(one.left_ms, BUDGETS_MS)]
        rows.append([_name((one.mode, one.dtype)), f"{one.p50_ms:.0f} ms", f"{one.p95_ms:.0f} ms", *left])
    return _table(head, rows)


def _seed(report: BenchReport) -> str:
    head = ["", "real-time factor, note", "measured (3 s text)", "latency of 1 s, note", "measured"]
    return _table(head, [[escape(text) for text in row] for row in seed_rows(report)])


def _players(report: BenchReport, sounds: Path, embedded: dict[str, str]) -> str:
    cards = ""
    for place, key in enumerate(report.modes):
        path = sounds / f"{key[0]} {key[1]}.f32"
        if path.is_file():
            mark = f"sound:{place:03d}:"
            embedded[mark] = audio_url(path)
            cards += f'<div class="player">{_name(key)}<audio controls preload="metadata" src="{mark}"></audio></div>\n'
    return _section("Listen", "The 3 s text in each mode.", f'<div class="players">{cards}</div>') if cards else ""


def _name(key: Key) -> str:
    peer = f"<small>{escape(PEERS[key[0]])}</small>" if key[0] in PEERS else ""
    return f"<code>{escape(key[0])}</code> {escape(key[1])}{peer}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table: its head is plain text, its cells are HTML."""
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    body = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in row)}</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _section(title: str, lead: str, body: str) -> str:
    return f'<section><h2>{escape(title)}</h2><p class="lead">{escape(lead)}</p>{body}</section>'


def _image(title: str, mark: str | None) -> str:
    return _section(title, "Of the 3 s text.", _picture(mark)) if mark else ""


def _picture(mark: str | None) -> str:
    return f'<img class="chart" alt="chart" src="{mark}">' if mark else ""
