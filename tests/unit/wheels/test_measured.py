from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.errors import IntegrityError
from scripts.home import CONSTRAINTS
from scripts.model.target import GB10, ComputeCapability
from scripts.wheels.architectures import code_runs
from scripts.wheels.devicecode import DeviceCode, runs_on
from scripts.wheels.measured import (
    MeasuredTable,
    MeasuredWheel,
    find_measured,
    load_measured,
    table_text,
    with_row,
)

TABLE = load_measured(CONSTRAINTS / "devicecode.toml")
CUDA = [wheel for wheel in TABLE.wheels if wheel.cuda is not None]
CPU_ONLY = [wheel for wheel in TABLE.wheels if wheel.cuda is None]


def name_of(wheel: MeasuredWheel) -> str:
    return wheel.file


def real(torch: str, architecture: str) -> MeasuredWheel:
    (found,) = [wheel for wheel in TABLE.wheels if wheel.file.split("-")[1] == torch and architecture in wheel.file]
    return found


def main_of(wheel: MeasuredWheel) -> DeviceCode:
    assert wheel.main is not None
    return wheel.main


@pytest.mark.parametrize("wheel", CUDA, ids=name_of)
def test_torch_states_what_all_of_its_fatbins_hold(wheel: MeasuredWheel) -> None:
    main = main_of(wheel)
    everywhere = {name for name, count in {**main.cubins, **main.ptx}.items() if count == main.total}
    assert set(wheel.built_for.split()) == everywhere
    assert main.library == "libtorch_cuda.so"


@pytest.mark.parametrize("wheel", CPU_ONLY, ids=name_of)
def test_cpu_only_builds_hold_none(wheel: MeasuredWheel) -> None:
    assert (wheel.built_for, wheel.libraries, wheel.main) == ("", (), None)
    assert "aarch64" in wheel.file


@pytest.mark.parametrize("torch", ["2.5.1", "2.6.0", "2.7.1"])
def test_x86_64_before_blackwell(torch: str) -> None:
    main = main_of(real(torch, "x86_64"))
    assert main.ptx == {}
    for capability in (ComputeCapability(12, 0), GB10):
        assert not any(code_runs(name, capability) for name in main.cubins)
    assert {"sm_50", "sm_90"} <= set(main.cubins)


def test_x86_64_2_8_0() -> None:
    main = main_of(real("2.8.0", "x86_64"))
    assert real("2.8.0", "x86_64").built_for.split() == [
        "sm_70",
        "sm_75",
        "sm_80",
        "sm_86",
        "sm_90",
        "sm_100",
        "sm_120",
    ]
    assert main.ptx == {}
    assert runs_on(main, GB10).runs


@pytest.mark.parametrize(
    ("torch", "total", "cuda"),
    [("2.11.0", 444, "13.0"), ("2.13.0", 449, "13.0"), ("2.14.1", 475, "13.0"), ("2.15.0", 476, "13.2")],
)
def test_aarch64(torch: str, total: int, cuda: str) -> None:
    wheel = real(torch, "aarch64")
    main = main_of(wheel)
    assert (main.total, main.cubins["sm_120"], main.cubins["sm_121a"], main.ptx) == (total, total, 1, {})
    assert (wheel.built_for, wheel.cuda) == ("sm_80 sm_90 sm_100 sm_110 sm_120", cuda)


@pytest.mark.parametrize("torch", ["2.5.1", "2.9.1", "2.10.0"])
def test_aarch64_without_cuda(torch: str) -> None:
    assert real(torch, "aarch64").cuda is None


def test_the_table_is_as_the_command_writes_it() -> None:
    path = CONSTRAINTS / "devicecode.toml"
    assert table_text(TABLE) == path.read_text(encoding="utf-8")
    hashes = [wheel.sha256 for wheel in TABLE.wheels]
    assert len(set(hashes)) == len(hashes)
    assert all(len(one) == 64 for one in hashes)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    path.write_text(table_text(TABLE), encoding="utf-8")
    assert load_measured(path) == TABLE


