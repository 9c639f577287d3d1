from __future__ import annotations

import io
import zipfile

import pytest

from scripts.errors import IntegrityError
from scripts.wheels.archive import foreign_bytes, info_file, open_archive, read_text


def zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", "Name: demo\n" * 9)
    return buffer.getvalue()


def metadata(data: bytes) -> str:
    with open_archive(io.BytesIO(data), name="demo.whl", where="here") as archive:
        return read_text(archive, info_file(archive, "METADATA"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_wheels_are_compressed_by(method: int) -> None:
    assert metadata(zipped(method)).startswith("Name: demo\n")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_wheels_are_not_compressed_by(method: int) -> None:
    # Damaged, the latter raises lzma.LZMAError, which is no kind of OSError or ValueError.
    with pytest.raises(IntegrityError, match=f"by method {method}") as caught:
        metadata(zipped(method))
    assert caught.value.reference == "bad-wheel"
    assert "stored or deflated" in caught.value.hint


def encrypted() -> bytes:
    """The flag in the directory; nothing is read before that is seen."""
    data = bytearray(zipped(zipfile.ZIP_STORED))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def another() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes.txt", "no wheel")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "context", "hint"),
    [
        (b"just a text\n" * 99, "it is no zip archive", "a wheel is a zip archive"),
        (another(), "it has 0 METADATA files", "it is a zip archive, but no wheel"),
        (encrypted(), "demo-1.0.dist-info/METADATA is encrypted", "without a password"),
        (zipped(zipfile.ZIP_STORED)[:-30], "File is not a zip file", "the file is damaged: fetch it again"),
        (b"", "File is not a zip file", "the file is damaged: fetch it again"),
    ],
)
def test_what_is_no_wheel_is_not_all_damaged(data: bytes, context: str, hint: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        metadata(data)
    assert caught.value.reference == "bad-wheel"
    assert context in caught.value.context
    assert "ZipInfo" not in caught.value.context
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("before", "after", "comment"),
    [(b"", b"", b""), (b"#!/bin/sh\n", b"", b""), (b"", b"PK", b""), (b"x", b"y", b"hello")],
)
def test_bytes_that_are_no_part_of_it(before: bytes, after: bytes, comment: bytes) -> None:
    data = zipped(zipfile.ZIP_STORED)
    data = before + data[:-2] + len(comment).to_bytes(2, "little") + comment + after
    with open_archive(io.BytesIO(data), name="demo.whl", where="here") as archive:
        assert foreign_bytes(archive) == (len(before), len(after))
