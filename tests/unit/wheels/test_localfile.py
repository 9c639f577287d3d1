from __future__ import annotations

from pathlib import Path

from scripts.wheels.localfile import FetchedRemote
from scripts.wheels.rangefile import RangeFile
from tests.support.pages import ScriptedWeb

URL, OTHER = "https://index.example/files/demo.whl", "https://index.example/files/other.whl"
DATA = bytes(range(256)) * 1000


def test_one_file_comes_from_the_copy_and_the_rest_from_afar(tmp_path: Path) -> None:
    path = tmp_path / "demo.whl"
    path.write_bytes(DATA)
    web = ScriptedWeb({URL: b"what the server would say", OTHER: b"other"})
    remote = FetchedRemote(web, URL, path)
    assert (remote.size(URL), remote.size(OTHER)) == (len(DATA), 5)
    assert remote.read_range(URL, 10, 20) == DATA[10:20]
    assert remote.read_range(OTHER, 1, 3) == b"th"
    assert remote.get(URL).body == b"what the server would say"
    assert web.seen == [f"size {OTHER}", f"1-3 {OTHER}", URL]


def test_beyond_the_end_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "demo.whl"
    path.write_bytes(DATA)
    remote = FetchedRemote(ScriptedWeb(), URL, path)
    assert remote.read_range(URL, len(DATA) - 5, len(DATA) + 5) == DATA[-5:]
    assert remote.read_range(URL, len(DATA), len(DATA) + 5) == b""
    stream = RangeFile(remote.size(URL), lambda start, stop: remote.read_range(URL, start, stop))
    assert stream.read() == DATA
