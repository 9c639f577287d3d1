from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from scripts.errors import IntegrityError
from scripts.home import CONSTRAINTS
from scripts.model.target import GB10, ComputeCapability
from scripts.wheels.architectures import parse_architecture
from scripts.wheels.triton import TritonTable, assembles, load_triton, look_up, table_text, with_row

TRITON = CONSTRAINTS / "triton.toml"
HOPPER = ComputeCapability(9, 0)
ADA = ComputeCapability(8, 9)
B200 = ComputeCapability(10, 0)
THOR = ComputeCapability(11, 0)


@pytest.fixture(scope="module")
def table() -> TritonTable:
    return load_triton(TRITON)


@pytest.mark.parametrize(
    ("version", "capability", "answer"),
    [
        ("3.1.0", ADA, True),
        ("3.1.0", HOPPER, True),
        ("3.1.0", GB10, False),
        ("3.3.1", GB10, False),  # its ptxas-blackwell is 12.8
        ("3.3.1", B200, True),
        ("3.5.1", GB10, False),
        ("3.5.1", ComputeCapability(12, 0), True),
        ("3.6.0", GB10, True),
        ("3.6.0", THOR, False),
        ("3.7.1", THOR, True),
        ("3.9.0", GB10, True),
        ("3.9", GB10, True),
        ("3.9.0", ADA, True),
        ("3.9.1", GB10, None),
        ("3.0.0", GB10, None),
        ("3.9.0", ComputeCapability(7, 0), None),  # nobody tried
        ("nonsense", GB10, None),
        ("9" * 5000, GB10, None),
    ],
)
def test_what_a_release_assembles_for(
    table: TritonTable, version: str, capability: ComputeCapability, *, answer: bool | None
) -> None:
    assert assembles(table, version, capability) is answer


def test_the_evidence_names_the_assembler_that_is_taken(table: TritonTable) -> None:
    assert "its ptxas-blackwell 12.9.86 assembles for sm_121a; measured 2026-11" in look_up(table, "3.6.0", GB10).how
    assert "its ptxas 12.8.93 does not know sm_121a; measured" in look_up(table, "3.5.1", GB10).how
    assert "its ptxas-blackwell 13.4.59 assembles for sm_90a" in look_up(table, "3.9.0", HOPPER).how
    assert "its ptxas 12.4.99 does not know sm_120;" in look_up(table, "3.2.0", ComputeCapability(12, 0)).how
    assert look_up(table, "4.0", GB10).how == "Triton 4.0 was never measured"


def test_every_row_is_dated_sorted_and_whole(table: TritonTable) -> None:
    versions = [Version(row.version) for row in table.triton]
    assert versions == sorted(set(versions))
    for row in table.triton:
        dt.date.fromisoformat(row.measured)
        assert f"triton=={row.version}" in row.how
        names = [one.name for one in row.assemblers]
        assert names == (["ptxas"] if row.blackwell_from is None else ["ptxas", "ptxas-blackwell"])
        for one in row.assemblers:
            Version(one.version)
            assert not set(one.knows) & set(one.refuses)
            assert [parse_architecture(name)[1] for name in one.knows]


def test_the_table_is_as_it_is_written(table: TritonTable) -> None:
    assert table_text(table) == TRITON.read_text(encoding="utf-8")


def test_a_new_row_takes_the_old_one_s_place(table: TritonTable) -> None:
    row = replace(table.triton[3], measured="2027-01-01")
    again = with_row(table, row)
    assert [one.version for one in again.triton] == [one.version for one in table.triton]
    assert again.triton[3].measured == "2027-01-01"


def test_a_row_without_the_assembler_that_is_taken_says_nothing(table: TritonTable) -> None:
    row = replace(table.triton[-1], assemblers=table.triton[-1].assemblers[:1])
    assert assembles(TritonTable(triton=(row,)), row.version, GB10) is None


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "triton.toml"
    path.write_text('[[triton]]\nversion = "3.9.0"\n')
    with pytest.raises(IntegrityError, match=r"triton\.toml"):
        load_triton(path)
