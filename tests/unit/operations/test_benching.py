"""A whole bench with environments that answer as real ones do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BrokenError, NoCandidateError, SparkError
from scripts.model.bench import BenchReport, Metric
from scripts.operations.bench_order import BenchOrder
from scripts.operations.bench_task import REPORTS, bench, foreseen_lines
from scripts.operations.context import Context
from tests.support.sounds import Speaking, speaking_world
from tests.unit.operations.benches import TABLE, order, served, timing


class Timed(Speaking):
    """Answers the probes of `invoke bench`; batched is in no environment."""

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        probe = request["probe"]
        if probe in self.failing:
            error, cause = self.failing[probe]
            return {"ok": False, "error": error, "detail": {"cause": cause}}
        return {"ok": True, "detail": getattr(self, probe.replace("-", "_"))(request)}

    def phonemes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names = [one["name"] for one in request["texts"]]
        return {
            "stretches": {name: ["həlˈO"] for name in names},
            "left_out": {},
            "seconds": dict.fromkeys(names, 0.01),
            "device": "cpu",
            "device_name": None,
        }

    def bench(self, request: Mapping[str, Any]) -> dict[str, Any]:
        modes = [tuple(pair) for pair in request["modes"] if pair[0] != "batched"]
        if request["samples"]:
            for mode, dtype in modes:
                (Path(request["samples"]["folder"]) / f"{mode} {dtype}.f32").write_bytes(bytes(400))
        return {
            "timings": [timing(key, turn["name"], 1.0, audio=2.0) for key in modes for turn in request["turns"]],
            "concurrent": [served(key, at, 5.0) for key in modes for at in (request["concurrent"] or {"at": []})["at"]],
            "failures": [
                {"mode": mode, "dtype": dtype, "error": "set it up again", "cause": "old-runtime"}
                for mode, dtype in request["modes"]
                if mode == "batched"
            ],
            "warm_up": len(request["turns"]),
            "threads": 2,
            "versions": ["kokoro 0.9.4"],
        }

    def cold_start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        times = dict.fromkeys(("seconds_import", "seconds_load", "seconds_first", "seconds_second"), 1.0)
        window = {"spoken_from": 0.0, "spoken_to": 1.0}
        memory = {"host_peak_bytes": 1 << 30, "gpu_peak_bytes": None, "kernels": 0}
        return {**times, **memory, **window, "dtype": request["dtype"]}

    def charts(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {"charts": {"rtf": "data:image/png;base64,AAAA"}}


@pytest.fixture
def world(tmp_path: Path) -> Context:
    return speaking_world(tmp_path, Timed())


def measured(world: Context, folder: Path | None = None, **options: Any) -> BenchReport:
    return bench(order(**options), TABLE, world, folder)


def asked(world: Context, probe: str) -> list[dict[str, Any]]:
    assert isinstance(world.run, Timed)
    return [one for one in world.run.asked if one["probe"] == probe]


def test_torch_and_onnx_alternate_and_what_failed_is_left_out(world: Context) -> None:
    report = measured(world)
    rounds = [[mode for mode, _ in one["modes"]] for one in asked(world, "bench")]
    first = ["stock", "bridge", "disable_complex", "tuned", "tuned", "batched"]
    assert rounds == [first, ["onnx"], first[:-1], ["onnx"]]
    assert {one.mode: one.why for one in report.unmeasured} == {
        "nvrtc-override": "the code of stock, in an environment of its own: judge it there with --env",
        "batched": "set it up again",
    }
    assert report.modes[0] == ("stock", "float32")
    assert {row.metric for row in report.rows} >= set(Metric) - {Metric.ENERGY}
    assert len(report.budgets) == 6
    assert len(asked(world, "cold-start")) == 6


def test_a_quick_look_starts_nothing_cold(world: Context) -> None:
    report = measured(world, lengths="1", rounds="1", modes="stock,tuned")
    assert asked(world, "cold-start") == []
    assert asked(world, "bench")[0]["concurrent"] is None
    assert {row.metric for row in report.rows} == {Metric.RTF, Metric.LATENCY}
    assert report.budgets == ()


def test_the_budget_alone(world: Context) -> None:
    report = measured(world, pipeline=True, modes="stock")
    assert report.rows == ()
    assert [(one.mode, one.p50_ms, one.count) for one in report.budgets] == [("stock", 1010.0, 10)]


def test_without_an_onnx_environment_the_rest_goes_on(world: Context) -> None:
    world.store.remove(world.store.find("onnx"))
    report = measured(world, lengths="1", modes="stock,onnx")
    (missing,) = report.unmeasured
    assert "invoke setup --strategy onnx" in missing.why
    assert report.modes == (("stock", "float32"),)


def test_reports_are_written_and_the_samples_are_gone(world: Context, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    measured(world, folder, lengths="3", rounds="1", modes="stock,tuned")
    assert {path.name for path in folder.iterdir()} == set(REPORTS)
    data = json.loads((folder / "bench.json").read_text())
    row = data["rows"][0]
    assert {"mode", "device", "dtype", "text_seconds", "rtf"} <= set(row)
    page = (folder / "bench.html").read_text()
    assert page.count("<audio") == 3
    assert "data:image/png;base64,AAAA" in page
    assert not list(world.home.cache.glob("bench-*"))


def test_without_matplotlib_the_figures_are_kept(world: Context, tmp_path: Path) -> None:
    assert isinstance(world.run, Timed)
    world.run.uv_says = "error: Failed to fetch: error sending request: tcp connect error: Connection refused"
    measured(world, tmp_path / "report", lengths="3", rounds="1", modes="stock")
    assert "matplotlib was not there" in (tmp_path / "report" / "bench.html").read_text()


@pytest.mark.parametrize(
    ("probe", "cause", "kind"),
    [
        ("phonemes", "no-gpu", NoCandidateError),
        ("phonemes", "", BrokenError),
        ("bench", "", BrokenError),
    ],
)
def test_where_nothing_can_be_measured(
    world: Context, tmp_path: Path, probe: str, cause: str, kind: type[SparkError]
) -> None:
    assert isinstance(world.run, Timed)
    world.run.failing = {probe: ("it does not", cause)}
    with pytest.raises(kind) as caught:
        measured(world, tmp_path / "report", lengths="1")
    assert "it does not" in caught.value.context
    assert caught.value.hint
    assert list((tmp_path / "report").iterdir()) == []


def test_what_would_be_measured_is_told(world: Context) -> None:
    chosen: BenchOrder = order(lengths="1", modes="stock,tuned,onnx")
    lines = foreseen_lines(chosen, world, Path("folder"))
    assert "tuned bfloat16" in lines[0]
    assert "onnx int8" in lines[0]
    assert "onnx-0123456789ab" in lines[2]
    assert lines[-1].endswith("report into folder")
    assert asked(world, "phonemes") == []