SPARK = "manylinux_2_28_aarch64"
ROW = MeasuredWheel(
    file=f"torch-2.15.0-cp312-cp312-{SPARK}.whl",
    sha256="a" * 64,
    cuda="13.2",
    built_for="sm_120",
    measured="2026-01-01",
    how="by hand",
    libraries=(DeviceCode(library="libtorch_cuda.so", fatbins={"sm_120": 2, "sm_90 compute_90": 1}),),
)
CPU = MeasuredWheel(
    file=f"torch-2.9.1-cp312-cp312-{SPARK}.whl", sha256="c" * 64, measured="2026-01-01", how='"by" \\ hand'
)
SMALL = MeasuredTable(wheels=(ROW, CPU))


@pytest.mark.parametrize(
    ("filename", "sha256", "cuda", "expected"),
    [
        (ROW.file, ROW.sha256, "13.2", ROW),
        ("anything at all.whl", ROW.sha256, None, ROW),  # by its hash alone
        (ROW.file, "b" * 64, "13.2", ROW),
        (ROW.file, None, "13.2", ROW),
        (f"torch-2.15.0-cp310-cp310-{SPARK}.whl", None, "13.2", ROW),  # another Python
        (f"torch-2.15.0-1-cp312-cp312-{SPARK}.whl", None, "13.2", ROW),  # built again
        (f"torch-2.15.0+cu132-cp312-cp312-{SPARK}.whl", None, "13.2", ROW),  # a lane's
        ("torch-2.15.0-cp312-cp312-manylinux2014_aarch64.whl", None, "13.2", ROW),
        ("torch-2.15.0-cp312-cp312-linux_aarch64.whl", None, "13.2", ROW),
        (f"torch-2.15.0+cu130-cp312-cp312-{SPARK}.whl", None, "13.0", None),  # another CUDA
        (ROW.file, None, None, None),
        (f"torch-2.15.1-cp312-cp312-{SPARK}.whl", None, "13.2", None),
        (f"torch-2.15.0.dev20260101-cp312-cp312-{SPARK}.whl", None, "13.2", None),
        ("torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl", None, "13.2", None),
        (f"torchaudio-2.15.0-cp312-cp312-{SPARK}.whl", None, "13.2", None),
        ("torch-2.15.0.tar.gz", None, "13.2", None),
        (CPU.file, None, None, CPU),
        (f"torch-2.9.1+cpu-cp311-cp311-{SPARK}.whl", None, None, CPU),
    ],
)
def test_find(filename: str, sha256: str | None, cuda: str | None, expected: MeasuredWheel | None) -> None:
    assert find_measured(SMALL, filename, sha256, cuda) == expected


def test_the_main_library_is_the_one_with_the_most() -> None:
    small = DeviceCode(library="small.so", fatbins={"sm_120": 1})
    assert dataclasses.replace(ROW, libraries=(small, *ROW.libraries)).main == ROW.libraries[0]
    assert CPU.main is None


def test_a_row_replaces_an_older_one_and_keeps_the_order(tmp_path: Path) -> None:
    newer = dataclasses.replace(ROW, measured="2026-02-02")
    table = with_row(with_row(MeasuredTable(), CPU), ROW)
    assert [wheel.file for wheel in table.wheels] == [ROW.file, CPU.file]  # newest release first: 2.15 is above 2.9
    table = with_row(table, newer)
    assert table.wheels == (newer, CPU)
    path = tmp_path / "table.toml"
    path.write_text(table_text(table), encoding="utf-8")
    assert load_measured(path) == table


@pytest.mark.parametrize(
    "text",
    [
        "[[wheels",
        "wheels = 1",
        "[[wheels]]\nfile = 'torch.whl'",
        "stranger = 1",
        table_text(SMALL).replace(ROW.file, "torch.whl"),
        table_text(SMALL).replace('"sm_90 compute_90"', '"sm_ninety"'),
    ],
)
def test_a_damaged_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.toml"
    path.write_text(text)
    with pytest.raises(IntegrityError) as caught:
        load_measured(path)
    assert caught.value.reference in {"bad-table", "bad-record"}
    assert str(path) in caught.value.message


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        load_measured(tmp_path / "table.toml")
    assert caught.value.reference == "bad-table"
