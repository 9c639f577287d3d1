"""Inspect a wheel without fetching it: its directory and texts by ranges; of libraries what is known without them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from packaging.utils import canonicalize_name

from scripts.errors import IntegrityError, NetworkError
from scripts.operations.passport_text import size_words
from scripts.operations.passporting import Asked, about_metadata
from scripts.operations.passporting_code import about_code
from scripts.operations.wheel_sources import WheelSource
from scripts.progress import step
from scripts.wheels.archive import open_archive
from scripts.wheels.builtfor import read_built_for
from scripts.wheels.contents import read_contents
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.measured import MeasuredWheel, find_measured, load_measured
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.passport import NOT_READ, LibraryPassport, Passport, with_code
from scripts.wheels.rangefile import RangeFile


def inspect_from_afar(passport: Passport, asked: Asked) -> Passport:
    """Fill a passport in by ranges. Raises IntegrityError (bad-wheel), NetworkError (no-range-support, and others)."""
    source = asked.source
    assert source.url is not None, "what is not here has a URL"
    remote = MeteredRemote(asked.context.web)
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
    if contents.libraries:
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
    whole = f"--download reads all of it, {size_words(size)}"
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
def _ranges_needed(source: WheelSource) -> Iterator[None]:
    """Where a server gives no parts of files, say what the whole file would cost."""
    try:
        yield
    except NetworkError as error:
        if error.reference != "no-range-support":
            raise
        cost = f", {size_words(source.size)}" if source.size is not None else ""
        raise NetworkError(
            f"the server does not serve parts of {source.file}: it can only be downloaded whole{cost}",
            context=error.context,
            hint="say so with --download" + ("" if source.sha256 else " and --sha256 HEX, its hash"),
            reference="no-range-support",
        ) from error
