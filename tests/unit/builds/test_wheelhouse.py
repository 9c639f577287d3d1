"""The wheelhouse: what is found, what is refused, and that its pages follow its stamps."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from scripts.builds.wheelhouse import Wheelhouse
from scripts.errors import BuildError, DiskError, IntegrityError
from scripts.model.builds import Published, TagChoice
from scripts.wheels.writer import metadata_text, write_wheel
from tests.unit.builds.plans import plan

TAG = TagChoice(tag="linux_aarch64", reason="made up")


def wheel(folder: Path, *, content: bytes = b"1", name: str = "demo-ext", version: str = "1.0+sm121a") -> Path:
    metadata = metadata_text(name, version, ("Requires-Python", ">=3.10"))
    files = {"demo/__init__.py": content}
    return write_wheel(
        folder, name=name, version=version, files=files, metadata=metadata, tag="cp312-cp312-linux_aarch64"
    )


def publish(house: Wheelhouse, path: Path, **said: str) -> Published:
    return house.publish(path, plan=plan(**said), provenance={"made": "up"}, tag=TAG)  # type: ignore[arg-type]


@pytest.fixture
def house(tmp_path: Path) -> Wheelhouse:
    return Wheelhouse(tmp_path / "wheelhouse")


def test_nothing_is_made_by_looking(house: Wheelhouse) -> None:
    assert (house.find("0" * 64), house.wheels(), house.root.exists()) == (None, (), False)


def test_published_then_found(house: Wheelhouse, tmp_path: Path) -> None:
    path = wheel(tmp_path)
    made = publish(house, path)
    assert house.find(plan().stamp) == made
    assert house.wheels() == (made,)
    assert (made.project, made.version, made.archs) == ("demo-ext", "1.0+sm121a", ("sm_121a",))
    assert house.require(made).read_bytes() == path.read_bytes()
    assert (house.root / "SHA256SUMS").read_text() == f"{made.sha256}  {made.wheel}\n"
    assert json.loads((house.root / made.provenance).read_text()) == {"made": "up"}


def test_the_pages(house: Wheelhouse, tmp_path: Path) -> None:
    made = publish(house, wheel(tmp_path))
    simple = house.root / "simple"
    assert '<a href="demo-ext/">demo-ext</a>' in (simple / "index.html").read_text()
    page = (simple / "demo-ext" / "index.html").read_text()
    told = hashlib.sha256((house.root / f"{made.wheel}.metadata").read_bytes()).hexdigest()
    assert f'href="../../files/demo-ext/{made.filename.replace("+", "%2B")}#sha256={made.sha256}"' in page
    assert f'data-core-metadata="sha256={told}"' in page
    assert 'data-requires-python="&gt;=3.10"' in page
    (file,) = json.loads((simple / "demo-ext" / "index.json").read_text())["files"]
    assert (file["filename"], file["hashes"]["sha256"], file["size"]) == (made.filename, made.sha256, made.size)
    assert json.loads((simple / "index.json").read_text())["projects"] == [{"name": "demo-ext"}]


def test_the_same_build_again_takes_its_own_place(house: Wheelhouse, tmp_path: Path) -> None:
    publish(house, wheel(tmp_path, content=b"1"))
    again = publish(house, wheel(tmp_path, content=b"2"))
    assert house.wheels() == (again,)
    assert house.require(again)


def test_another_build_of_the_same_name_is_refused(house: Wheelhouse, tmp_path: Path) -> None:
    first = publish(house, wheel(tmp_path, content=b"1"))
    with pytest.raises(BuildError) as caught:
        publish(house, wheel(tmp_path, content=b"2"), source="tree:" + "c" * 64)
    assert caught.value.reference == "same-name"
    assert first.stamp in caught.value.context
    assert house.require(first)


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_wheel_that_is_not_whole_is_not_found(house: Wheelhouse, tmp_path: Path, content: bytes | None) -> None:
    made = publish(house, wheel(tmp_path))
    target = house.root / made.wheel
    target.unlink() if content is None else target.write_bytes(content)
    assert house.find(made.stamp) is None


def test_a_wheel_of_another_content_is_not_given(house: Wheelhouse, tmp_path: Path) -> None:
    made = publish(house, wheel(tmp_path))
    target = house.root / made.wheel
    target.write_bytes(b"x" * target.stat().st_size)
    with pytest.raises(IntegrityError) as caught:
        house.require(made)
    assert caught.value.reference == "damaged-wheel"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"project": 1}'])
def test_a_stamp_that_cannot_be_read_is_passed_over(house: Wheelhouse, tmp_path: Path, text: str) -> None:
    made = publish(house, wheel(tmp_path))
    (house.root / "stamps" / f"{made.stamp}.json").write_text(text)
    assert (house.find(made.stamp), house.wheels()) == (None, ())
    assert publish(house, wheel(tmp_path)) == made


def test_pages_are_made_again_of_the_stamps(house: Wheelhouse, tmp_path: Path) -> None:
    publish(house, wheel(tmp_path))
    page = house.root / "simple" / "demo-ext" / "index.html"
    before = page.read_text()
    page.unlink()
    house.write_pages()
    assert page.read_text() == before


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError):
        Wheelhouse(tmp_path / "file").require_writable()
