"""Damaged wheels: whatever the end of a zip, its directory or its members say, it is a value or one error."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, cast

import pytest
from hypothesis import given

from scripts.errors import IntegrityError, NetworkError
from scripts.model.wheels import IndexFile
from scripts.wheels.archive import data_offset, info_file, open_archive, read_text
from scripts.wheels.metadata import read_metadata
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.rangefile import RangeFile
from tests.support.fuzzing import mutated, outcome
from tests.support.pages import ScriptedWeb, index_file
from tests.support.zips import GOOD, METADATA, SEEDS

pytestmark = pytest.mark.fuzz

FILE = index_file("demo-1.0-py3-none-any.whl")
REQUESTS = 12
BYTES = 400_000


def text(stream: BinaryIO | io.RawIOBase, name: str) -> str:
    with open_archive(stream, name=FILE.filename, where="here") as archive:
        return read_text(archive, info_file(archive, name))


def offsets(stream: BinaryIO | io.RawIOBase) -> list[int]:
    with open_archive(stream, name=FILE.filename, where="here") as archive:
        return [data_offset(stream, member) for member in archive.infolist()]


def contents(stream: BinaryIO | io.RawIOBase) -> list[str]:
    with open_archive(stream, name=FILE.filename, where="here") as archive:
        return [read_text(archive, member) for member in archive.infolist()]


@pytest.mark.parametrize("data", GOOD)
def test_the_good_ones_are_read(data: bytes) -> None:
    assert text(io.BytesIO(data), "METADATA") == METADATA
    assert len(offsets(io.BytesIO(data))) == len(contents(io.BytesIO(data))) == 5


@pytest.mark.parametrize("wrap", [io.BytesIO, lambda data: io.BufferedReader(cast("io.RawIOBase", io.BytesIO(data)))])
@given(data=mutated(SEEDS))
def test_here(wrap: Callable[[bytes], BinaryIO], data: bytes) -> None:
    for name in ("METADATA", "RECORD"):
        found = outcome(lambda name=name: text(wrap(data), name))  # type: ignore[misc]
        assert isinstance(found, str | IntegrityError)
    for act in (offsets, contents):
        found = outcome(lambda act=act: act(wrap(data)))  # type: ignore[misc]
        assert isinstance(found, list | IntegrityError)


class Counting(ScriptedWeb):
    """A server that says what was asked of it."""

    asked = 0

    def read_range(self, url: str, start: int, stop: int) -> bytes:
        assert 0 <= start < stop
        self.asked += stop - start
        return super().read_range(url, start, stop)


@given(data=mutated(SEEDS))
def test_behind_range_requests(data: bytes) -> None:
    def remotely(act: Callable[[RangeFile], object]) -> None:
        web = Counting({FILE.url: data})
        remote = MeteredRemote(web, max_requests=REQUESTS, max_bytes=BYTES)
        stream = RangeFile(len(data), lambda start, stop: remote.read_range(FILE.url, start, stop))
        found = outcome(lambda: act(stream))
        assert isinstance(found, str | list | IntegrityError | NetworkError)
        assert len(web.seen) == remote.requests <= REQUESTS
        assert web.asked <= BYTES

    remotely(lambda stream: text(stream, "METADATA"))
    remotely(offsets)
    remotely(contents)


@given(data=mutated(SEEDS))
def test_metadata_of_a_remote_wheel(data: bytes) -> None:
    web = Counting({FILE.url: data})
    remote = MeteredRemote(web, max_requests=REQUESTS, max_bytes=BYTES)
    unsized = IndexFile(**{**vars(FILE), "size": None})
    found = outcome(lambda: read_metadata(unsized, remote))
    assert isinstance(found, str | IntegrityError | NetworkError)
    assert remote.requests <= REQUESTS
    assert web.asked <= BYTES


@given(data=mutated(SEEDS))
def test_a_mirror_whose_file_is_shorter_than_it_says(data: bytes) -> None:
    web = Counting({FILE.url: data})
    lying = IndexFile(**{**vars(FILE), "size": len(data) + 70_000})
    remote = MeteredRemote(web, max_requests=REQUESTS, max_bytes=BYTES)
    assert isinstance(outcome(lambda: read_metadata(lying, remote)), str | IntegrityError | NetworkError)
