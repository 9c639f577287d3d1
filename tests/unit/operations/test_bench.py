from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import UsageError
from scripts.model.bench import Metric
from scripts.model.modes import Engine
from scripts.operations.bench_budget import budget_lines, budget_of
from scripts.operations.bench_figures import measurement, percentile, ratio_of
from scripts.operations.bench_order import LONG, pairs_of, texts_of
from scripts.operations.bench_page import bench_page
from scripts.operations.bench_power import energy_joules, parse_watts
from scripts.operations.bench_seed import NOT_HERE, seed_rows
from scripts.operations.bench_text import bench_lines
from scripts.operations.bench_turns import concurrent_of, names_of, turns_of
from tests.unit.operations.benches import STOCK, TABLE, TUNED, collected, order, report

SECONDS = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40)


@given(values=SECONDS, share=st.floats(0.01, 1.0))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    below = [value for value in values if value < found]
    assert len(below) < share * len(values) + 1e-9


def test_of_nothing_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(rounds=st.lists(SECONDS, min_size=1, max_size=5), factor=st.floats(0.1, 10))
def test_the_ratio_is_taken_round_by_round(rounds: list[list[float]], factor: float) -> None:
    faster = [[value / factor for value in one] for one in rounds]
    assert ratio_of(faster, rounds) == pytest.approx(factor, rel=0.01)
    assert ratio_of(rounds, faster, more_is_better=True) == pytest.approx(factor, rel=0.01)


def test_without_a_common_round_there_is_no_ratio() -> None:
    assert ratio_of([[1.0]], None) is None
    assert ratio_of([[1.0]], [[]]) is None


def test_a_drifting_machine_changes_times_and_no_ratio() -> None:
    rows = report().rows
    found = {(row.metric, row.what, row.mode): row for row in rows}
    stock, tuned = found[Metric.RTF, "20 s", "stock"], found[Metric.RTF, "20 s", "tuned"]
    assert (stock.value, stock.low, stock.high, stock.count) == (2.0, 1.0, 3.0, 2)
    assert (tuned.value, tuned.ratio, tuned.rtf, tuned.text_seconds) == (1.0, 2.0, 1.0, 20.0)
    assert stock.ratio == 1.0


def test_the_first_audio_of_all_is_beside_stock_which_waits_for_all_of_it() -> None:
    found = {(row.what, row.mode): row for row in report().rows if row.metric is Metric.FIRST_AUDIO}
    assert found["whole", "stock"].ratio == 1.0
    assert found["by sentence", "stock"].ratio == 5.0
    assert found["by sentence", "tuned"].ratio == 10.0
    assert found["by clause", "tuned"].ratio == 20.0


def test_throughput_is_beside_stock_with_one_request_at_a_time() -> None:
    found = {(row.what, row.mode): row for row in report().rows if row.metric is Metric.THROUGHPUT}
    assert found["1 request", "stock"].value == 1.25
    assert found["16 requests", "tuned"].ratio == 2.0


def test_rows_are_what_the_issue_asks_for() -> None:
    for row in report().rows:
        assert row.mode
        assert row.device == "cpu"
        assert row.dtype
        assert row.low <= row.value <= row.high
        if row.metric is Metric.RTF:
            assert row.text_seconds
            assert row.rtf == row.value


def test_a_row_of_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="no median"):
        measurement(Metric.RTF, "1 s", STOCK, [[]], None, device="cpu", unit="")


def test_what_failed_is_told_and_not_measured() -> None:
    assert collected().unmeasured == {("batched", "float32"): "too old"}
    assert [key for key in collected().keys if key[0] == "batched"] == []


def test_the_budget_counts_text_and_says_what_is_over() -> None:
    found = budget_of("tuned", "float32", [0.5, 0.6, 0.7, 0.8], [0.01, 0.02, 0.03])
    assert (found.p50_ms, found.p95_ms) == (620.0, 820.0)
    assert found.left_ms(900) == (280.0, 80.0)
    (line,) = budget_lines([found])
    assert "of 600: over by 20 ms / over by 220 ms" in line
    assert "of 900: 280 ms left / 80 ms left" in line


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_notes_table_has_no_figure_that_was_not_measured(device: str) -> None:
    rows = seed_rows(report(device))
    measured = {about: (rtf, latency) for about, _, rtf, _, latency in rows}
    on_cpu = next(found for about, found in measured.items() if about.startswith("CPU"))
    on_gpu = next(found for about, found in measured.items() if "patched" in about)
    batched = next(found for about, found in measured.items() if "batched" in about)
    assert (on_cpu == (NOT_HERE, NOT_HERE)) is (device == "cuda")
    assert (on_gpu == (NOT_HERE, NOT_HERE)) is (device == "cpu")
    assert batched == (NOT_HERE, NOT_HERE)


