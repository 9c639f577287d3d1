"""What is made once: whole or not at all."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from scripts.errors import DiskError
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
    assert list(shelf_of(home).iterdir()) == []
    assert (kept("thing", "recipe", home, write) / "file").exists()


def test_what_a_killed_run_left_is_swept(home: Home) -> None:
    place = kept("thing", "recipe", home, write)
    place.rename(place.with_name(f"{place.name}.99999999.part"))  # killed, and another process's number
    again = kept("thing", "recipe", home, lambda folder: (folder / "other").touch())
    assert again == place
    assert [path.name for path in place.iterdir()] == ["other"]
    assert list(shelf_of(home).iterdir()) == [place]


def test_a_full_disk_is_said(home: Home) -> None:
    def fill(folder: Path) -> None:
        write(folder)
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "file"))

    with pytest.raises(DiskError) as caught:
        kept("thing", "recipe", home, fill)
    assert caught.value.reference == "disk-full"
    assert list(shelf_of(home).iterdir()) == []


def test_of_two_at_once_the_second_waits_and_makes_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(folder: Path) -> None:
        begun.set()
        assert go_on.wait(60)
        write(folder)

    first = threading.Thread(target=kept, args=("thing", "recipe", home, slowly))
    first.start()
    assert begun.wait(60)
    threading.Timer(0.1, go_on.set).start()
    assert (kept("thing", "recipe", home, never) / "file").read_text() == "whole"
    first.join()
    assert "waiting for" in capsys.readouterr().err
