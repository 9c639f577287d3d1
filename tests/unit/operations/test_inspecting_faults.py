"""What wheel.inspect says of wheels that contradict themselves, hide something, or were never meant for a GPU."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from scripts.errors import DiskError, ExitCode, IntegrityError, NoCandidateError, UsageError
from scripts.operations.context import Context
from scripts.wheels.passport import Fit
from scripts.wheels.writer import metadata_text, wheel_bytes
from tests.support.contexts import context
from tests.support.index_server import make_wheel
from tests.unit.operations.test_inspecting import (
    FACTS,
    FATBINS,
    PLAIN,
    TAG,
    URL,
    Server,
    index_pages,
    inspect,
    rewritten,
    served,
    torch,
)

MACH = bytes.fromhex("cffaedfe0c000001") + bytes(64)
QUIET = PLAIN.replace(b".nv_fatbin\0", b".no_fatbin\0").replace(b"__nv_relfatbin\0", b"__no_relfatbin\0")


@pytest.fixture
def here(tmp_path: Path) -> Context:
    return context(tmp_path, FACTS, web=Server({}))


# RECORD's hashes.


def test_every_hash_is_read_of_a_wheel_that_is_here(tmp_path: Path, here: Context) -> None:
    record = inspect(torch(tmp_path, "plain.so"), here).passport.record
    assert record is not None
    assert (record.hashes_read, record.disagreements) == (True, 0)


def test_from_afar_no_hash_is_read(tmp_path: Path) -> None:
    made, data = served(tmp_path)
    record = inspect(URL, made).passport.record
    assert record is not None
    assert not record.hashes_read
    digest = hashlib.sha256(data).hexdigest()
    whole = inspect(URL, made, download=True, sha256=digest).passport.record
    assert whole is not None
    assert whole.hashes_read


def test_a_flipped_byte_of_a_small_file(tmp_path: Path, here: Context) -> None:
    path = make_wheel(tmp_path, "demo", "1.0", files={f"demo/{n}.py": b"value = 1\n" for n in range(9)})
    path.write_bytes(path.read_bytes().replace(b"value = 1", b"value = 2"))
    found = inspect(path, here)
    assert found.exit_code == ExitCode.INTEGRITY
    names = ", ".join(f"demo/{n}.py" for n in range(5))
    assert found.passport.problems == (f"a hash that is not RECORD's: {names} and 4 more",)


def test_without_a_record_the_zip_s_checksums_must_do(tmp_path: Path, here: Context) -> None:
    made = make_wheel(tmp_path, "demo", "1.0", files={f"demo/{n}.py": b"value = 1\n" for n in range(9)})
    path = rewritten(made, lambda name, data: None if name.endswith("RECORD") else data, zipfile.ZIP_STORED)
    assert inspect(path, here).passport.problems == ("it has 0 RECORD files",)
    path.write_bytes(path.read_bytes().replace(b"value = 1", b"value = 2"))
    problems = inspect(path, here).passport.problems
    assert problems[1] == "it cannot be unpacked: demo/0.py: its checksum is not the directory's"
    assert problems[-1] == "and 4 more cannot be"


def test_a_library_with_another_hash_is_named_once(tmp_path: Path, here: Context) -> None:
    path = torch(tmp_path, "plain.so")
    path.write_bytes(path.read_bytes().replace(b"GCC: ", b"ACC: "))
    found = inspect(path, here)
    assert found.passport.problems == ("a hash that is not RECORD's: torch/lib/plain.so",)
    assert found.passport.libraries[0].problem == "its hash is not RECORD's"


# What nobody can tell.


def test_nvidia_s_own_libraries_are_not_known(tmp_path: Path, here: Context) -> None:
    path = make_wheel(tmp_path, "nvidia-cufft", "1.0", TAG, files={"nvidia/cu13/lib/libcufft.so.12": QUIET})
    found = inspect(path, here)
    assert (found.exit_code, found.passport.fit) == (ExitCode.OK, Fit.UNKNOWN)
    assert "as cuFFT does" in found.passport.why
    assert "no device code" not in found.passport.why


def test_large_data_without_fatbins_is_not_known(
    tmp_path: Path, here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_wheel(tmp_path, "demo", "1.0", TAG, files={"demo/a.so": QUIET})
    passport = inspect(path, here).passport
    assert (passport.fit, passport.why) == (None, "no device code: no library has fatbins")
    monkeypatch.setattr("scripts.operations.passporting_code._LARGE_DATA", 18_000)
    passport = inspect(path, here).passport
    assert (passport.fit, passport.why) == (
        Fit.UNKNOWN,
        "no library has fatbins, but demo/a.so holds 18.0 kB of data: code may be in it",
    )


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("demo/a.so", MACH, "Mach-O"),
        ("demo/a.dylib", MACH, "Mach-O"),
        ("demo/a.pyd", b"MZ\x90\0", "PE"),
        ("demo/libc.so", b"GROUP ( libc.so.6 )\n", "text, as a linker script is"),
        ("demo/a.so", b"", "empty"),
    ],
)
def test_what_is_no_elf_is_no_broken_one(tmp_path: Path, here: Context, name: str, data: bytes, kind: str) -> None:
    found = inspect(make_wheel(tmp_path, "demo", "1.0", TAG, files={name: data}), here)
    assert (found.exit_code, found.passport.problems) == (ExitCode.OK, ())
    assert (found.passport.fit, found.passport.why) == (Fit.UNKNOWN, f"{name} is no ELF library ({kind})")
    assert f"{name} is no ELF library ({kind})" in found.passport.notes


def test_a_library_alone_that_is_no_elf(tmp_path: Path, here: Context) -> None:
    (tmp_path / "a.so").write_bytes(MACH)
    found = inspect(tmp_path / "a.so", here)
    assert (found.exit_code, found.passport.fit) == (ExitCode.OK, Fit.UNKNOWN)


# Contradictions.


def test_a_name_that_is_no_wheel_s(tmp_path: Path, here: Context) -> None:
    path = make_wheel(tmp_path, "demo", "1.0")
    found = inspect(path.rename(tmp_path / "demo.whl"), here)
    assert found.exit_code == ExitCode.INTEGRITY
    assert found.passport.problems == ("demo.whl is no wheel's name: installers refuse it",)


def test_tags_that_are_not_the_name_s(tmp_path: Path, here: Context) -> None:
    path = make_wheel(tmp_path, "demo", "1.0")
    found = inspect(path.rename(tmp_path / "demo-1.0-cp312-cp312-linux_aarch64.whl"), here)
    assert found.exit_code == ExitCode.INTEGRITY
    assert found.passport.problems == ("WHEEL names other tags than the file's name: py3-none-any",)


@pytest.mark.parametrize(
    ("name", "version", "sound"),
    [
        ("Demo", "1.0", True),
        ("demo", "1.0.0", True),  # the same release, spelled otherwise
        ("demo", "01.0", True),
        ("demo", "1.1", False),
        ("demo", "1" * 5000, False),
        ("demos", "1.0", False),
    ],
)
def test_a_name_and_a_version_may_be_spelled_otherwise(
    tmp_path: Path, here: Context, name: str, version: str, *, sound: bool
) -> None:
    path = make_wheel(tmp_path, "demo", "1.0")
    text = metadata_text(name, version).encode()
    data = wheel_bytes(name="demo", version="1.0", files={"demo.py": b""}, metadata=text.decode())
    path.write_bytes(data)
    assert (inspect(path, here).exit_code == ExitCode.OK) is sound


def test_many_tags_are_compared_and_few_shown(tmp_path: Path, here: Context) -> None:
    pythons = ".".join(f"cp{number}" for number in range(30, 39))
    tag = f"{pythons}-{pythons}-any"  # 81 of them
    assert inspect(make_wheel(tmp_path, "demo", "1.0", tag), here).passport.problems == ()
    found = inspect(make_wheel(tmp_path, "demo", "1.0", tag).rename(tmp_path / "demo-1.0-py3-none-any.whl"), here)
    (problem,) = found.passport.problems
    assert problem.endswith("cp30-cp34-any and 76 more")


def test_a_requirement_that_is_none(tmp_path: Path, here: Context) -> None:
    lines = ["filelock", "not a requirement (", *(f"({number}" for number in range(9))]
    found = inspect(make_wheel(tmp_path, "demo", "1.0", requires=lines), here)
    assert found.exit_code == ExitCode.INTEGRITY
    (problem,) = found.passport.problems
    assert problem == "Requires-Dist cannot be read: not a requirement (; (0; (1; (2; (3 and 5 more"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(b"#!/bin/sh\n", b"", "10 bytes before its first member"), (b"", b"!", "1 byte after its end record")],
)
def test_foreign_bytes(tmp_path: Path, here: Context, before: bytes, after: bytes, words: str) -> None:
    path = make_wheel(tmp_path, "demo", "1.0")
    path.write_bytes(before + path.read_bytes() + after)
    found = inspect(path, here)
    assert (found.exit_code, found.passport.problems) == (ExitCode.INTEGRITY, (words,))


def test_libraries_for_another_machine_do_not_fit(tmp_path: Path, here: Context) -> None:
    foreign = (FATBINS / "plain.so").read_bytes()
    path = make_wheel(tmp_path, "demo", "1.0", files={"demo/a.so": foreign})
    found = inspect(path, here)
    assert (found.exit_code, found.passport.fits) == (ExitCode.OK, False)
    assert found.passport.fits_why == "for its libraries are for x86_64"
    both = make_wheel(tmp_path, "demo", "2.0", files={"demo/a.so": foreign, "demo/b.so": PLAIN})
    assert inspect(both, here).passport.fits


# CUDA by what is needed.


def test_cuda_and_driver_by_what_its_libraries_need(tmp_path: Path, here: Context) -> None:
    needy = PLAIN.replace(b"libstdc++.so.6\0", b"libcudart.so.13"[:14] + b"\0")
    assert inspect(make_wheel(tmp_path, "a", "1.0", TAG, files={"a.so": needy}), here).passport.cuda_needed is None
    needy = PLAIN.replace(b"libstdc++.so.6\0", b"libnvrtc.so.13\0")
    passport = inspect(make_wheel(tmp_path, "demo", "1.0", TAG, files={"demo/a.so": needy}), here).passport
    assert (passport.cuda, passport.cuda_needed, passport.cuda_needed_by) == (None, "13", "libnvrtc.so.13")
    assert passport.driver == "580"
    told = torch(tmp_path, files={"torch/lib/a.so": needy})
    passport = inspect(told, here).passport
    assert (passport.cuda, passport.cuda_needed) == ("13.2", None)


# What is asked for.


def test_a_false_marker_is_an_error_and_extras_are_a_note(tmp_path: Path) -> None:
    made = context(tmp_path, FACTS, web=Server(index_pages(torch(tmp_path, "plain.so"))))
    with pytest.raises(NoCandidateError, match="does not apply to cp312 linux aarch64") as caught:
        inspect("torch; python_version<'3'", made)
    assert caught.value.reference == "marker-is-false"
    with pytest.raises(NoCandidateError):
        inspect(f"torch @ {URL} ; platform_machine == 'x86_64'", made)
    assert inspect("torch; platform_machine == 'aarch64'", made).passport.name == "torch"
    assert "its extras were not looked into: opt, x" in inspect("torch[x,opt]", made).passport.notes


def test_a_project_that_does_not_exist(tmp_path: Path) -> None:
    made = context(tmp_path, FACTS, web=Server(index_pages(torch(tmp_path, "plain.so"))))
    with pytest.raises(NoCandidateError) as caught:
        inspect("troch", made)
    assert caught.value.reference == "project-not-found"
    assert "is the name right?" in caught.value.hint
    assert "lane" not in caught.value.hint


def test_from_afar_a_wheel_without_libraries(tmp_path: Path) -> None:
    data = make_wheel(tmp_path, "demo", "1.0").read_bytes()
    url = "https://wheels.example/demo-1.0-py3-none-any.whl"
    passport = inspect(url, context(tmp_path, FACTS, web=Server({url: data}))).passport
    assert (passport.fit, passport.why) == (None, "no libraries: nothing to run on a GPU")
    assert not any("--download" in note for note in passport.notes)


class Lying(Server):
    """Says that what came has another hash, having made the folder for it."""

    def download(self, url: str, destination: Path, *, sha256: str, size: int | None, description: str) -> Path:
        destination.parent.mkdir(parents=True)
        raise IntegrityError("another hash", reference="wrong-hash")


def test_a_wrong_hash_leaves_no_folder(tmp_path: Path) -> None:
    made = context(tmp_path, FACTS, web=Lying({}))
    with pytest.raises(IntegrityError):
        inspect(URL, made, download=True, sha256="0" * 64)
    assert not list((made.home.cache / "wheels").iterdir())


def test_what_is_no_regular_file_is_said(tmp_path: Path, here: Context) -> None:
    folder = tmp_path / "folder.whl"
    folder.mkdir()
    os.mkfifo(tmp_path / "fifo.whl")
    (tmp_path / "link.whl").symlink_to(tmp_path / "gone")
    for name, words in {
        "folder.whl": "is a folder",
        "fifo.whl": "is no regular file",
        "link.whl": "is a link to nothing",
        "gone.whl": "there is no file",
    }.items():
        with pytest.raises(UsageError, match=words) as caught:
            inspect(tmp_path / name, here)
        assert caught.value.reference == "no-such-file"


@pytest.mark.parametrize(
    "what", ["x" * 5000, "x" * 5000 + ".whl", "./" + "x" * 5000, "x" * 5000 + "(", "~nobody-here/x.whl"]
)
def test_a_name_that_nobody_reads_to_its_end(here: Context, what: str) -> None:
    with pytest.raises((UsageError, NoCandidateError)) as caught:
        inspect(what, here)
    assert len(str(caught.value)) < 1000


def test_a_report_that_cannot_be_written(tmp_path: Path, here: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_wheel(tmp_path, "demo", "1.0")
    (tmp_path / "taken").touch()
    with pytest.raises(DiskError) as caught:
        inspect(path, here, report_folder=tmp_path / "taken")
    assert "another folder for --report" in caught.value.hint

    def full(place: Path, text: str) -> None:
        raise DiskError("no space", reference="disk-full", hint="set KOKORO_SPARK_HOME")

    monkeypatch.setattr("scripts.operations.inspecting.write_whole", full)
    with pytest.raises(DiskError) as caught:
        inspect(path, here, report_folder=tmp_path / "report")
    assert (caught.value.reference, "KOKORO" in caught.value.hint) == ("disk-full", False)


def test_the_page_has_a_date_and_a_version(tmp_path: Path, here: Context) -> None:
    inspect(make_wheel(tmp_path, "demo", "1.0"), here, report_folder=tmp_path / "report")
    page = (tmp_path / "report" / "passport.html").read_text()
    assert "<footer>kokoro-spark " in page


def test_a_wheel_deflated_anew_agrees(tmp_path: Path, here: Context) -> None:
    path = rewritten(torch(tmp_path, "plain.so"), lambda _, data: data)
    assert inspect(path, here).exit_code == ExitCode.OK
