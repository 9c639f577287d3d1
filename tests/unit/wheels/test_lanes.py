from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from scripts.errors import IntegrityError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.target import GB10, Architecture, ComputeCapability
from scripts.wheels.lanes import load_lanes
from scripts.wheels.nvrtc import load_nvrtc, look_up

LANES = CONSTRAINTS / "lanes.toml"
NVRTC = CONSTRAINTS / "nvrtc.toml"


def test_every_lane_is_dated_sourced_and_readable() -> None:
    table = load_lanes(LANES)
    assert [lane.name for lane in table.lanes] == ["pypi", "cpu", "cu126", "cu128", "cu129", "cu130", "cu132"]
    for lane in table.lanes:
        SpecifierSet(lane.torch)
        dt.date.fromisoformat(lane.checked)
        assert {Architecture(platform) for platform in lane.platforms}
        assert lane.source.startswith(("read: ", "claimed: "))
        assert (lane.cuda is None) == (lane.nvrtc is None)


def test_a_lane_s_name_is_in_its_index_and_in_its_cuda() -> None:
    for lane in load_lanes(LANES).lanes:
        assert (lane.index is None) == (lane.name == "pypi")
        assert lane.index is None or lane.index.endswith(f"/{lane.name}")
        assert not lane.name.startswith("cu") or lane.name == "cu" + (lane.cuda or "").replace(".", "")


def test_names_of_the_lane() -> None:
    table = load_lanes(LANES)
    for name in ("torch", "Triton", "pytorch_triton_rocm", "nvidia-cuda-nvrtc-cu12", "cuda.toolkit", "cuda-bindings"):
        assert table.owns(name), name
    for name in ("kokoro", "numpy", "torchsde", "nvidia", "misaki", "cuda-python"):
        assert not table.owns(name), name


def test_an_unknown_lane_lists_them_all() -> None:
    with pytest.raises(UsageError) as caught:
        load_lanes(LANES).named("cu131")
    assert "cu129, cu130, cu132" in caught.value.hint


@pytest.mark.parametrize("text", ["= broken", "names = 3", "names = []\n[lanes.x]\nwhat = 1"])
def test_a_damaged_table_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lanes.toml"
    path.write_text(text)
    with pytest.raises(IntegrityError, match=r"lanes\.toml"):
        load_lanes(path)


@pytest.mark.parametrize(
    ("version", "capability", "answer"),
    [
        ("12.8.93", GB10, False),
        ("12.8.93.0", GB10, False),
        ("12.8.93", ComputeCapability(12, 0), True),
        ("12.6.77", ComputeCapability(12, 0), False),
        ("12.9.41", GB10, True),
        ("13.0.88", GB10, True),
        ("13.3.33", GB10, True),  # between two that agree
        ("12.5.40", GB10, False),
        ("12.8.99", GB10, None),  # between two that do not
        ("13.6.1", GB10, None),  # newer than any measured
        ("11.7.99", GB10, False),
        ("11.0.1", GB10, None),  # older than any
        ("13.0.88", ComputeCapability(8, 0), True),
        ("13.0.88", ComputeCapability(13, 0), None),  # not measured
        ("13.2", GB10, True),  # a CUDA release
        ("99.9", GB10, None),
        ("nonsense", GB10, None),
    ],
)
def test_what_an_nvrtc_knows(version: str, capability: ComputeCapability, *, answer: bool | None) -> None:
    assert look_up(load_nvrtc(NVRTC), version, capability).compiles is answer


def test_every_lane_s_nvrtc_is_measured() -> None:
    table = load_nvrtc(NVRTC)
    for lane in load_lanes(LANES).lanes:
        assert lane.nvrtc is None or look_up(table, lane.nvrtc, GB10).compiles is not None
