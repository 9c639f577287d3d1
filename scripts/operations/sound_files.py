"""The files of `invoke sound`: the report's folder, docs/sound.md and docs/sound.json; and a report read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.disk import write_if_changed, write_whole
from scripts.errors import IntegrityError, UsageError
from scripts.home import CHECKOUT
from scripts.model.sound import SoundReport
from scripts.operations.report_folder import report_errors
from scripts.operations.sound_audio import audio_url
from scripts.operations.sound_choosing import Order
from scripts.operations.sound_page import sound_page
from scripts.operations.sound_text import DOCUMENTS, sound_lines, sound_markdown
from scripts.operations.sounding import REFERENCE, Sounded, judged_again
from scripts.serial import from_data, to_data

REPORTS = ("sound.json", "sound.txt", "sound.html")


def require_documentable(order: Order) -> None:
    """Insist that what goes into docs/ is a whole run. Raises UsageError (not-whole)."""
    if not order.whole:
        raise UsageError(
            "docs/sound.md is about all modes, sentences and voices, with their words",
            hint="leave --modes, --sentences, --voices and --no-words out, or --docs",
            reference="not-whole",
        )


def write_report(sounded: Sounded, folder: Path) -> tuple[Path, ...]:
    """Write sound.json, sound.txt and sound.html, each whole or not at all. Raises DiskError."""

    def audio(mode: str, dtype: str, name: str) -> str:
        path = sounded.sound(mode or REFERENCE, dtype, name)
        return audio_url(path) if path.is_file() else ""

    report = sounded.report
    texts = (report_json(report), "\n".join(sound_lines(report)) + "\n", sound_page(report, audio))
    with report_errors():
        for name, text in zip(REPORTS, texts, strict=True):
            write_whole(folder / name, text)
    return tuple(folder / name for name in REPORTS)


def write_documents(report: SoundReport, folder: Path = CHECKOUT / "docs") -> tuple[Path, ...]:
    """Write sound.md and sound.json, and give their paths. Raises DiskError."""
    kept = without_right_words(report)
    for name, text in zip(DOCUMENTS, (sound_markdown(kept), report_json(kept)), strict=True):
        write_if_changed(folder / name, text)
    return tuple(folder / name for name in DOCUMENTS)


def without_right_words(report: SoundReport) -> SoundReport:
    """Leave out what was heard where it is what was said: half of what docs/ would keep."""
    rows = (
        replace(row, heard=replace(row.heard, text="")) if row.heard and not row.heard.errors else row
        for row in report.rows
    )
    return replace(report, rows=tuple(rows))


def read_report(path: Path) -> SoundReport:
    """Read a report's JSON back, judged by the thresholds of today.

    Raises UsageError (no-report) where it cannot be read, IntegrityError where it is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", hint="name a sound.json of --report", reference="no-report"
        ) from error
    except ValueError as error:
        raise IntegrityError(f"{path} is no JSON: {error}", reference="bad-record") from error
    return judged_again(from_data(SoundReport, data, what=str(path)))


def report_json(report: SoundReport) -> str:
    """Write a report as JSON, a row on a line: a diff then shows which utterance changed."""
    return "\n".join(_json_lines(to_data(report))) + "\n"


def _json_lines(data: dict[str, Any]) -> Iterator[str]:
    yield "{"
    last = list(data)[-1]
    for key, value in data.items():
        comma = "" if key == last else ","
        if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            yield f" {json.dumps(key)}: ["
            for place, one in enumerate(value, 1):
                yield f"  {json.dumps(one, ensure_ascii=False)}{',' if place < len(value) else ''}"
            yield f" ]{comma}"
        else:
            yield f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}{comma}"
    yield "}"
