from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scripts.home import CHECKOUT
from scripts.model.sound import SoundReport
from scripts.operations.sound_files import report_json
from scripts.operations.sound_page import sound_page
from scripts.operations.sound_text import DOCUMENTS, sound_lines, sound_markdown
from scripts.operations.sounding import judged_again
from scripts.serial import from_data
from tests.support.sounds import CLOSE, HOLA, IDENTICAL, ONNX, TILTED, heard, report, row

REPORT = report(
    row("stock", IDENTICAL, heard(1, 1)),
    row("stock", IDENTICAL, sentence=HOLA, voice="ef_dora"),
    row("disable_complex", TILTED, heard(0, 1)),
    row("onnx", replace(ONNX, log_mel_db=9.0), heard(5, 1, text="<b>fog|log</b>"), dtype="int8"),
    row("tuned", replace(CLOSE, snr_db=40.0), heard(1, 1)),
    notes=("a note",),
)
PAGE = CHECKOUT / "docs" / DOCUMENTS[0]


def test_lines() -> None:
    text = "\n".join(sound_lines(REPORT))
    assert "stock float32" in text
    assert "identical" in text
    assert "different (not offered)" in text
    assert "40.0 / 40.0" in text
    assert "0.111 (0.111)" in text
    assert "tilt -3.3 dB, gain +1.4 dB" in text
    assert "not accepted: tuned float32 is alike, and must be same" in text
    assert "not accepted: disable_complex" not in text
    assert "note: a note" in text


def test_the_page_for_docs() -> None:
    text = sound_markdown(REPORT)
    assert text.startswith("# How each mode of Kokoro sounds\n\nMeasured on 2026-12-01")
    assert "- Nothing here ran on a GPU." in text
    assert "| onnx int8 | fox-af_heart | wrong |" in text
    assert "fog\\|log" in text
    assert "| hola | e | Buenos días. | – | – |" in text  # noqa: RUF001
    assert "| fox | en | The quick brown fox jumps over the lazy dog. | 9 | 1 | 1 | 0 | 5 | 1 |" in text
    assert "\n\n\n" not in text
    assert all(len(line) <= 120 for line in text.splitlines() if not line.startswith(("|", "- ", "Measured")))


def test_reasons_are_not_all_told() -> None:
    rows = [row("onnx", ONNX, dtype="int8", voice=f"af_{n}") for n in range(5)]
    assert "; and 3 more" in "\n".join(sound_lines(report(*rows)))


def test_the_html_page_escapes_and_needs_nothing() -> None:
    page = sound_page(REPORT, lambda mode, dtype, name: f"data:audio/wav;base64,{mode}{dtype}{name}")
    assert "&lt;b&gt;fog|log&lt;/b&gt;" in page
    assert "<b>fog" not in page
    assert page.count("<audio") == 2 + 2 * 3
    assert "1 of 3 offered modes that could be measured sound as they must" in page
    assert "<audio" not in sound_page(REPORT, lambda *_: "")


def test_json_is_a_row_on_a_line() -> None:
    text = report_json(REPORT)
    assert judged_again(from_data(SoundReport, json.loads(text), what="")) == REPORT
    assert sum('"log_mel_db"' in line for line in text.splitlines()) == len(REPORT.rows) + len(REPORT.modes)


@pytest.mark.skipif(not PAGE.is_file(), reason="no whole run is kept yet")
def test_the_kept_page_is_what_the_kept_rows_say() -> None:
    kept = from_data(SoundReport, json.loads(PAGE.with_suffix(".json").read_text()), what="docs/sound.json")
    assert judged_again(kept) == kept, "thresholds have changed: sh scripts/bootstrap.sh sound --docs --read ..."
    assert PAGE.read_text() == sound_markdown(kept)
