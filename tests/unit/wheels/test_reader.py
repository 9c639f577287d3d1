"""What is read of a wheel once is not read again."""

from __future__ import annotations

import dataclasses
import html
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from scripts.errors import IntegrityError, NoCandidateError
from scripts.model.wheels import Candidate, CudaBuild, IndexFile
from scripts.wheels.builtfor import MEMBER
from scripts.wheels.index import Index
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.reader import WheelReader
from scripts.wheels.shelf import Shelf
from scripts.wheels.writer import metadata_text, wheel_bytes
from tests.support.machines import SPARK_TARGET
from tests.support.pages import Page, ScriptedWeb, index_file

URL = "https://index.example/simple"
TORCH = index_file("torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl")
TEXT = metadata_text("torch", "2.15.0", ("Requires-Dist", "cuda-toolkit[nvrtc]==13.2.2"))
TOOLKITS = ("13.2.1", "13.2.2", "13.3.0")


def toolkit(version: str) -> tuple[str, str]:
    text = metadata_text(
        "cuda-toolkit", version, ("Requires-Dist", f"nvidia-cuda-nvrtc=={version}4.*; extra == 'nvrtc'")
    )
    return f"cuda_toolkit-{version}-py3-none-any.whl", text


def pages(url: str = URL) -> dict[str, Page | bytes]:
    links = "".join(
        f'<a href="/files/{html.escape(name)}#sha256={"b" * 64}">{name}</a>' for name, _ in map(toolkit, TOOLKITS)
    )
    made: dict[str, Page | bytes] = {TORCH.metadata_url: TEXT.encode()}
    made[f"{url}/cuda-toolkit/"] = links.encode()
    for name, text in map(toolkit, TOOLKITS):
        made[f"https://{url.split('/')[2]}/files/{name}.metadata"] = text.encode()
    return made


def reader(web: ScriptedWeb, folder: Path | None, url: str = URL) -> WheelReader:
    shelf = Shelf(folder)
    return WheelReader(Index(url, web.get), web, shelf)


def build(web: ScriptedWeb, folder: Path | None, url: str = URL) -> CudaBuild:
    return reader(web, folder, url).build(Candidate(file=TORCH, version="2.15.0"), SPARK_TARGET)


def test_metadata_is_read_once_per_hash(tmp_path: Path) -> None:
    web = ScriptedWeb(pages())
    first = reader(web, tmp_path).metadata(TORCH)
    assert reader(web, tmp_path).metadata(TORCH) == first == TEXT
    assert len(web.seen) == 1
    reader(web, tmp_path).metadata(dataclasses.replace(TORCH, sha256="1" * 64))
    assert len(web.seen) == 2


def test_only_the_fields_are_kept(tmp_path: Path) -> None:
    windows = TEXT.replace("\n", "\r\n") + "\r\nA description\r\nof many lines\r\n"
    web = ScriptedWeb({TORCH.metadata_url: windows.encode()})
    assert reader(web, tmp_path).metadata(TORCH) == TEXT
    assert "description" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


@pytest.mark.parametrize("shelf", [True, False])
def test_nothing_is_kept_without_a_hash_or_a_shelf(tmp_path: Path, *, shelf: bool) -> None:
    web = ScriptedWeb(pages())
    file = dataclasses.replace(TORCH, sha256=None) if shelf else TORCH
    for _ in range(2):
        reader(web, tmp_path if shelf else None).metadata(file)
    assert len(web.seen) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_fails_is_not_kept(tmp_path: Path) -> None:
    wrong = ScriptedWeb({TORCH.metadata_url: metadata_text("other", "1.0").encode()})
    with pytest.raises(IntegrityError):
        reader(wrong, tmp_path).metadata(TORCH)
    assert reader(ScriptedWeb(pages()), tmp_path).metadata(TORCH) == TEXT


def test_an_exactly_pinned_release_is_remembered_without_its_page(tmp_path: Path) -> None:
    web = ScriptedWeb(pages())
    first = build(web, tmp_path)
    assert (first.cuda, first.nvrtc, first.nvrtc_package) == ("13.2", "13.2.24", "nvidia-cuda-nvrtc")
    assert len(web.seen) == 3
    assert build(web, tmp_path) == first
    assert len(web.seen) == 3


