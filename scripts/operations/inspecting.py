"""wheel.inspect: the passport of one wheel, from its bytes, or from afar by the few of them that say what it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from scripts.disk import write_whole
from scripts.errors import ExitCode, IntegrityError, UsageError
from scripts.home import CHECKOUT
from scripts.model.target import ComputeCapability, Target
from scripts.operations.context import Context
from scripts.operations.fetching import cached_wheel, forget_wheel, scratch
from scripts.operations.inspecting_afar import inspect_from_afar
from scripts.operations.local_paths import printable
from scripts.operations.meanwhile import meanwhile
from scripts.operations.passport_page import passport_page
from scripts.operations.passport_text import passport_lines, size_words
from scripts.operations.passporting import Asked, about_metadata
from scripts.operations.passporting_code import about_code, about_needs, about_readings
from scripts.operations.report_folder import report_errors, require_report_folder
from scripts.operations.wheel_sources import WheelSource, find_source
from scripts.partfile import sha256_of
from scripts.progress import step
from scripts.redaction import redact
from scripts.serial import to_json
from scripts.wheels.architectures import RULE
from scripts.wheels.archive import is_library, open_archive
from scripts.wheels.builtfor import built_for_in
from scripts.wheels.contents import read_contents
from scripts.wheels.fatbin import MAGIC
from scripts.wheels.hashing import hash_members
from scripts.wheels.libraries import read_libraries, read_library
from scripts.wheels.passport import Passport
from scripts.wheels.tables import read_toml


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
        require_report_folder(report_folder)
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
        notes=source.notes,
    )
    passport = inspect_from_afar(blank, asked) if source.path is None else _from_file(blank, source.path, asked)
    if report_folder is not None:
        _write(passport, report_folder)
    return Inspected(passport=passport, exit_code=ExitCode.INTEGRITY if passport.problems else ExitCode.OK)


def _write(passport: Passport, folder: Path) -> None:
    """Write the three forms of the passport."""
    made = f"kokoro-spark {toolkit_version()}, {datetime.now(UTC):%Y-%m-%d}"
    with report_errors():
        write_whole(folder / "passport.json", redact(to_json(passport, indent=2)) + "\n")
        write_whole(folder / "passport.txt", "".join(f"{line}\n" for line in passport_lines(passport)))
        write_whole(folder / "passport.html", passport_page(passport, made=made))


def toolkit_version() -> str:
    """Read the toolkit's own version. Raises IntegrityError where pyproject.toml is not what it was."""
    return str(read_toml(CHECKOUT / "pyproject.toml")["project"]["version"])


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
    destination = cached_wheel(source.sha256, source.file, context)
    try:
        path = context.web.download(
            source.url, destination, sha256=source.sha256, size=source.size, description=source.file
        )
    except IntegrityError:
        forget_wheel(destination)  # its folder is named by the hash that nothing has
        raise
    return replace(source, path=path)


def _from_file(passport: Passport, path: Path, asked: Asked) -> Passport:
    """Read a wheel that is here, whole; or a library that is no wheel."""
    with _opened(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        is_zip = _is_wheel(path, stream)
        with step(f"reading {asked.source.file} ({size_words(size)})"):
            hashed = meanwhile(lambda: sha256_of(path))
            if asked.source.sha256 is not None:  # what is not the file that was named is not looked into
                _require_hash(hashed(), asked.source)
            passport = replace(passport, size=size, bytes_read=size)
            if is_zip:
                with open_archive(stream, name=asked.source.file, where=asked.source.shown) as archive:
                    passport = _from_archive(passport, archive, path, asked)
            else:
                libraries = about_readings([read_library(path, asked.source.file)], None, asked)
                passport = about_code(passport, libraries, asked.capability)
            told = asked.source.sha256_from
            how = f"computed here, as {told} says" if told else "computed here"
            return replace(passport, sha256=hashed(), sha256_from=how)


def _is_wheel(path: Path, stream: BinaryIO) -> bool:
    """Tell a wheel from a library. Raises UsageError for what is neither."""
    stream.seek(0)
    head = stream.read(4)
    if head[:2] == b"PK" or path.suffix == ".whl":
        return True
    if head in {b"\x7fELF", MAGIC} or is_library(path.name) or path.suffix == ".fatbin":
        return False
    raise UsageError(
        f"{printable(str(path))} is neither a wheel nor a library",
        hint="name a .whl, a shared library (.so) or a .fatbin",
        reference="not-a-wheel",
    )


def _from_archive(passport: Passport, archive: zipfile.ZipFile, path: Path, asked: Asked) -> Passport:
    contents = read_contents(archive)
    libraries = {one.filename for one in contents.libraries}
    hashed = meanwhile(lambda: hash_members(path, contents.members, contents.hashes, without=libraries))
    # What is asked of an index takes half as long as reading torch's libraries.
    described = meanwhile(lambda: about_metadata(passport, contents.metadata, contents.wheel, asked))
    with scratch(asked.context) as folder:
        readings = list(read_libraries(archive, contents.libraries, folder, contents.hashes))
    contents = contents.with_hashes(hashed(), [one.library for one in readings if one.wrong_hash])
    filled = described()
    filled = replace(filled, record=contents.record, problems=(*contents.problems, *filled.problems))
    if not any(one.problem for one in readings):  # else the library that says it may be the broken one
        filled = replace(filled, built_for=built_for_in(archive))
    passports = about_readings(readings, contents.metadata, asked)
    return about_code(about_needs(filled, passports, asked), passports, asked.capability)


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


def _require_hash(digest: str, source: WheelSource) -> None:
    if source.sha256 is not None and source.sha256.lower() != digest:
        raise IntegrityError(
            f"{source.file} is not the file that was named",
            context=f"sha256 {digest}\nexpected {source.sha256}, by {source.sha256_from}",
            hint="fetch it again, or correct the hash",
            reference="wrong-hash",
        )
