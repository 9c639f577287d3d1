"""Good wheels of every kind of zip that there is, as seeds, with the places of their numbers."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile

from scripts.wheels.writer import metadata_text, wheel_bytes
from tests.support.fuzzing import Seed

METADATA = metadata_text("demo", "1.0", ("Requires-Dist", "numpy"))
_FILES = {"demo/__init__.py": b"x = 1\n" * 50, "demo/lib.so": bytes(range(256)) * 8}
_INFO = "demo-1.0.dist-info"

# Sizes of the fields after each record's signature, in their order (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.14 to 4.3.16).
_RECORDS = {
    b"PK\x03\x04": (2, 2, 2, 2, 2, 4, 4, 4, 2, 2),
    b"PK\x01\x02": (2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4),
    b"PK\x05\x06": (2, 2, 2, 2, 4, 4, 2),
    b"PK\x06\x06": (8, 2, 2, 4, 4, 8, 8, 8, 8),
    b"PK\x06\x07": (4, 8, 4),
}


def zip_fields(data: bytes) -> tuple[tuple[int, int], ...]:
    """Find the numbers of every record; the end's are listed often, for they are few and everything follows them."""
    found = []
    for signature, sizes in _RECORDS.items():
        position = data.find(signature)
        while position >= 0:
            offset = position + 4
            for size in sizes:
                found += [(offset, size)] * (1 if signature in {b"PK\x03\x04", b"PK\x01\x02"} else 5)
                offset += size
            position = data.find(signature, position + 4)
    return tuple(found)


def written(method: int, *, comment: bytes = b"", twice: bool = False, zip64: bool = False) -> bytes:
    """Write a wheel with zipfile."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # duplicate names are what is wanted
        archive.comment = comment
        files = {**_FILES, f"{_INFO}/METADATA": METADATA.encode(), f"{_INFO}/WHEEL": b"Wheel-Version: 1.0\n"}
        for path, content in [*files.items(), (f"{_INFO}/RECORD", b"demo/__init__.py,,\n")] * (1 + twice):
            with archive.open(path, "w", force_zip64=zip64) as stream:
                stream.write(content)
    return buffer.getvalue()


def with_zip64_end(data: bytes) -> bytes:
    """Put the records of a large archive before the end record of a small one."""
    end = data.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HII", data, end + 10)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + record + locator + last


GOOD = [
    wheel_bytes(name="demo", version="1.0", files=_FILES, metadata=METADATA),
    written(zipfile.ZIP_DEFLATED),
    written(zipfile.ZIP_DEFLATED, zip64=True),
    with_zip64_end(written(zipfile.ZIP_DEFLATED)),
    written(zipfile.ZIP_STORED, comment=b"a comment" * 20),
]
ODD = [
    written(zipfile.ZIP_STORED, twice=True),
    written(zipfile.ZIP_BZIP2),
    written(zipfile.ZIP_LZMA),
    written(zipfile.ZIP_STORED, comment=b"PK\x05\x06 not the end" * 20),
]
"""Zips that are no wheels, but must not confuse anything."""

SEEDS = [Seed(data=data, fields=zip_fields(data)) for data in GOOD + ODD]
