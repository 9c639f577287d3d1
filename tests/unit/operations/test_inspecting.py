"""Passports of hand-built wheels: real small libraries inside, read from a file or through scripted ranges."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode, IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CONSTRAINTS
from scripts.model.facts import IndexSettings
from scripts.model.target import GB10, Target
from scripts.operations.context import Context
from scripts.operations.inspecting import Inspected, inspect_wheel
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.measured import MeasuredTable, MeasuredWheel, table_text
from scripts.wheels.metering import MAX_BYTES, MAX_REQUESTS
from scripts.wheels.passport import Fit, LibraryPassport
from scripts.wheels.writer import metadata_text
from tests.support.contexts import context
from tests.support.index_server import make_wheel
from tests.support.machines import PC, SPARK_TARGET
from tests.support.pages import Page, ScriptedWeb

FATBINS = Path(__file__).parents[2] / "data" / "fatbins"


def for_spark(name: str) -> bytes:
    """One of the libraries, with aarch64 as its machine: they were made on another."""
    data = (FATBINS / name).read_bytes()
    return data[:18] + (183).to_bytes(2, "little") + data[20:] if data.startswith(b"\x7fELF") else data


PLAIN = for_spark("plain.so")
HOPPER = for_spark("hopper.so")
TAG = "cp312-cp312-manylinux_2_28_aarch64"
INDEX = "https://default.example/simple"
TOOLKIT = "cuda-toolkit[cudart,nvrtc]==13.2.2"
FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=INDEX))


@dataclasses.dataclass
class Server(ScriptedWeb):
    """Serves ranges, or none; downloads are copies, checked as the real ones are."""

    ranges: bool = True

    def size(self, url: str) -> int:
        self._require_ranges()
        return super().size(url)

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        self._require_ranges()
        return super().read_range(url, start, stop)

    def _require_ranges(self) -> None:
        if not self.ranges:
            raise NetworkError("no parts", reference="no-range-support")

    def download(self, url: str, destination: Path, *, sha256: str, size: int | None, description: str) -> Path:
        data = self._bytes(url)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (sha256, size or len(data))
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(data)
        return destination


def toolkit_pages() -> dict[str, Page | bytes]:
    """The one requirement that is followed."""
    name = "cuda_toolkit-13.2.2-py2.py3-none-any.whl"
    link = f'<a href="/files/{name}">{name}</a>'
    text = metadata_text("cuda-toolkit", "13.2.2", ("Requires-Dist", "nvidia-cuda-nvrtc==13.2.86.*; extra == 'nvrtc'"))
    return {
        f"{INDEX}/cuda-toolkit/": Page(url=f"{INDEX}/cuda-toolkit/", body=link.encode()),
        f"https://default.example/files/{name}.metadata": text.encode(),
    }


def torch(folder: Path, *libraries: str, files: Mapping[str, bytes] | None = None, tag: str = TAG) -> Path:
    """A wheel with real small libraries under torch's names. What NVRTC it has is for the toolkit to say."""
    content = {f"torch/lib/{name}": for_spark(name) for name in libraries}
    content |= {"torch/__init__.py": b"", **(files or {})}
    return make_wheel(folder, "torch", "2.15.0", tag, requires=[TOOLKIT, "triton~=3.9.0"], files=content)


def inspect(what: str | Path, made: Context, *, target: Target = SPARK_TARGET, **options: Any) -> Inspected:
    return inspect_wheel(str(what), made, sm=GB10, target=target, **options)


@pytest.fixture
def here(tmp_path: Path) -> Context:
    return context(tmp_path, FACTS, web=Server(toolkit_pages()))


def library(found: Inspected, name: str) -> LibraryPassport:
    return next(one for one in found.passport.libraries if one.library.endswith(name))


