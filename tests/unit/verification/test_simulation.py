from __future__ import annotations

from scripts.verification.simulation import ROWS, markdown_table, simulation_lines


def test_both_kinds_are_told_each_once() -> None:
    assert {row.proved for row in ROWS} == {True, False}
    assert len({row.subject for row in ROWS}) == len(ROWS)
    assert all(row.text and not row.text.endswith(".") for row in ROWS)


def test_the_table_has_a_line_for_each() -> None:
    head, rule, *lines = markdown_table().splitlines()
    assert (head.count("|"), rule) == (4, "|---|---|---|")
    assert len(lines) == len(ROWS)
    for row, line in zip(ROWS, lines, strict=True):
        assert "|" not in row.subject + row.text
        assert line == f"| {row.subject} | {'yes' if row.proved else 'no'} | {row.text} |"


def test_in_lines() -> None:
    lines = simulation_lines(ROWS)
    assert lines[0].startswith("proves torch: ")
    assert any(line.startswith("does not prove speed: ") for line in lines)
