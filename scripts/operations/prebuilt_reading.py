"""What a torch wheel says of itself, from the wheel here or by ranges: METADATA, and torch/version.py."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from typing import BinaryIO

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

from scripts.errors import IntegrityError, NetworkError, UsageError
from scripts.operations.context import Context
from scripts.operations.prebuilt_choosing import TORCH
from scripts.operations.wheel_sources import WheelSource
from scripts.progress import step
from scripts.wheels.archive import info_file, open_archive, read_text
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.ports import LARGEST_PAGE
from scripts.wheels.rangefile import RangeFile

_VERSION_FILE = "torch/version.py"
_CUDA = re.compile(r"^cuda\s*(?::[^=\n]+)?=\s*['\"](\d{1,3}\.\d{1,3})['\"]\s*$", re.MULTILINE)
"""As torch's build writes it: `cuda: Optional[str] = '13.0'`; None in a build without."""
_DIGEST_HEADERS = ("x-checksum-sha256", "x-amz-meta-sha256", "x-goog-meta-sha256", "x-linked-etag")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class WheelTexts:
    """What was read."""

    version: str
    requires: tuple[str, ...]
    """The Requires-Dist lines."""
    cuda: str | None
    """`13.0`, by torch/version.py; None: it names none."""


def read_texts(source: WheelSource, context: Context) -> WheelTexts:
    """Read the texts; of a wheel that is not here two or three ranges.

    Raises UsageError (not-torch, not-readable), IntegrityError (bad-wheel), NetworkError (no-range-support, others).
    """
    with _stream(source, context) as stream, open_archive(stream, name=source.file, where=source.shown) as archive:
        raw, _ = parse_email(read_text(archive, info_file(archive, "METADATA")))
        cuda = _cuda(archive)
    name = canonicalize_name(raw.get("name", ""))
    if name != TORCH:
        raise IntegrityError(
            f"{source.file} calls itself a wheel of torch, and its METADATA is of {name[:80] or 'nothing'}",
            context=source.shown,
            reference="wrong-metadata",
            hint="do not install it; ask whoever gave you the file",
        )
    return WheelTexts(version=raw.get("version", ""), requires=tuple(raw.get("requires_dist", ())), cuda=cuda)


def _cuda(archive: zipfile.ZipFile) -> str | None:
    member = next((one for one in archive.infolist() if one.filename == _VERSION_FILE), None)
    found = None if member is None else _CUDA.search(read_text(archive, member))
    return None if found is None else found[1]


@contextmanager
def _stream(source: WheelSource, context: Context) -> Iterator[BinaryIO | RawIOBase]:
    if source.path is not None:
        try:
            stream = source.path.open("rb")
        except OSError as error:
            raise UsageError(
                f"{source.shown} cannot be read",
                context=error.strerror or str(error),
                reference="not-readable",
                hint="check its mode",
            ) from error
        with stream:
            yield stream
        return
    url = source.url
    assert url is not None, "what is not here has a URL"
    remote = MeteredRemote(context.web)
    with step(f"reading what {source.file} requires"):
        size = source.size if source.size is not None else remote.size(url)
        yield RangeFile(size, lambda start, stop: remote.read_range(url, start, stop))


def claimed_by_server(source: WheelSource, context: Context) -> str | None:
    """Give the sha256 that a server tells with a file (Artifactory, S3, the hub), if it does: no proof of anything."""
    if source.url is None:
        return None
    try:
        reply = context.web.get(source.url, headers={"Range": "bytes=0-0"}, limit=LARGEST_PAGE)
    except NetworkError:
        return None  # it is asked for information only
    told = (reply.headers.get(name, "").strip('"').lower() for name in _DIGEST_HEADERS)
    return next((one for one in told if _SHA256.fullmatch(one)), None)
