from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.wheels.shelf import Shelf


@dataclass(frozen=True, kw_only=True)
class Value:
    name: str
    number: int | None = None


ONE = Value(name="één", number=1)


def only_file(folder: Path) -> Path:
    (found,) = [path for path in folder.rglob("*") if path.is_file()]
    return found


def test_what_was_put_is_taken_by_another_shelf(tmp_path: Path) -> None:
    Shelf(tmp_path / "new").put("kind", "a key", ONE)
    assert Shelf(tmp_path / "new").take("kind", "a key", Value) == ONE
    assert only_file(tmp_path).parent.name == "kind"


def test_kinds_and_keys_are_apart(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("kind", "key", ONE)
    assert shelf.take("kind", "other", Value) is None
    assert shelf.take("other", "key", Value) is None


def test_texts_and_empty_texts(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("kind", "key", "")
    assert shelf.take("kind", "key", str) == ""
    shelf.put("kind", "key", "newer")
    assert shelf.take("kind", "key", str) == "newer"


def test_no_folder_keeps_nothing() -> None:
    shelf = Shelf(None)
    shelf.put("kind", "key", ONE)
    assert shelf.take("kind", "key", Value) is None
    assert shelf.doubt().take("kind", "key", Value) is None


def test_a_doubted_one_gives_nothing_and_takes_what_is_new(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("kind", "key", "old")
    doubted = shelf.doubt()
    assert doubted.take("kind", "key", str) is None
    doubted.put("kind", "key", "new")
    assert shelf.take("kind", "key", str) == "new"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 200_000,
        b'{"schema": 1, "value": {"name": "x"}}',
        b'{"schema": 1, "key": "other", "value": {"name": "x"}}',
        b'{"schema": 99, "key": "key", "value": {"name": "x"}}',
        b'{"schema": 1, "key": "key"}',
        b'{"schema": 1, "key": "key", "value": "x"}',
        b'{"schema": 1, "key": "key", "value": {"name": null}}',
        b'{"schema": 1, "key": "key", "value": {"name": "x", "stranger": 1}}',
    ],
    ids=lambda data: data[:40].decode("latin-1"),
)
def test_a_damaged_or_foreign_file_is_passed_over_and_replaced(tmp_path: Path, data: bytes) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("kind", "key", ONE)
    only_file(tmp_path).write_bytes(data)
    assert shelf.take("kind", "key", Value) is None
    shelf.put("kind", "key", ONE)
    assert shelf.take("kind", "key", Value) == ONE


def test_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("kind", "key", ONE)
    path = only_file(tmp_path)
    path.unlink()
    path.mkdir()
    assert shelf.take("kind", "key", Value) is None
    shelf.put("kind", "key", ONE)
    assert path.is_dir()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    shelf = Shelf(tmp_path / "file" / "shelf")
    shelf.put("kind", "key", ONE)
    assert shelf.take("kind", "key", Value) is None


def test_text_that_no_file_can_hold_is_not_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("kind", "key", Value(name="\ud800"))
    assert shelf.take("kind", "key", Value) is None
    assert list((tmp_path / "kind").iterdir()) == []


def test_files_say_what_they_are_for(tmp_path: Path) -> None:
    Shelf(tmp_path).put("kind", "torch-2.15.0.whl abc", "text")
    assert json.loads(only_file(tmp_path).read_text())["key"] == "torch-2.15.0.whl abc"