@pytest.mark.parametrize(
    ("specifier", "found"), [("<13.3,>=13.2", "13.2.2"), ("==13.2.*", "13.2.2"), ("~=13.2.0", "13.2.2")]
)
def test_one_that_is_not_pinned_is_looked_up_on_its_page(tmp_path: Path, specifier: str, found: str) -> None:
    web = ScriptedWeb(pages())
    for count in (2, 3):  # the page each time, its metadata once
        text = reader(web, tmp_path).release(
            "cuda-toolkit", SpecifierSet(specifier), SPARK_TARGET, needed_by=TORCH.filename
        )
        assert f"Version: {found}\n" in text
        assert len(web.seen) == count
    newer = "cuda_toolkit-13.2.9-py3-none-any.whl"
    made = pages()
    made[f"{URL}/cuda-toolkit/"] = f'<a href="/files/{newer}">{newer}</a>'.encode()
    made[f"https://index.example/files/{newer}.metadata"] = metadata_text("cuda-toolkit", "13.2.9").encode()
    text = reader(ScriptedWeb(made), tmp_path).release(
        "cuda-toolkit", SpecifierSet(specifier), SPARK_TARGET, needed_by=TORCH.filename
    )
    assert "Version: 13.2.9\n" in text


def test_of_an_index_with_credentials_a_release_is_not_remembered(tmp_path: Path) -> None:
    url = "https://user:secret@index.example/simple"
    web = ScriptedWeb(pages(url))
    build(web, tmp_path, url)
    asked = len(web.seen)
    build(web, tmp_path, url)
    assert len(web.seen) == asked + 1  # the page again
    assert "secret" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


def test_another_index_may_have_another_release(tmp_path: Path) -> None:
    build(ScriptedWeb(pages()), tmp_path)
    web = ScriptedWeb()
    with pytest.raises(NoCandidateError) as caught:
        build(web, tmp_path, "https://mirror.example/simple")
    assert caught.value.reference == "project-not-found"


def test_a_release_that_is_not_there(tmp_path: Path) -> None:
    made = pages()
    made[f"{URL}/cuda-toolkit/"] = b'<a href="/cuda_toolkit-1.0-py3-none-any.whl">cuda_toolkit-1.0-py3-none-any.whl</a>'
    with pytest.raises(NoCandidateError, match=r"torch-2\.15\.0-.* needs cuda-toolkit==13\.2\.2") as caught:
        build(ScriptedWeb(made), tmp_path)
    assert caught.value.reference == "no-solution"
    assert "1.0" in caught.value.context
    assert caught.value.hint


def wheel(stated: bytes) -> bytes:
    return wheel_bytes(name="torch", version="2.15.0", files={MEMBER: stated}, metadata=TEXT)


@pytest.mark.parametrize("stated", ["sm_80 sm_120", ""])
@pytest.mark.parametrize("announced", [True, False])
def test_what_it_was_built_for_is_read_once(tmp_path: Path, stated: str, *, announced: bool) -> None:
    data = wheel(b"\0" + stated.encode() + b"\0")
    file = dataclasses.replace(TORCH, size=len(data) if announced else None)
    web = ScriptedWeb({file.url: data})
    remote = MeteredRemote(web, max_requests=9, max_bytes=1_000_000)
    assert reader(web, tmp_path).built_for(file, remote) == (stated or None)
    asked = remote.requests
    assert asked == (2 if announced else 3)
    assert reader(web, tmp_path).built_for(file, remote) == (stated or None)
    assert remote.requests == asked
    unhashed = dataclasses.replace(file, sha256=None)
    assert reader(web, tmp_path).built_for(unhashed, remote) == (stated or None)
    assert remote.requests == 2 * asked


def test_a_doubted_shelf_is_renewed(tmp_path: Path) -> None:
    build(ScriptedWeb(pages()), tmp_path)
    made = pages()
    made["https://index.example/files/cuda_toolkit-13.2.2-py3-none-any.whl.metadata"] = metadata_text(
        "cuda-toolkit", "13.2.2", ("Requires-Dist", "nvidia-cuda-nvrtc==13.2.99; extra == 'nvrtc'")
    ).encode()
    web = ScriptedWeb(made)
    candidate = Candidate(file=TORCH, version="2.15.0")
    doubting = WheelReader(Index(URL, web.get), web, Shelf(tmp_path).doubt())
    assert doubting.build(candidate, SPARK_TARGET).nvrtc == "13.2.99"
    assert build(ScriptedWeb(), tmp_path).nvrtc == "13.2.99"


def test_a_file_that_is_no_wheel_has_no_list(tmp_path: Path) -> None:
    file: IndexFile = dataclasses.replace(TORCH, size=9000)
    web = ScriptedWeb({file.url: b"not a zip" * 1000})
    with pytest.raises(IntegrityError) as caught:
        reader(web, tmp_path).built_for(file, MeteredRemote(web, max_requests=9, max_bytes=1_000_000))
    assert caught.value.reference == "bad-wheel"
    assert not zipfile.is_zipfile(tmp_path)
