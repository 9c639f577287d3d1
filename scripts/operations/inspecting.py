"""wheel.inspect: the passport of one wheel, from its bytes, or from afar by the few of them that say what it is."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from packaging.utils import canonicalize_name

from scripts.disk import disk_errors, write_whole
from scripts.errors import ExitCode, IntegrityError, NetworkError, UsageError
from scripts.model.target import ComputeCapability, Target
from scripts.operations.context import Context
from scripts.operations.passport_page import passport_page
from scripts.operations.passport_text import passport_lines
from scripts.operations.passporting import Asked, about_code, about_metadata, about_readings
from scripts.operations.wheel_sources import WheelSource, find_source, printable
from scripts.partfile import sha256_of
from scripts.progress import step
from scripts.redaction import redact
from scripts.serial import to_json
from scripts.wheels.architectures import RULE
from scripts.wheels.archive import open_archive
from scripts.wheels.builtfor import built_for_in, read_built_for
from scripts.wheels.contents import read_contents
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.libraries import read_libraries, read_library
from scripts.wheels.measured import MeasuredWheel, find_measured, load_measured
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.passport import NOT_READ, LibraryPassport, Passport, with_code
from scripts.wheels.rangefile import RangeFile

MAX_REQUESTS = 30
MAX_BYTES = 20_000_000
"""What is read of a wheel that is not downloaded, at most."""


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """The passport, and OK, or INTEGRITY where RECORD is wrong or a library broken, whatever it runs on."""

    passport: Passport
    exit_code: ExitCode


def inspect_wheel(
    what: str,
    context: Context,
    *,
    sm: ComputeCapability,
    target: Target,
    strategy: str = "pypi",
    index: str | None = None,
    sha256: str | None = None,
    download: bool = False,
    report_folder: Path | None = None,
) -> Inspected:
    """Make the passport of a wheel, by path, URL or requirement, or of a bare library.

    `strategy` and `index` say where a requirement is looked up. Without `download` a remote wheel is read by ranges:
    its texts, and for torch its own word for what it was built for. Raises UsageError, NetworkError, NoCandidateError,
    DiskError; IntegrityError where the file is no wheel at all, or not the one that was pinned.
    """
    if report_folder is not None:
        with disk_errors(report_folder):
            report_folder.mkdir(parents=True, exist_ok=True)
    source = find_source(what, context, target=target, strategy=strategy, index=index, sha256=sha256)
    if source.path is None and download:
        source = _downloaded(source, context)
    asked = Asked(source=source, capability=sm, target=target, context=context)
    blank = Passport(
        file=source.file,
        source=source.shown,
        target=str(target),
        size=source.size,
        sha256=source.sha256,
        sha256_from=source.sha256_from,
        capability=str(sm),
        rule=RULE,
    )
    passport = _from_afar(blank, asked) if source.path is None else _from_file(blank, source.path, asked)
    if report_folder is not None:
        write_whole(report_folder / "passport.json", redact(to_json(passport, indent=2)) + "\n")
        write_whole(report_folder / "passport.txt", "".join(f"{line}\n" for line in passport_lines(passport)))
        write_whole(report_folder / "passport.html", passport_page(passport))
    return Inspected(passport=passport, exit_code=ExitCode.INTEGRITY if passport.problems else ExitCode.OK)


def _downloaded(source: WheelSource, context: Context) -> WheelSource:
    """Fetch the whole file into the cache, by its hash."""
    if source.sha256 is None:
        raise UsageError(
            f"the hash of {source.file} is not known, so it is not downloaded",
            context=source.shown,
            hint="give --sha256 HEX, or a URL that ends with #sha256=HEX",
            reference="hash-needed",
        )
    assert source.url is not None, "what is not here has a URL"
    destination = context.home.cache / "wheels" / source.sha256[:16] / source.file
    path = context.web.download(
        source.url, destination, sha256=source.sha256, size=source.size, description=source.file
    )
    return replace(source, path=path)


def _from_file(passport: Passport, path: Path, asked: Asked) -> Passport:
    """Read a wheel that is here, whole; or a library that is no wheel."""
    with _opened(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        is_zip = stream.read(2) == b"PK" or path.suffix == ".whl"
        with step(f"reading {asked.source.file} ({size / 1e6:,.1f} MB)"):
            digest = sha256_of(path)
            _require_hash(digest, asked.source)
            told = asked.source.sha256_from
            passport = replace(
                passport,
                size=size,
                bytes_read=size,
                sha256=digest,
                sha256_from=f"computed here, as {told} says" if told else "computed here",
            )
            if not is_zip:
                libraries = about_readings([read_library(path, asked.source.file)], None, asked)
                return about_code(passport, libraries, asked.capability)
            with open_archive(stream, name=asked.source.file, where=asked.source.shown) as archive:
                return _from_archive(passport, archive, asked)


def _from_archive(passport: Passport, archive: zipfile.ZipFile, asked: Asked) -> Passport:
    contents = read_contents(archive)
    cache = asked.context.home.cache
    with disk_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=cache, prefix="inspect-")
    with folder as name:
        readings = list(read_libraries(archive, contents.libraries, Path(name), contents.hashes))
    if not any(one.problem for one in readings):  # else the library that says it may be the broken one
        passport = replace(passport, built_for=built_for_in(archive))
    passport = about_metadata(
        replace(passport, record=contents.record, problems=contents.problems), contents.metadata, contents.wheel, asked
    )
    return about_code(passport, about_readings(readings, contents.metadata, asked), asked.capability)


def _from_afar(passport: Passport, asked: Asked) -> Passport:
    """Read a wheel by ranges: its directory and texts; of its libraries, what is known without them."""
    source = asked.source
    assert source.url is not None, "what is not here has a URL"
    remote = MeteredRemote(asked.context.web, max_requests=MAX_REQUESTS, max_bytes=MAX_BYTES)
    with step(f"reading the end of {source.file}"), _ranges_needed(source):
        size = source.size if source.size is not None else remote.size(source.url)
        url = source.url
        stream = RangeFile(size, lambda start, stop: remote.read_range(url, start, stop))
        with open_archive(stream, name=source.file, where=source.shown) as archive:
            contents = read_contents(archive)
    passport = about_metadata(
        replace(passport, size=size, record=contents.record, problems=contents.problems),
        contents.metadata,
        contents.wheel,
        asked,
    )
    table = load_measured(asked.context.constraints / "devicecode.toml")
    measured = find_measured(table, source.file, source.sha256, passport.cuda)
    if measured is not None and measured.file == source.file and source.sha256 not in {None, measured.sha256}:
        measured = None  # of that name, but another file
    if measured is None:
        passport = _asked_torch(passport, size, remote, asked)
    passport = replace(passport, requests=remote.requests, bytes_read=remote.bytes)
    passport = replace(passport, notes=(*passport.notes, *_about_measured(passport, measured, size)))
    if measured is not None and measured.built_for:
        passport = replace(passport, built_for=measured.built_for)
    libraries = [_unread(member, measured, asked) for member in contents.libraries]
    return about_code(passport, libraries, asked.capability)


def _asked_torch(passport: Passport, size: int, remote: MeteredRemote, asked: Asked) -> Passport:
    """Read torch's own word for what it was built for, where the limits allow it."""
    if canonicalize_name(passport.name or "") != "torch" or passport.cuda is None or asked.source.url is None:
        return passport
    try:
        with step("reading what it was built for"):
            found = read_built_for(asked.source.url, size, remote, name=asked.source.file, where=asked.source.shown)
    except (IntegrityError, NetworkError) as error:
        return replace(
            passport, notes=(*passport.notes, f"what torch was built for could not be read: {error.message}")
        )
    return replace(passport, built_for=found)


