"""Wheels with libraries in them, damaged anywhere: what inspecting one reads of it, and the whole inspection."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripts.errors import DiskError, IntegrityError
from scripts.home import Home
from scripts.model.target import GB10, Architecture, PythonVersion, Target
from scripts.operations.context import Context
from scripts.operations.inspecting import Inspected, inspect_wheel
from scripts.serial import to_json
from scripts.wheels.archive import open_archive
from scripts.wheels.contents import Contents, read_contents
from scripts.wheels.elf import ElfFacts, read_elf
from scripts.wheels.libraries import LibraryReading, read_libraries, read_library
from scripts.wheels.record import RecordReport, check_record, parse_record, record_problems
from scripts.wheels.writer import metadata_text, wheel_bytes
from tests.support.elves import FATBINS, SEEDS
from tests.support.fuzzing import Seed, mutated, outcome
from tests.support.zips import zip_fields

pytestmark = pytest.mark.fuzz

SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(data=mutated(SEEDS[:3]))
def test_what_a_library_needs(folder: Path, data: bytes) -> None:
    path = folder / "libtorch.so"
    path.write_bytes(data)
    assert isinstance(outcome(lambda: read_elf(path, hint="")), ElfFacts | IntegrityError)
    assert isinstance(outcome(lambda: read_library(path, "torch/lib/libtorch.so")), LibraryReading)


LINES = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{},{},{}".format,
        st.sampled_from(["a.py", "../a.py", "/a", "C:\\a", '"a,b"', '"a', "demo.dist-info/RECORD", "a\0b", ""]),
        st.sampled_from(["sha256=abc", "md5=abc", "sha256=", "", "sha256=" + "A" * 43]),
        st.one_of(st.integers().map(str), st.sampled_from(["", "x", "9" * 5000, "٣", "1e3"])),
    ),
)
MEMBERS = st.tuples(st.sampled_from(["a.py", "b/", "../a.py", "demo.dist-info/RECORD", "a,b"]), st.integers(0, 1 << 64))


@given(text=st.lists(LINES).map("\n".join), members=st.lists(MEMBERS))
@example(text="a" * 200_000, members=[])
@example(text='"' + "a" * 200_000, members=[])
@example(text="\0,\r,\n\r\0", members=[])
def test_record(text: str, members: list[tuple[str, int]]) -> None:
    def check() -> RecordReport:
        lines, unreadable = parse_record(text)
        return check_record(lines, members, record="demo.dist-info/RECORD", unreadable=unreadable)

    found = outcome(check)
    assert isinstance(found, RecordReport)
    assert all("\n" not in line[:1] for line in record_problems(found))


def wheel() -> bytes:
    return wheel_bytes(
        name="torch",
        version="2.15.0",
        files={f"torch/lib/{name}": (FATBINS / name).read_bytes() for name in ("relocatable.so", "bare.fatbin")},
        metadata=metadata_text("torch", "2.15.0", ("Requires-Dist", "nvidia-cuda-nvrtc==13.2.86")),
        tag="cp312-cp312-manylinux_2_28_aarch64",
    )


WHEEL = Seed(data=wheel(), fields=zip_fields(wheel()))


@given(data=mutated([WHEEL]))
def test_what_is_read_of_a_wheel(folder: Path, data: bytes) -> None:
    path = folder / "torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl"
    path.write_bytes(data)

    def act() -> tuple[Contents, list[LibraryReading]]:
        with path.open("rb") as stream, open_archive(stream, name=path.name, where="here") as archive:
            contents = read_contents(archive)
            return contents, list(read_libraries(archive, contents.libraries, folder, contents.hashes))

    # A library that says it is larger than the disk is refused as that.
    assert isinstance(outcome(act), tuple | IntegrityError | DiskError)


@given(data=mutated([WHEEL]))
@settings(max_examples=300)
def test_the_whole_inspection(folder: Path, data: bytes) -> None:
    path = folder / "inspected" / "torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    context = Context(home=Home(root=folder / "home"), environ={})
    found = outcome(lambda: inspect_wheel(str(path), context, sm=GB10, target=SPARK))
    assert isinstance(found, Inspected | IntegrityError | DiskError)
    if isinstance(found, Inspected):
        assert to_json(found.passport)
