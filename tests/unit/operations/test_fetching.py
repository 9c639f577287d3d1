from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from scripts.errors import IntegrityError
from scripts.operations.fetching import fetch_wheel, forget_wheel, scratch
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.pages import index_file


def test_a_scratch_folder_goes_with_its_content(tmp_path: Path) -> None:
    with scratch(context(tmp_path, PC)) as folder:
        (folder / "library").write_bytes(b"x")
        assert folder.is_relative_to(tmp_path / "data" / "cache")
    assert not folder.exists()


def test_what_a_killed_run_left_is_removed_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    place = tmp_path / "data" / "cache" / "scratch"
    for name, age in (("killed", 7200), ("living", 60)):
        (place / name).mkdir(parents=True)
        (place / name / "library").write_bytes(b"x")
        os.utime(place / name, (time.time() - age,) * 2)
    with scratch(context(tmp_path, PC)):
        pass
    assert [path.name for path in place.iterdir()] == ["living"]


@pytest.mark.parametrize("alone", [True, False])
def test_forgetting_a_wheel_leaves_no_empty_folder(tmp_path: Path, *, alone: bool) -> None:
    wheel = tmp_path / "0123" / "foo.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"x")
    if not alone:
        (wheel.parent / "other.whl").write_bytes(b"x")
    forget_wheel(wheel)
    assert wheel.parent.exists() is not alone
    assert not wheel.exists()


@pytest.mark.parametrize("sha256", [None, "", "../../../../../x", "ab" * 31, "g" * 64])
def test_what_is_no_hash_is_no_part_of_a_path(tmp_path: Path, sha256: str | None) -> None:
    file = dataclasses.replace(index_file("torch-2.15.0-py3-none-any.whl"), sha256=sha256)
    with pytest.raises(IntegrityError) as caught:
        fetch_wheel(file, context(tmp_path, PC))
    assert caught.value.reference == "no-hash"
    assert list(tmp_path.iterdir()) == []