def _about_measured(passport: Passport, measured: MeasuredWheel | None, size: int) -> list[str]:
    whole = f"--download reads all of it, {size / 1e6:,.1f} MB"
    if measured is None:
        return [f"its libraries were not read: {whole}"]
    same = measured.file == passport.file and measured.sha256 == passport.sha256
    which = "this very wheel" if same else f"{measured.file}: the same release, CUDA and platform"
    return [f"device code as measured {measured.measured} in {which} ({measured.how}); {whole}"]


def _unread(member: zipfile.ZipInfo, measured: MeasuredWheel | None, asked: Asked) -> LibraryPassport:
    """Say of a library that was not read what was measured; a measured wheel's others have no device code."""
    name = member.filename.rpartition("/")[2]
    code = None
    if measured is not None:
        code = next((one for one in measured.libraries if one.library == name), DeviceCode(library=name))
    return with_code(
        member.filename,
        code,
        asked.capability,
        size=member.file_size,
        packed=member.compress_size,
        known=NOT_READ if measured is None else f"measured {measured.measured}",
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UsageError(
            f"{printable(str(path))} cannot be read",
            context=error.strerror or str(error),
            hint="check its mode",
            reference="not-readable",
        ) from error
    with stream:
        yield stream


@contextmanager
def _ranges_needed(source: WheelSource) -> Iterator[None]:
    """Where a server gives no parts of files, say what the whole file would cost."""
    try:
        yield
    except NetworkError as error:
        if error.reference != "no-range-support":
            raise
        cost = f"{source.size / 1e6:,.1f} MB" if source.size is not None else "a size that the server does not tell"
        raise NetworkError(
            f"the server does not serve parts of {source.file}: it can only be downloaded whole, {cost}",
            context=source.shown,
            hint="say so with --download" + ("" if source.sha256 else " and --sha256 HEX, its hash"),
            reference="no-range-support",
        ) from error


def _require_hash(digest: str, source: WheelSource) -> None:
    if source.sha256 is not None and source.sha256.lower() != digest:
        raise IntegrityError(
            f"{source.file} is not the file that was named",
            context=f"sha256 {digest}\nexpected {source.sha256}, by {source.sha256_from}",
            hint="fetch it again, or correct the hash",
            reference="wrong-hash",
        )
