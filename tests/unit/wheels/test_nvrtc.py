from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from scripts.errors import IntegrityError
from scripts.home import CONSTRAINTS
from scripts.model.target import GB10, ComputeCapability
from scripts.operations.measuring import CAPABILITIES
from scripts.wheels.nvrtc import NvrtcRow, NvrtcTable, load_nvrtc, look_up, table_text, with_row

TABLE = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
VERSIONS = {row.version for row in TABLE.nvrtc}
RTX50 = ComputeCapability(12, 0)


def knows(version: str, capability: ComputeCapability) -> bool | None:
    return look_up(TABLE, version, capability).compiles


@pytest.mark.parametrize("version", ["11.8.89", "12.1.105", "12.4.127", "12.6.77", "12.6.85"])
def test_before_blackwell(version: str) -> None:
    assert version in VERSIONS
    assert (knows(version, RTX50), knows(version, GB10)) == (False, False)


@pytest.mark.parametrize("version", ["12.8.61", "12.8.93"])
def test_12_8_knows_12_0_alone(version: str) -> None:
    assert version in VERSIONS
    assert (knows(version, RTX50), knows(version, GB10)) == (True, False)


NEWER = sorted((one for one in VERSIONS if Version(one) >= Version("12.9.41")), key=Version)


@pytest.mark.parametrize("version", NEWER)
def test_from_12_9_on_both(version: str) -> None:
    assert (knows(version, RTX50), knows(version, GB10)) == (True, True)


def test_which_of_them_were_measured() -> None:
    facts = {"12.9.41", "12.9.86", "13.0.48", "13.0.88", "13.1.80", "13.2.78", "13.2.86", "13.4.92", "13.5.37"}
    assert facts <= set(NEWER)


@pytest.mark.parametrize("row", TABLE.nvrtc, ids=lambda row: str(row.version))
def test_every_row_is_whole(row: NvrtcRow) -> None:
    asked = [capability.sm for capability in CAPABILITIES]
    assert sorted(row.compiles + row.refuses) == sorted(asked)
    assert f"{row.package}=={row.version}" in row.how
    assert row.package == (
        "nvidia-cuda-nvrtc" if Version(row.version) >= Version("13") else f"nvidia-cuda-nvrtc-cu{row.version[:2]}"
    )


def test_the_table_is_as_the_command_writes_it() -> None:
    assert table_text(TABLE) == (CONSTRAINTS / "nvrtc.toml").read_text(encoding="utf-8")
    assert len(VERSIONS) == len(TABLE.nvrtc)
    assert [row.version for row in TABLE.nvrtc] == sorted(VERSIONS, key=Version)


def row(version: str, compiles: str, refuses: str = "") -> NvrtcRow:
    return NvrtcRow(
        version=version,
        package="nvidia-cuda-nvrtc",
        measured="2026-01-01",
        how="by hand",
        compiles=tuple(compiles.split()),
        refuses=tuple(refuses.split()),
    )


SMALL = NvrtcTable(
    nvrtc=(
        row("12.8.93", "sm_120", "sm_121"),
        row("12.9.41", "sm_120 sm_121", "sm_130"),
        row("12.9.86", "sm_120 sm_121", "sm_130"),
        row("13.0.10", "sm_120 sm_121", "sm_130"),
        row("13.0.50", "sm_120 sm_121 sm_130"),
    )
)


@pytest.mark.parametrize(
    ("version", "sm", "compiles", "how"),
    [
        ("12.8.93", "12.1", False, "measured 2026-01-01: by hand"),
        ("12.9.41", "12.1", True, "measured 2026-01-01: by hand"),
        ("12.9.41.0", "12.1", True, "measured"),  # the same version, written differently
        ("12.9.50", "12.1", True, "12.9.41 and 12.9.86 were, on either side, and agree"),
        ("12.9.99", "12.1", True, "12.9.86 and 13.0.10"),
        ("12.9.0", "12.1", None, "NVRTC 12.9.0 was never measured for sm_121"),  # between no and yes
        ("12.9.0", "12.0", True, "on either side"),
        ("12.8.90", "12.1", None, "never measured"),  # before the oldest
        ("13.1.1", "12.1", None, "never measured"),  # after the newest
        ("13.0.10", "13.0", False, "measured"),
        ("13.0.20", "13.0", None, "never measured"),
        ("13.0.50", "13.0", True, "measured"),
        ("12.8.93", "13.0", None, "never measured"),  # this one was not asked for it
        ("12.9.41", "9.9", None, "never measured"),
        ("12.8", "12.1", False, "all measured of CUDA 12.8 agree: 12.8.93"),
        ("12.9", "12.1", True, "all measured of CUDA 12.9 agree: 12.9.41, 12.9.86"),
        ("13.0", "13.0", None, "no NVRTC of CUDA 13.0 was measured"),  # they differ
        ("13.1", "12.1", None, "no NVRTC of CUDA 13.1 was measured"),
        ("13", "12.1", True, "12.9.86 and 13.0.10"),
        ("new", "12.1", None, "'new' is no version"),
        ("9" * 5000, "12.1", None, "is no version"),
    ],
)
def test_look_up(version: str, sm: str, compiles: bool | None, how: str) -> None:  # noqa: FBT001
    found = look_up(SMALL, version, ComputeCapability.parse(sm))
    assert found.compiles is compiles
    assert how in found.how


def test_an_empty_table_knows_nothing() -> None:
    assert look_up(NvrtcTable(), "12.8.93", GB10).compiles is None
    assert look_up(NvrtcTable(), "12.8", GB10).compiles is None


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    for table in (TABLE, SMALL, NvrtcTable(), NvrtcTable(nvrtc=(row("1.0", "", ""),))):
        path.write_text(table_text(table), encoding="utf-8")
        assert load_nvrtc(path) == table


def test_a_row_replaces_an_older_one_and_keeps_the_order() -> None:
    table = with_row(SMALL, row("12.9.5", "sm_121"))
    assert [one.version for one in table.nvrtc][:3] == ["12.8.93", "12.9.5", "12.9.41"]
    again = with_row(table, row("12.9.5", "", "sm_121"))
    assert len(again.nvrtc) == len(table.nvrtc)
    assert look_up(again, "12.9.5", GB10).compiles is False


@pytest.mark.parametrize(
    "text", ["[[nvrtc", "nvrtc = 'x'", "[[nvrtc]]\nversion = '1'", table_text(SMALL).replace("12.9.41", "12.9.x")]
)
def test_a_damaged_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.toml"
    path.write_text(text)
    with pytest.raises(IntegrityError) as caught:
        load_nvrtc(path)
    assert caught.value.reference in {"bad-table", "bad-record"}
