"""How modes take turns. Speakers are stand-ins that count: what real ones do is tried in the slow tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts.inside import bench
from scripts.inside.failure import ProbeFailure
from scripts.inside.speakers import Line


class Samples(list[float]):
    """As numpy's: it can write itself."""

    def astype(self, dtype: str) -> Samples:
        assert dtype == "<f4"
        return self

    def tofile(self, path: Path) -> None:
        path.write_bytes(bytes(4 * len(self)))


class CountingSpeaker:
    def __init__(self, mode: str, dtype: str, said: list[tuple[str, int]]) -> None:
        self.mode, self.dtype, self.device = mode, dtype, "cpu"
        self._said = said

    def speak(self, lines: Sequence[Line]) -> list[Samples]:
        self._said.append((self.mode, len(lines)))
        if self.mode == "failing" and self._said.count((self.mode, 1)) > 1:
            raise RuntimeError("out of memory")
        return [Samples([0.0] * 240 * len(line.phonemes)) for line in lines]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    spoken: list[tuple[str, int]] = []

    def open_speaker(mode: str, _weights: Any, *, device: str, dtype: str) -> CountingSpeaker:
        assert device == "cpu"
        if mode == "batched" and dtype == "old":
            raise ProbeFailure("set it up again", {"cause": "old-runtime"})
        return CountingSpeaker(mode, dtype, spoken)

    torch = ModuleType("torch")
    torch.get_num_threads = lambda: 2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(bench, "open_speaker", open_speaker)
    return spoken


def request(*modes: str, **changes: Any) -> dict[str, Any]:
    turns = [{"name": "short", "lines": ["ab"], "repeat": 2}, {"name": "long", "lines": ["a" * 500, "b"], "repeat": 1}]
    return {
        "modes": [[mode, "float32"] for mode in modes],
        "weights": {"kind": "synthetic"},
        "device": "cpu",
        "voice": "af_heart",
        "turns": turns,
        "concurrent": None,
        "samples": None,
        **changes,
    }


def test_all_modes_speak_a_text_before_one_does_again(said: list[tuple[str, int]]) -> None:
    found = bench.run(request("stock", "tuned"))
    warm_up = said[:4]
    assert [mode for mode, _ in warm_up] == ["stock", "tuned"] * 2
    assert [mode for mode, _ in said[4:]] == ["stock", "tuned", "stock", "tuned", "stock", "stock", "tuned", "tuned"]
    timings = {(one["mode"], one["turn"]): one for one in found["timings"]}
    assert len(timings["stock", "short"]["seconds"]) == 2
    assert timings["tuned", "long"]["audio"] == pytest.approx(501 * 240 / 24_000)
    assert found["warm_up"] == 2
    assert found["threads"] == 2
    assert found["failures"] == []


def test_a_mode_that_fails_is_told_and_the_others_go_on(said: list[tuple[str, int]]) -> None:
    modes = [["stock", "float32"], ["failing", "float32"], ["batched", "old"]]
    found = bench.run(request(modes=modes))
    failures = {one["mode"]: (one["error"], one["cause"]) for one in found["failures"]}
    assert failures == {"batched": ("set it up again", "old-runtime"), "failing": ("RuntimeError: out of memory", None)}
    assert {one["mode"] for one in found["timings"]} == {"stock"}
    assert ("failing", 1) in said


def test_requests_come_at_once_and_batches_as_one(said: list[tuple[str, int]]) -> None:
    concurrent = {"lines": ["a", "bb", "ccc", "d"], "at": [1, 4], "modes": ["tuned", "batched"]}
    found = bench.run(request("stock", "tuned", "batched", turns=[], concurrent=concurrent))
    keys = [(one["mode"], one["at"]) for one in found["concurrent"]]
    assert keys == [("tuned", 1), ("batched", 1), ("tuned", 4), ("batched", 4)]
    assert all(one["audio"] == pytest.approx(7 * 240 / 24_000) for one in found["concurrent"])
    assert all(len(one["latencies"]) == 4 for one in found["concurrent"])
    assert said.count(("batched", 4)) == 1
    assert said.count(("tuned", 1)) == 8


def test_samples_are_kept_where_they_are_wanted(said: list[tuple[str, int]], tmp_path: Path) -> None:
    bench.run(request("stock", "tuned", samples={"turn": "short", "folder": str(tmp_path)}))
    assert {path.name for path in tmp_path.iterdir()} == {"stock float32.f32", "tuned float32.f32"}
    assert (tmp_path / "stock float32.f32").stat().st_size == 4 * 480
    assert said