def test_a_wheel_that_is_here(tmp_path: Path, here: Context) -> None:
    path = torch(tmp_path, "plain.so", "compressed.so")
    found = inspect(path, here, report_folder=tmp_path / "report")
    passport = found.passport
    assert (found.exit_code, passport.problems) == (ExitCode.OK, ())
    assert (passport.name, passport.version, passport.tags, passport.fits) == ("torch", "2.15.0", (TAG,), True)
    assert (passport.cuda, passport.lane, passport.nvrtc, passport.triton) == ("13.2", "cu132", "13.2.86", "3.9.0")
    assert passport.nvrtc_compiles
    assert passport.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert passport.size == path.stat().st_size
    assert library(found, "plain.so").fit is Fit.RUNS
    assert library(found, "plain.so").cubins == {"sm_80": 1, "sm_90": 1, "sm_120": 1, "sm_121a": 1}
    assert library(found, "plain.so").ptx == {"compute_120": 1, "compute_121a": 1}
    assert library(found, "compressed.so").fit is Fit.SAME_MAJOR
    assert library(found, "compressed.so").cubins == {"sm_90a": 1, "sm_100f": 1, "sm_120f": 1}
    assert library(found, "plain.so").known == "read here"
    assert json.loads((tmp_path / "report" / "passport.json").read_text())["schema"] == 1
    assert (tmp_path / "report" / "passport.txt").read_text().startswith(path.name)
    assert (tmp_path / "report" / "passport.html").read_text().startswith("<!DOCTYPE html>")
    assert not [one for one in here.home.cache.iterdir() if one.name.startswith("inspect-")]


def test_a_wheel_for_other_gpus_is_sound(tmp_path: Path, here: Context) -> None:
    found = inspect(torch(tmp_path, "hopper.so"), here)
    assert (found.exit_code, found.passport.fit) == (ExitCode.OK, Fit.NO)
    assert "none of 1 fatbins" in found.passport.why


def test_a_wheel_without_device_code_and_without_cuda(tmp_path: Path, here: Context) -> None:
    found = inspect(make_wheel(tmp_path, "demo", "1.0"), here)
    passport = found.passport
    assert (found.exit_code, passport.fit, passport.why) == (
        ExitCode.OK,
        None,
        "no libraries: nothing to run on a GPU",
    )
    assert (passport.cuda, passport.lane, passport.driver) == (None, None, None)


def test_another_platform_is_said_with_its_reason(tmp_path: Path, here: Context) -> None:
    passport = inspect(torch(tmp_path, "plain.so", tag="cp312-cp312-manylinux_2_28_x86_64"), here).passport
    assert passport.fits is False
    assert "wrong platform" in passport.fits_why


def test_what_nobody_brings(tmp_path: Path, here: Context) -> None:
    odd = PLAIN.replace(b"libgcc_s.so.1\0", b"libodd_.so.1\0\0")
    found = inspect(torch(tmp_path, files={"torch/lib/a.so": odd}), here)
    assert found.passport.libraries[0].missing == ("libodd_.so.1 (nobody known provides it)",)
    own = inspect(torch(tmp_path, files={"torch/lib/a.so": odd, "torch/lib/libodd_.so.1": PLAIN}), here)
    assert not any(one.missing for one in own.passport.libraries)


def _number(data: bytes, offset: int, value: int, size: int) -> bytes:
    start = data.index((0xBA55ED50).to_bytes(4, "little")) + offset
    return data[:start] + value.to_bytes(size, "little") + data[start + size :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_number(HOPPER, 4, 9, 2), "version 9"),
        (_number(HOPPER, 8, 1 << 40, 8), "beyond its section"),
        (_number(HOPPER, 16 + 28, 7, 4), "architecture 7, which is none"),
        (_number(HOPPER, 16 + 8, 1 << 50, 8), "beyond its fatbin"),
        (_number(HOPPER, 0, 1, 4), "no fatbin"),
        (HOPPER[:9000], "cannot be read as a library"),
    ],
)
def test_a_broken_library_is_a_problem_not_an_end(tmp_path: Path, here: Context, data: bytes, words: str) -> None:
    found = inspect(torch(tmp_path, "plain.so", files={"torch/lib/broken.so": data}), here)
    assert found.exit_code == ExitCode.INTEGRITY
    assert words in found.passport.problems[0]
    assert library(found, "broken.so").problem
    assert library(found, "plain.so").fit is Fit.RUNS  # the rest has its passport


