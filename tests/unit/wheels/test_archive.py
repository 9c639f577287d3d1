from __future__ import annotations

import io
import zipfile

import pytest

from scripts.errors import IntegrityError
from scripts.wheels.archive import info_file, open_archive, read_text


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
