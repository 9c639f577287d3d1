"""The sound of the modes as one HTML page with players, that needs nothing else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import shorten

from scripts.model.sound import ModeSound, SoundKind, SoundReport, SoundRow
from scripts.operations.page import document, facts, listing
from scripts.operations.page_style import BASE
from scripts.operations.sound_text import (
    about_mode,
    reasons_of,
    refusals,
    rows_of,
    sentence_cells,
    table_cells,
)
from scripts.operations.sound_words import KINDS, spoken_about
from scripts.verification.figures import worst_row

_HEARD_MODE = "disable_complex"
"""What is beside the reference in the first players: the mode whose difference can be heard."""
_SENTENCES = 3
_SHOWN = 120
"""Letters of a text that are shown."""
_SIGNS = {
    SoundKind.SAME: "=",
    SoundKind.ALIKE: "≈",
    SoundKind.DIFFERENT: "≠",
    SoundKind.WRONG: "✕",
    SoundKind.NOT_MEASURED: "·",
}

STYLE = (
    BASE
    + """
main { max-width: 1180px; }
.verdict.good { --edge: var(--runs); } .verdict.refused { --edge: var(--bad); }
.key { margin-right: .35rem; background: var(--no); color: var(--on-no); }
.key.same { background: var(--runs); color: var(--on-runs); }
.key.alike { background: var(--major); color: var(--on-major); }
.key.different { background: var(--jit); color: var(--on-jit); }
.key.wrong { background: var(--bad); color: var(--paper); }
.figures thead th { white-space: normal; vertical-align: bottom; } .figures .number { font-size: .88rem; }
.figures tbody th { min-width: 9rem; } .figures th code { white-space: nowrap; }
.figures td.why { min-width: 11rem; overflow-wrap: anywhere; }
.players { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
.player { padding: .9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  min-width: 0; }
.player h3 { margin: 0; font-size: 1rem; } .player > span { color: var(--quiet); font-size: .85rem; }
.player p { margin: .3rem 0; overflow-wrap: anywhere; font-size: .9rem; }
.player audio { width: 100%; margin-top: .3rem; display: block; }
"""
)

AudioOf = Callable[[str, str, str], str]
"""From mode, dtype and utterance to a data: URL; "" where there is no such sound. The reference is ("", "", name)."""


@dataclass
class _Players:
    """Collects the sounds of a page; each is in it once."""

    audio: AudioOf
    urls: dict[str, str]

    def player(self, label: str, mode: str, dtype: str, name: str) -> str:
        """Write one player; nothing where there is no such sound."""
        url = self.audio(mode, dtype, name)
        if not url:
            return ""
        mark = next((known for known, other in self.urls.items() if other == url), f"sound:{len(self.urls):04d}:")
        self.urls[mark] = url
        return f'<span>{escape(label)}</span><audio controls preload="metadata" src="{mark}"></audio>\n'


def sound_page(report: SoundReport, audio: AudioOf) -> str:
    """Write the page."""
    players = _Players(audio, {})
    refused = refusals(report)
    body = "\n".join(
        [
            '<p class="eyebrow">kokoro-spark</p>',
            "<h1>How each mode of Kokoro sounds</h1>",
            _answer(report, refused),
            _modes(report),
            _first(report, players),
            _worst(report, players),
            _words(report),
            _legend(),
            facts("The run", _facts(report)),
            listing("Notes", report.notes, "note"),
        ]
    )
    return document(title="How each mode of Kokoro sounds", style=STYLE, body=body, embedded=players.urls)


def _answer(report: SoundReport, refused: Sequence[str]) -> str:
    measured = [mode for mode in report.modes if mode.kind is not SoundKind.NOT_MEASURED and mode.offered]
    good = len(measured) - len(refused)
    title = f"{good} of {len(measured)} offered modes that could be measured sound as they must"
    lines = "".join(f"<p>{escape(line)}</p>" for line in refused) or f"<p>{escape(spoken_about(report))}</p>"
    kind, sign = ("refused", "✕") if refused else ("good", "✓")
    return (
        f'<section class="verdict {kind}"><p class="sign" aria-hidden="true">{sign}</p>'
        f"<div><h2>{escape(title)}</h2>{lines}</div></section>"
    )


def _modes(report: SoundReport) -> str:
    head, cells = table_cells(report)
    rows = ""
    for mode, row in zip(report.modes, cells, strict=True):
        about = f"<small>{escape(about_mode(mode))}</small>"
        rest = "".join(_number(cell) for cell in row[3:])
        rows += (
            f'<tr><th scope="row"><code>{escape(row[0])}</code>{about}</th><td>{escape(row[1])}</td>'
            f'<td class="why">{_kind(mode.kind)}{_offered(mode)}<small>{escape(reasons_of(mode))}</small></td>'
            f"{rest}</tr>\n"
        )
    lead = (
        f"Compared with {escape(report.reference)}. Over all utterances: the median, and below it the worst. "
        "Word error rate: of the mode (of the reference)"
    )
    return f'<section><h2>The modes</h2><p class="lead">{lead}.</p>{_table("figures", head, rows)}</section>'


def _first(report: SoundReport, players: _Players) -> str:
    """Write players for a few sentences: the reference and the mode whose difference is heard."""
    heard = next((mode for mode in report.modes if mode.mode == _HEARD_MODE and mode.utterances), None)
    seen: dict[str, SoundRow] = {}
    for row in rows_of(report, heard) if heard else report.rows:
        seen.setdefault(row.sentence, row)
    cards = ""
    for row in list(seen.values())[:_SENTENCES]:
        name = f"{row.sentence}-{row.voice}"
        sounds = players.player("reference", "", "", name)
        if heard is not None:
            sounds += players.player(heard.name, heard.mode, heard.dtype, name)
        cards += _card(name, _text(report, row), sounds)
    return _section("Listen", f"The reference, and {_HEARD_MODE}, which is another sound.", cards)


def _worst(report: SoundReport, players: _Players) -> str:
    """Write players for the utterance of each mode that differs most."""
    cards = ""
    for mode in report.modes:
        own = rows_of(report, mode)
        worst = worst_row(own) if own else None
        if worst is None or worst.measures.identical:
            continue
        name = f"{worst.sentence}-{worst.voice}"
        sounds = players.player("reference", "", "", name) + players.player(mode.name, mode.mode, mode.dtype, name)
        why = ", ".join(worst.why) or f"{worst.measures.snr_db} dB SNR"
        about = f"{_text(report, worst)}</p><p>{_kind(worst.kind)}: {escape(why)}"
        if worst.heard is not None:
            about += f"</p><p>{worst.heard.errors} of {worst.heard.words} words heard wrong: "
            about += escape(shorten(worst.heard.text, _SHOWN, placeholder=" ..."))
        cards += _card(f"{mode.name}: {name}", about, sounds)
    lead = "The utterance of each mode that differs most from the reference; the first 12 s of it."
    return _section("The worst of each mode", lead, cards)


def _words(report: SoundReport) -> str:
    if not report.recogniser:
        return ""
    head, cells = sentence_cells(report)
    rows = ""
    for row in cells:
        rest = "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[3:])
        text = escape(shorten(row[2], _SHOWN, placeholder=" ..."))
        rows += f'<tr><th scope="row">{escape(row[0])}<small>{text}</small></th><td>{escape(row[1])}</td>'
        rows += f"{rest}</tr>\n"
    lead = (
        f"Errors in the words of each sentence, over all voices, heard by {report.recogniser}. Those in the reference "
        "are the recogniser's or the voice's own. It knows English alone."
    )
    table = _table("figures", (head[0], head[1], *head[3:]), rows)
    return f'<section><h2>The words</h2><p class="lead">{escape(lead)}</p>{table}</section>'


def _legend() -> str:
    rows = "".join(f"<tr><td>{_kind(kind)}</td><td>{escape(words)}</td></tr>\n" for kind, words in KINDS.items())
    return f"<section><h2>What the verdicts mean</h2>{_table('', ('verdict', 'means'), rows)}</section>"


def _facts(report: SoundReport) -> tuple[tuple[str, str], ...]:
    return (
        ("reference", report.reference),
        ("weights", report.weights),
        ("machine", report.machine),
        ("spoken", spoken_about(report)),
        ("voices", ", ".join(report.voices)),
        ("words by", report.recogniser or "nobody"),
        ("made", report.created),
    )


def _text(report: SoundReport, row: SoundRow) -> str:
    text = next((one.text for one in report.sentences if one.id == row.sentence), "")
    return escape(shorten(text, _SHOWN, placeholder=" ..."))


def _card(title: str, about: str, sounds: str) -> str:
    return f'<div class="player"><h3>{escape(title)}</h3><p>{about}</p>{sounds}</div>\n' if sounds else ""


def _section(title: str, lead: str, cards: str) -> str:
    if not cards:
        return ""
    head = f'<h2>{escape(title)}</h2><p class="lead">{escape(lead)}</p>'
    return f'<section>{head}<div class="players">{cards}</div></section>'


def _number(cell: str) -> str:
    """Write `median / worst`, and `mode (reference)`, as two lines."""
    first, _, second = cell.replace(" (", " / (").partition(" / ")
    return f'<td class="number">{escape(first)}<small>{escape(second)}</small></td>'


def _kind(kind: SoundKind) -> str:
    return f'<span class="key {str(kind).split()[0]}" aria-hidden="true">{_SIGNS[kind]}</span>{kind}'


def _offered(mode: ModeSound) -> str:
    return "" if mode.offered else " (not offered)"


def _table(kind: str, heads: Sequence[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>"
    return f'<div class="scroll"><table class="{kind}">{body}</table></div>'