def rewritten(
    path: Path, change: Callable[[str, bytes], bytes | None], method: int = zipfile.ZIP_DEFLATED, **options: Any
) -> Path:
    """Write a wheel again with its members changed, or left out."""
    copy = path.with_name("other") / path.name
    copy.parent.mkdir()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w", method) as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                with new.open(name, "w", **options) as stream:
                    stream.write(data)
    return copy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda name, data: data + b"\0" if name.endswith("n.so") else data,
            "a hash that is not RECORD's: torch/lib/pl",
        ),
        (
            lambda name, data: b"#" if name.endswith("t__.py") else data,
            "a hash that is not RECORD's: torch/__init__.py",
        ),
        (lambda name, data: data + b"\0" if name.endswith("t__.py") else data, "a wrong size"),
        (lambda name, data: None if name.endswith("t__.py") else data, "in RECORD, not in the wheel"),
        (lambda name, data: None if name.endswith("RECORD") else data, "it has 0 RECORD files"),
        (lambda name, data: None if name.endswith("WHEEL") else data, "it has 0 WHEEL files"),
        (lambda name, data: data * 2 if name.endswith("RECORD") else data, "more than once in RECORD"),
        (lambda name, data: b"../../x,,1\n" + data if name.endswith("RECORD") else data, "leads out of the wheel"),
        (lambda name, data: b"\xff\0" if name.endswith("RECORD") else data, "not in RECORD"),
    ],
)
def test_a_wheel_that_is_not_what_record_says(
    tmp_path: Path, here: Context, change: Callable[[str, bytes], bytes | None], words: str
) -> None:
    found = inspect(rewritten(torch(tmp_path, "plain.so"), change), here)
    assert found.exit_code == ExitCode.INTEGRITY
    assert any(words in problem for problem in found.passport.problems)
    assert library(found, "plain.so").fit is Fit.RUNS


def test_a_deflated_zip64_is_read(tmp_path: Path, here: Context) -> None:
    path = rewritten(torch(tmp_path, "plain.so"), lambda _, data: data, force_zip64=True)
    assert inspect(path, here).exit_code == ExitCode.OK


def _lying(data: bytes) -> bytes:
    """The directory says of the library that it is a thousand times as large as it is."""
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"torch/lib/plain.so"))
    return data[: place + 24] + (len(PLAIN) * 1000).to_bytes(4, "little") + data[place + 28 :]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"no zip at all" * 999,
        lambda data: data[:-100],
        lambda data: data.replace(b"torch-2.15.0.dist-info/METADATA", b"torch-2.15.0.dist-info/METADATX"),
    ],
)
def test_what_is_no_wheel(tmp_path: Path, here: Context, change: Callable[[bytes], bytes]) -> None:
    path = torch(tmp_path, "plain.so")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(IntegrityError, match=path.name) as caught:
        inspect(path, here)
    assert caught.value.reference == "bad-wheel"