def test_the_text_names_peers_spread_and_what_is_missing() -> None:
    text = "\n".join(bench_lines(report()))
    assert "peer: stock Kokoro" in text
    assert "1.00 (0.500 to 1.50) 2.00x" in text
    assert "onnx: no <onnx> environment" in text
    assert "over by" in text
    assert "not measured here" in text


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "stock float32.f32").write_bytes(bytes(4 * 2400))
    page = bench_page(
        report(), {"rtf": "data:image/png;base64,AAAA", "spectrograms": "data:image/png;base64,BBBB"}, tmp_path
    )
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("<audio") == 1
    assert page.count("<img") == 2
    assert "no &lt;onnx&gt; environment" in page
    assert "matplotlib was not there" not in page
    assert "matplotlib was not there" in bench_page(report(), {}, tmp_path)


@pytest.mark.parametrize(
    ("options", "reference"),
    [
        ({"modes": "stock,warp"}, "unknown-mode"),
        ({"device": "tpu"}, "unknown-device"),
        ({"lengths": "7"}, "unknown-length"),
        ({"lengths": "1,x"}, "unknown-length"),
        ({"rounds": "0"}, "bad-count"),
        ({"rounds": "-1"}, "bad-count"),
        ({"rounds": "two"}, "bad-count"),
        ({"rounds": "101"}, "bad-count"),
        ({"rounds": ""}, "bad-count"),
    ],
)
def test_bad_options(options: dict[str, Any], reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        order(**options)
    assert caught.value.reference == reference
    assert caught.value.hint


def test_without_options_all_that_an_application_would_use_is_measured() -> None:
    names = [mode for engine in Engine for mode, _ in pairs_of(order(), engine)]
    assert names == ["stock", "bridge", "disable_complex", "tuned", "tuned", "batched", "onnx"]
    assert order().whole
    assert not order(lengths="1,3").whole
    assert not order(pipeline=True).whole


def test_five_minutes_are_asked_for() -> None:
    assert LONG not in order().lengths
    long = order(lengths="1", long=True)
    assert [text.name for text in texts_of(long, TABLE)] == ["1 s", LONG]
    assert len(texts_of(long, TABLE)[1].pieces) == 60


def test_a_round_has_a_turn_for_every_text() -> None:
    chosen = order()
    stretches = {name: [f"ph {name}"] for name in names_of(chosen, TABLE)}
    turns = {turn["name"]: turn for turn in turns_of(chosen, TABLE, stretches)}
    assert set(turns) == {name for name in stretches if not name.startswith("request")}
    assert turns["20 s"]["repeat"] == 1
    assert turns["20 s by clause"]["lines"] == ["ph 20 s by clause"]
    requests = concurrent_of(chosen, TABLE, stretches, 0)
    assert requests is not None
    assert len(requests["lines"]) == 16
    assert concurrent_of(chosen, TABLE, stretches, 2) is None
    assert concurrent_of(order(lengths="1"), TABLE, stretches, 0) is None


def test_of_a_call_only_first_sentences_are_spoken() -> None:
    chosen = order(pipeline=True)
    stretches = {name: ["ph"] for name in names_of(chosen, TABLE)}
    assert all(name.startswith("reply ") for name in stretches)
    assert len(turns_of(chosen, TABLE, stretches)) == len(TABLE.replies)


@pytest.mark.parametrize(("text", "watts"), [("12.5\n", 12.5), ("[N/A]\n", None), ("", None), ("8\n9\n", 8.0)])
def test_power_is_read_where_it_is_told(text: str, watts: float | None) -> None:
    assert parse_watts(text) == watts


def test_energy_is_of_the_window_alone() -> None:
    samples = [(0.0, 900.0), (1.0, 10.0), (2.0, 20.0), (9.0, 900.0)]
    assert energy_joules(samples, 0.5, 2.5) == 30.0
    assert energy_joules(samples, 0.5, 1.5) is None


def test_both_modes_of_the_made_up_run_are_there() -> None:
    assert report().modes == (STOCK, TUNED)
