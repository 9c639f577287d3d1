"""What `invoke sound` found, as text: for the terminal, and for docs/sound.md. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import shorten

from scripts.model.modes import mode_named
from scripts.model.sound import ModeSound, SoundKind, SoundReport, SoundRow
from scripts.operations.sound_words import KINDS, LEGEND, spoken_about
from scripts.verification.figures import FIGURES, worst_row

DOCUMENTS = ("sound.md", "sound.json")
_NOTHING = "–"  # noqa: RUF001 - an empty cell
_COMMAND = "sh scripts/bootstrap.sh"
_SHOWN_REASONS = 2
_SHOWN_LETTERS = 120


def table_cells(report: SoundReport) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give the table of modes and figures, `median / worst`: its head, and a row for each mode."""
    head = ("mode", "device", "verdict", *(figure.title for figure in FIGURES.values()), "word error rate")
    return head, [_cells(mode) for mode in report.modes]


def sound_lines(report: SoundReport) -> list[str]:
    """Write the report for a terminal: a table, then why a mode is not `same`, then notes."""
    head, rows = table_cells(report)
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [_aligned(head, widths), *(_aligned(row, widths) for row in rows), ""]
    lines += ["median / worst over all utterances; word error rate: of the mode (of the reference)", ""]
    lines += [f"{mode.name}: {mode.kind}: {reasons_of(mode)}" for mode in report.modes if mode.why]
    lines += ["", f"reference: {report.reference}; {report.machine}", f"weights: {report.weights}"]
    lines += [f"words heard by {report.recogniser}"] if report.recogniser else ["no words were counted"]
    return [*lines, *(f"note: {note}" for note in report.notes), *refusals(report)]


def refusals(report: SoundReport) -> list[str]:
    """Name the modes that are offered and do not sound as they must."""
    return [
        f"not accepted: {mode.name} is {mode.kind}, and must be {mode.expected}"
        for mode in report.modes
        if mode.offered and not mode.accepted
    ]


def reasons_of(mode: ModeSound) -> str:
    """Say why a mode is not `same`; of many utterances, the first."""
    more = len(mode.why) - _SHOWN_REASONS
    return "; ".join(mode.why[:_SHOWN_REASONS]) + (f"; and {more} more" if more > 0 else "")


def sound_markdown(report: SoundReport) -> str:
    """Write docs/sound.md."""
    lines = [
        "# How each mode of Kokoro sounds",
        "",
        f"Measured on {report.created}: {report.machine}. {spoken_about(report)}",
        "",
        f"- Compared with: {report.reference}. Weights: {report.weights}.",
        f"- Words: {f'heard by {report.recogniser}' if report.recogniser else 'not counted'}.",
        *([] if any(mode.device == "cuda" for mode in report.modes) else ["- Nothing here ran on a GPU."]),
        *(f"- Note: {note}." for note in report.notes),
        "",
        f"`{_COMMAND} sound --docs` makes this run anew and writes this page and [sound.json](sound.json), which has",
        "every utterance: do not edit them. `--report FOLDER` gives it with audio.",
        "",
        "## The modes",
        "",
        "Median / worst over all utterances.",
        "",
        *_markdown_table(*table_cells(report)),
        "",
        *(f"- **{mode.name}**: {mode.kind}{_colon(reasons_of(mode))}." for mode in report.modes),
        "",
        *(f"- {line}" for line in refusals(report)),
        "",
        *LEGEND,
        "",
        "## The worst utterance of each mode",
        "",
        *_markdown_table(*worst_cells(report)),
        "",
        "## The sentences",
        "",
        "Heard is the reference, by the recogniser: its own errors are no mode's. The last columns count the errors of",
        "all voices together.",
        "",
        *_markdown_table(*sentence_cells(report)),
    ]
    return "\n".join(_single_blanks(lines)).rstrip("\n") + "\n"


def worst_cells(report: SoundReport) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give the utterance of each mode that differs most from the reference."""
    rows: list[tuple[str, ...]] = []
    for mode in report.modes:
        own = rows_of(report, mode)
        if own:
            worst = worst_row(own)
            heard = "" if worst.heard is None else shorten(worst.heard.text, _SHOWN_LETTERS, placeholder=" ...")
            rows.append((mode.name, f"{worst.sentence}-{worst.voice}", str(worst.kind), ", ".join(worst.why), heard))
    return ("mode", "utterance", "verdict", "why", "heard"), rows


def sentence_cells(report: SoundReport) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give each sentence with the errors in its words: the reference's, and each mode's."""
    counted = [mode for mode in report.modes if mode.word_error_rate is not None]
    head = ("sentence", "language", "text", "words", "reference", *(mode.name for mode in counted))
    rows = []
    for one in report.sentences:
        cells = [one.id, one.language, " ".join(one.text.split())]
        first = [row for row in (rows_of(report, counted[0]) if counted else ()) if row.sentence == one.id]
        heard = [row.heard for row in first if row.heard is not None]
        cells += [str(sum(each.words for each in heard)), str(sum(each.errors_reference for each in heard))]
        for mode in counted:
            own = [row.heard for row in rows_of(report, mode) if row.sentence == one.id and row.heard is not None]
            cells.append(str(sum(each.errors for each in own)))
        rows.append(tuple(cells if heard else [*cells[:3], *[""] * (2 + len(counted))]))
    return head, rows


def rows_of(report: SoundReport, mode: ModeSound) -> list[SoundRow]:
    """Give a mode's utterances."""
    key = (mode.mode, mode.device, mode.dtype)
    return [row for row in report.rows if (row.mode, row.device, row.dtype) == key]


def about_mode(mode: ModeSound) -> str:
    """Say what a mode is."""
    known = mode_named(mode.mode)
    return "" if known is None else known.about


def _cells(mode: ModeSound) -> tuple[str, ...]:
    verdict = str(mode.kind) if mode.offered else f"{mode.kind} (not offered)"
    cells = [mode.name, mode.device, verdict]
    for name, figure in FIGURES.items():
        spread = mode.spreads.get(name)
        identical = name == "snr_db" and spread is None and mode.kind is SoundKind.SAME
        shown = "identical" if identical else ""
        cells.append(shown if spread is None else f"{figure.write(spread.median)} / {figure.write(spread.worst)}")
    rate, reference = mode.word_error_rate, mode.word_error_rate_reference
    cells.append("" if rate is None or reference is None else f"{rate:.3f} ({reference:.3f})")
    return tuple(cells)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]


def _cell(text: str) -> str:
    return (text or _NOTHING).replace("|", "\\|").replace("\n", " ")


def _colon(text: str) -> str:
    return f": {text}" if text else ""


def _single_blanks(lines: Sequence[str]) -> list[str]:
    return [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]


assert set(KINDS) == set(SoundKind), "every verdict has its words"
