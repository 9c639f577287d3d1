from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from packaging.version import Version

from scripts.errors import IntegrityError
from scripts.home import CONSTRAINTS
from scripts.wheels.drivers import CudaFamily, CudaRelease, load_drivers, lowest_driver, packaged_driver
from scripts.wheels.lanes import load_lanes

DRIVERS = CONSTRAINTS / "drivers.toml"


@pytest.mark.parametrize(
    ("cuda", "lowest", "packaged"),
    [
        ("13.2", "580", "595.45.04"),
        ("13.0", "580", "580.65.06"),
        ("13.0.88", "580", "580.65.06"),
        ("13.5", "580", None),
        ("12.8", "525", "570.26"),
        ("12.6", "525", "560.28.03"),
        ("12.7", "525", None),
        ("11.8", "450", "520.61.05"),
        ("13", "580", None),
        ("14.0", None, None),
        ("10.2", None, None),
        ("nonsense", None, None),
        ("9" * 5000, None, None),
        ("", None, None),
    ],
)
def test_drivers(cuda: str, lowest: str | None, packaged: str | None) -> None:
    table = load_drivers(DRIVERS)
    assert lowest_driver(table, cuda) == lowest
    assert packaged_driver(table, cuda) == packaged


def test_every_row_is_dated_and_sourced() -> None:
    table = load_drivers(DRIVERS)
    rows: list[CudaFamily | CudaRelease] = [*table.families, *table.releases]
    for row in rows:
        dt.date.fromisoformat(row.read)
        assert row.source.startswith(("read: ", "claimed: "))
        Version(row.driver)
    keys = [(Version(row.cuda), row.update) for row in table.releases]
    assert keys == sorted(set(keys), reverse=True)


def test_no_release_came_with_a_driver_too_old_for_its_family() -> None:
    table = load_drivers(DRIVERS)
    for row in table.releases:
        lowest = lowest_driver(table, row.cuda)
        assert lowest is not None
        assert Version(row.driver) >= Version(lowest)


def test_a_newer_release_came_with_a_driver_no_older() -> None:
    drivers = [Version(row.driver) for row in load_drivers(DRIVERS).releases]
    assert drivers == sorted(drivers, reverse=True)


def test_every_lane_has_a_lowest_driver() -> None:
    table = load_drivers(DRIVERS)
    for lane in load_lanes(CONSTRAINTS / "lanes.toml").lanes:
        assert lane.cuda is None or lowest_driver(table, lane.cuda) is not None


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "drivers.toml"
    path.write_text("families = 3\n")
    with pytest.raises(IntegrityError, match=r"drivers\.toml"):
        load_drivers(path)
