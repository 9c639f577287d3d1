"""What is made once: whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.home import Home
from tests.simulated_gpu.kept import kept, shelf_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home")


def write(folder: Path) -> None:
    (folder / "file").write_text("whole")


def never(folder: Path) -> None:
    raise AssertionError("it was made already")


def fail(folder: Path) -> None:
    write(folder)
    raise ValueError("half-way")


def test_it_is_made_once(home: Home) -> None:
    place = kept("thing", "recipe", home, write)
    assert (place / "file").read_text() == "whole"
    assert kept("thing", "recipe", home, never) == place


def test_another_recipe_is_another_folder(home: Home) -> None:
    assert kept("thing", "one", home, write) != kept("thing", "other", home, write)


def test_what_fails_leaves_nothing_under_its_name(home: Home) -> None:
    with pytest.raises(ValueError, match="half-way"):
        kept("thing", "recipe", home, fail)
    assert [path.suffix for path in shelf_of(home).iterdir()] == [".part"]


def test_what_a_killed_run_left_is_no_part_of_it(home: Home) -> None:
    with pytest.raises(ValueError, match="half-way"):
        kept("thing", "recipe", home, fail)
    place = kept("thing", "recipe", home, lambda folder: (folder / "other").touch())
    assert [path.name for path in place.iterdir()] == ["other"]
    assert list(shelf_of(home).iterdir()) == [place]
