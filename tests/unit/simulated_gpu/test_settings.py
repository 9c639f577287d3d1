"""The settings table: its rows, its words, and what is kept of it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from scripts.serial import from_data, to_json
from tests.simulated_gpu.document import SETTINGS as KEPT
from tests.simulated_gpu.document import kept as read_kept
from tests.simulated_gpu.settings import to_row
from tests.simulated_gpu.settings_rows import (
    SETTINGS,
    TORCH,
    WORKS,
    Filler,
    Filling,
    Setting,
    SettingRow,
    SettingsTable,
    renamed,
    settings_lines,
)

REFUSED = "nvrtc: error: invalid value for --gpu-architecture (-arch)"


def kept() -> SettingsTable:
    return read_kept(SettingsTable, KEPT)


def row(label: str, **endings: str) -> SettingRow:
    answer = {
        "endings": dict.fromkeys(("abs", "angle", "exp"), REFUSED) | endings,
        "nvrtc": "12.8",
        "kernels": [],
    }
    return to_row(Setting(question="Q4", label=label), answer)


NOTHING = row("nothing")


# What is kept: run for real, by `invoke demo.settings --write`.


def test_every_setting_was_tried() -> None:
    assert [(one.question, one.label) for one in kept().rows] == [(one.question, one.label) for one in SETTINGS]
    assert kept().torch == TORCH
    assert kept().simulated


def test_nothing_set_gives_the_error_that_the_note_quotes() -> None:
    nothing = kept().rows[0]
    assert set(nothing.endings.values()) == {"unknown-architecture"}
    assert (nothing.telling, nothing.nvrtc, nothing.kernels) == (REFUSED, "12.8", ())


@pytest.mark.parametrize("question", ["Q4", "Q8", "Q10", "Q11", "Q12"])
def test_what_does_not_help(question: str) -> None:
    rows = [one for one in kept().rows if one.question == question]
    assert rows
    for one in rows:
        assert (one.endings, one.nvrtc) == (kept().rows[0].endings, "12.8"), one.label


# How it is made.


def test_a_row_of_an_answer() -> None:
    found = row("set", abs="", angle="CUDA error: no kernel image is available for execution on the device")
    assert found.endings == {"abs": WORKS, "angle": "no-kernel-image", "exp": "unknown-architecture"}
    assert not found.works
    assert row("set", abs="", angle="", exp="").works
    assert row("set", abs="", angle="", exp="").telling == ""


def test_what_each_row_says() -> None:
    rows = (
        NOTHING,
        dataclasses.replace(row("useless"), question=""),
        row("helpful", abs="", angle="", exp=""),
        row("harmful", exp="out of memory"),
    )
    lines = settings_lines(SettingsTable(torch=TORCH, device="NVIDIA GB10", created="2026-11-25", rows=rows))
    several = "abs: unknown-architecture, angle: unknown-architecture, exp: out-of-memory"
    assert lines[2:6] == [
        "| Q4 | nothing | all fail: unknown-architecture | 12.8 | the error that the note quotes |",
        "| – | useless | all fail: unknown-architecture | 12.8 | none |",  # noqa: RUF001
        "| Q4 | helpful | all work | 12.8 | it helps |",
        f"| Q4 | harmful | {several} | 12.8 | another failure |",
    ]
    assert lines[-1].startswith("SIMULATED")


def test_a_table_as_json() -> None:
    table = SettingsTable(torch=TORCH, device="NVIDIA GB10", created="2026-11-25", rows=(NOTHING,))
    assert from_data(SettingsTable, json.loads(to_json(table)), what="a table") == table


def test_the_name_of_a_cached_kernel() -> None:
    name = "abs_kernel_vectorized2_arch12.1_nvrtc12.9_sass_45986_0123"
    filling = Filling(filler=Filler.NEWER, rename=("_nvrtc12.9_", "_nvrtc12.8_"))
    assert renamed(name, filling) == "abs_kernel_vectorized2_arch12.1_nvrtc12.8_sass_45986_0123"
    assert renamed(name, Filling(filler=Filler.NEWER)) == name


def test_only_a_cache_under_the_right_names_helps() -> None:
    caches = [(setting, row) for setting, row in zip(SETTINGS, kept().rows, strict=True) if setting.cache is not None]
    assert [row.works for _, row in caches] == [
        setting.cache.rename is not None for setting, _ in caches if setting.cache
    ]
