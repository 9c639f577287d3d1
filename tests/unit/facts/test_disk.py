from __future__ import annotations

from pathlib import Path

from scripts.facts.disk import disk_facts, nearest_existing


def test_a_root_that_is_not_made_yet_is_measured_where_it_would_be(tmp_path: Path) -> None:
    facts = disk_facts(tmp_path / "not" / "yet")
    assert facts.path == str(tmp_path)
    assert 0 < facts.free <= facts.total
    assert facts.writable


def test_a_file_in_the_way_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert nearest_existing(tmp_path / "file" / "below") == tmp_path


def test_a_relative_path_ends_somewhere() -> None:
    assert nearest_existing(Path("surely/not/here")) == Path()
