"""`invoke bench` on real weights: rows, page, and what it says of what is not here. No figure is judged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.errors import ExitCode
from scripts.home import Home
from tests.slow.conftest import document, invoke_in

pytestmark = pytest.mark.slow


def test_modes_are_measured_side_by_side(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    options = ("--rounds", "1", "--lengths", "3", "--modes", "stock,disable_complex,tuned,batched,nvrtc-override")
    done = invoke_in(Home.find().root)("bench", *options, "--report", str(folder), "--json")
    assert done.ok, done.stderr
    found = document(done)
    modes = {(row["mode"], row["dtype"]) for row in found["rows"]}
    float32 = {(mode, "float32") for mode in ("stock", "disable_complex", "tuned", "batched")}
    assert modes == {*float32, ("tuned", "bfloat16")}
    for row in found["rows"]:
        assert row["value"] > 0
        assert row["low"] <= row["value"] <= row["high"]
        if row["metric"] == "real-time factor":
            assert 2.5 < row["text_seconds"] < 4.5
            assert row["rtf"] > 0
    assert [one["mode"] for one in found["unmeasured"]] == ["nvrtc-override"]
    page = (folder / "bench.html").read_text()
    assert page.count("<audio") == len(modes)
    assert page.count("data:image/png") >= 4
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_a_gpu_that_is_not_here(tmp_path: Path) -> None:
    done = invoke_in(Home.find().root)("bench", "--device", "cuda", "--report", str(tmp_path / "report"))
    assert done.returncode == ExitCode.NO_CANDIDATE
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "report").iterdir()) == []