@pytest.mark.parametrize("change", [_lying, lambda data: data[len(data) // 3 :]])
def test_a_directory_that_lies(tmp_path: Path, here: Context, change: Callable[[bytes], bytes]) -> None:
    path = rewritten(torch(tmp_path, "plain.so"), lambda _, data: data)
    path.write_bytes(change(path.read_bytes()))
    found = inspect(path, here)
    assert found.exit_code == ExitCode.INTEGRITY
    assert any("plain.so" in problem for problem in found.passport.problems)


def test_a_library_that_claims_more_than_is_ever_unpacked(
    tmp_path: Path, here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.wheels.libraries.LARGEST", 20_000)
    found = inspect(torch(tmp_path, "plain.so", "hopper.so"), here)
    assert "more than 20,000 are not unpacked" in library(found, "plain.so").problem
    assert library(found, "hopper.so").fit is Fit.NO


def test_more_libraries_than_are_ever_read(tmp_path: Path, here: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.wheels.libraries.MOST", 1)
    found = inspect(torch(tmp_path, "plain.so", "hopper.so"), here)
    assert "1 are enough" in library(found, "plain.so").problem
    assert library(found, "hopper.so").fit is Fit.NO


def test_no_space(tmp_path: Path, here: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)
    with pytest.raises(SparkError) as caught:
        inspect(torch(tmp_path, "plain.so"), here)
    assert (caught.value.reference, caught.value.exit_code) == ("disk-full", ExitCode.DISK)


@pytest.mark.parametrize("name", ["plain.so", "bare.fatbin", "hopper.so"])
def test_a_library_that_is_no_wheel(here: Context, name: str) -> None:
    found = inspect(FATBINS / name, here)
    assert (found.exit_code, found.passport.fits, found.passport.name) == (ExitCode.OK, None, None)
    expected = {"plain.so": Fit.RUNS, "bare.fatbin": Fit.SAME_MAJOR, "hopper.so": Fit.NO}
    assert found.passport.fit is expected[name]
    assert found.passport.libraries[0].missing == ()


def test_a_path_that_is_no_text(tmp_path: Path, here: Context) -> None:
    path = tmp_path / os.fsdecode(b"lib\xff.so")
    path.write_bytes(PLAIN)
    found = inspect(path, here, report_folder=tmp_path / "report")
    assert (found.passport.file, found.exit_code) == ("lib\\udcff.so", ExitCode.OK)


def test_a_file_of_another_kind(tmp_path: Path, here: Context) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no wheel")
    with pytest.raises(UsageError) as caught:
        inspect(path, here)
    assert caught.value.reference == "not-a-wheel"


def test_a_folder_does_not_hide_a_requirement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = context(tmp_path, FACTS, web=Server(index_pages(torch(tmp_path, "plain.so"))))
    (tmp_path / "torch").mkdir()
    monkeypatch.chdir(tmp_path)
    assert inspect("torch", made).passport.name == "torch"


def test_what_cannot_be_followed_is_a_note(tmp_path: Path) -> None:
    made = context(tmp_path, FACTS, web=Server())
    found = inspect(torch(tmp_path, "plain.so"), made)
    assert (found.passport.cuda, found.passport.nvrtc) == ("13.2", None)
    assert "NVRTC's version is not known" in found.passport.notes[0]


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        (metadata_text("torch", "not a version"), "METADATA is of torch not a version"),
        (metadata_text("other", "2.15.0"), "METADATA is of other 2.15.0"),
        ("", "METADATA is of no name without a version"),
    ],
)
def test_odd_metadata_is_a_problem(tmp_path: Path, here: Context, metadata: str, problem: str) -> None:
    path = rewritten(
        torch(tmp_path, "plain.so"), lambda name, data: metadata.encode() if name.endswith("METADATA") else data
    )
    found = inspect(path, here)
    assert any(problem in one for one in found.passport.problems)
    assert found.exit_code == ExitCode.INTEGRITY


def test_cuda_of_no_known_release_is_said(tmp_path: Path, here: Context) -> None:
    path = make_wheel(tmp_path, "nvidia-cufft", "1.0", requires=["nvidia-nvjitlink"])
    passport = inspect(path, here).passport
    assert (passport.cuda, passport.cuda_told) == (None, False)


# From afar.

URL = f"https://user:secret@wheels.example/files/torch-2.15.0-{TAG}.whl"


def served(tmp_path: Path, *, ranges: bool = True, **files: bytes) -> tuple[Context, bytes]:
    content = {f"torch/lib/{name}.so": data for name, data in files.items()}
    data = torch(tmp_path, "plain.so", files=content).read_bytes()
    web = Server({**toolkit_pages(), URL: data}, ranges=ranges)
    return context(tmp_path, FACTS, web=web, constraints=tables(tmp_path)), data


def tables(tmp_path: Path, *rows: MeasuredWheel) -> Path:
    """The tables of constraints/, with only these wheels measured."""
    folder = tmp_path / "constraints"
    if not folder.exists():
        folder.mkdir()
        for path in CONSTRAINTS.glob("*.toml"):
            shutil.copy(path, folder)
    (folder / "devicecode.toml").write_text(table_text(MeasuredTable(wheels=rows)))
    return folder


def test_from_afar_no_library_is_read(tmp_path: Path) -> None:
    made, data = served(tmp_path, large=bytes(3_000_000))
    found = inspect(URL, made)
    passport = found.passport
    assert (found.exit_code, passport.fit, passport.why) == (ExitCode.OK, Fit.UNKNOWN, "its device code was not read")
    assert (passport.cuda, passport.nvrtc, passport.size, passport.sha256) == ("13.2", "13.2.86", len(data), None)
    assert {one.known for one in passport.libraries} == {"not read: --download"}
    assert 0 < passport.requests <= MAX_REQUESTS
    assert passport.bytes_read < 300_000 < MAX_BYTES
    assert f"--download reads all of it, {len(data) / 1e6:,.1f} MB" in passport.notes[-1]
    assert "secret" not in repr(passport)


def test_from_afar_with_torch_s_own_word(tmp_path: Path) -> None:
    made, _ = served(tmp_path, libtorch_python=bytes(1000) + b"\0sm_90 sm_120\0" + bytes(1000))
    passport = inspect(URL, made).passport
    assert (passport.built_for, passport.fit) == ("sm_90 sm_120", Fit.SAME_MAJOR)
    assert passport.decided_by == "torch.cuda.get_arch_list()"


def test_from_afar_with_what_was_measured(tmp_path: Path) -> None:
    made, data = served(tmp_path)
    row = MeasuredWheel(
        file=f"torch-2.15.0-{TAG}.whl",
        sha256=hashlib.sha256(data).hexdigest(),
        cuda="13.2",
        built_for="sm_90",
        measured="2026-11-24",
        how="by hand",
        libraries=(DeviceCode(library="plain.so", fatbins={"sm_90": 7}),),
    )
    tables(tmp_path, row)
    found = inspect(f"{URL}#sha256={row.sha256}", made)
    assert library(found, "plain.so").known == "measured 2026-11-24"
    assert (library(found, "plain.so").cubins, found.passport.fit) == ({"sm_90": 7}, Fit.NO)
    assert "in this very wheel (by hand)" in found.passport.notes[-1]
    assert found.passport.sha256_from == "the URL"
    again = inspect(URL, made)
    assert "the same release, CUDA and platform" in again.passport.notes[-1]
    other = inspect(f"{URL}#sha256={'0' * 64}", made).passport
    assert {one.known for one in other.libraries} == {"not read: --download"}  # of that name, but another file


def test_a_download_reads_all(tmp_path: Path) -> None:
    made, data = served(tmp_path)
    digest = hashlib.sha256(data).hexdigest()
    found = inspect(f"{URL}#sha256={digest}", made, download=True)
    assert (found.passport.fit, found.passport.sha256) == (Fit.RUNS, digest)
    assert library(found, "plain.so").known == "read here"
    assert "secret" not in repr(found)
    with pytest.raises(UsageError) as caught:
        inspect(URL, made, download=True)
    assert caught.value.reference == "hash-needed"
    assert "secret" not in str(caught.value)
    assert inspect(URL, made, download=True, sha256=digest.upper()).exit_code == ExitCode.OK


def test_a_server_without_ranges(tmp_path: Path) -> None:
    made, _ = served(tmp_path, ranges=False)
    with pytest.raises(NetworkError, match="only be downloaded whole") as caught:
        inspect(URL, made)
    assert caught.value.reference == "no-range-support"
    assert "--download" in caught.value.hint


def test_a_remote_file_that_is_no_wheel(tmp_path: Path) -> None:
    made = context(tmp_path, FACTS, web=Server({URL: b"<html>log in</html>" * 99}))
    with pytest.raises(IntegrityError) as caught:
        inspect(URL, made)
    assert caught.value.reference == "bad-wheel"
    assert "secret" not in str(caught.value)


def index_pages(path: Path, *, size: bool = True) -> dict[str, Page | bytes]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    page = {
        "meta": {"api-version": "1.1"},
        "name": "torch",
        "versions": [],
        "files": [
            {
                "filename": path.name,
                "url": f"https://default.example/files/{path.name}",
                "hashes": {"sha256": digest},
                **({"size": path.stat().st_size} if size else {}),
            }
        ],
    }
    body = json.dumps(page).encode()
    return {
        **toolkit_pages(),
        f"{INDEX}/torch/": Page(body=body, headers={"content-type": "application/vnd.pypi.simple.v1+json"}),
        f"https://default.example/files/{path.name}": path.read_bytes(),
    }


@pytest.mark.parametrize("what", ["torch", "torch==2.15.0", " Torch >= 2.11 "])
def test_a_requirement(tmp_path: Path, what: str) -> None:
    path = torch(tmp_path, "plain.so")
    made = context(tmp_path, FACTS, web=Server(index_pages(path)))
    passport = inspect(what, made).passport
    assert (passport.file, passport.sha256_from) == (path.name, "the index")
    assert inspect(what, made, download=True).passport.fit is Fit.RUNS


def test_a_requirement_without_ranges_says_what_it_costs(tmp_path: Path) -> None:
    path = torch(tmp_path, "plain.so", files={"torch/data.bin": bytes(2_400_000)})
    made = context(tmp_path, FACTS, web=Server(index_pages(path), ranges=False))
    with pytest.raises(NetworkError, match=r"2\.4 MB") as caught:
        inspect("torch", made)
    assert caught.value.hint == "say so with --download"


def test_a_requirement_that_nothing_fits(tmp_path: Path) -> None:
    made = context(tmp_path, FACTS, web=Server(index_pages(torch(tmp_path, "plain.so"))))
    with pytest.raises(NoCandidateError, match=r"no wheel of torch==2\.9\.1") as caught:
        inspect("torch==2.9.1", made)
    assert "2.15.0" in caught.value.context


@pytest.mark.parametrize(
    ("what", "options", "reference"),
    [
        ("gone.whl", {}, "no-such-file"),
        ("./gone", {}, "no-such-file"),
        ("file:///gone/demo-1.0-py3-none-any.whl", {}, "no-such-file"),
        ("ftp://wheels.example/demo-1.0-py3-none-any.whl", {}, "bad-url"),
        ("https://wheels.example/page", {}, "not-a-wheel"),
        ("https://wheels.example/..%2F..%2F.whl", {}, "not-a-wheel"),
        ("torch=", {}, "bad-requirement"),
        ("", {}, "bad-requirement"),
        ("torch", {"strategy": "magic"}, "unknown-strategy"),
        ("torch", {"sha256": "abc"}, "bad-hash"),
        ("https://wheels.example/demo-1.0-py3-none-any.whl#sha256=xyz", {}, "bad-hash"),
    ],
)
def test_what_nobody_can_mean(here: Context, what: str, options: dict[str, Any], reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        inspect(what, here, **options)
    assert caught.value.reference == reference


def test_a_wrong_hash(tmp_path: Path, here: Context) -> None:
    path = torch(tmp_path, "plain.so")
    with pytest.raises(IntegrityError) as caught:
        inspect(path, here, sha256="0" * 64)
    assert caught.value.reference == "wrong-hash"
    assert inspect(path.as_uri(), here).exit_code == ExitCode.OK
