"""An archive of sources: its hash first, then unpacked so that nothing lands outside its folder."""

from __future__ import annotations

import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from scripts.disk import disk_errors
from scripts.errors import IntegrityError
from scripts.partfile import sha256_of

_MOST_BYTES = 8_000_000_000
_MOST_FILES = 500_000
"""Some ten times what torch's own source holds, submodules and all."""
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # zipfile's, for what is encrypted
    zlib.error,
    lzma.LZMAError,
)
"""What the readers of archives raise for bytes that are none; the disk's own errors are DiskErrors by then."""


def require_hash(archive: Path, sha256: str) -> None:
    """Insist on an archive's hash. Raises IntegrityError (hash-mismatch), DiskError."""
    with disk_errors(archive):
        found = sha256_of(archive)
    if found != sha256:
        raise IntegrityError(
            f"{archive.name} is not the source that was planned with",
            context=f"planned: sha256 {sha256}\nfound:   sha256 {found}",
            reference="hash-mismatch",
            hint="fetch it again; if it stays, whoever serves it changed the file: build nothing of it",
        )


def member_names(archive: Path) -> list[str]:
    """List what an archive holds. Raises IntegrityError (bad-archive)."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                return packed.namelist()
        with tarfile.open(archive) as stream:
            return stream.getnames()
    except _DAMAGED as error:
        raise _bad(archive, str(error) or type(error).__name__) from error


def unpack(archive: Path, to: Path, *, lift: bool = True) -> None:
    """Unpack an archive whose one top folder becomes `to`; where it has none, or without `lift`, all of it does.

    Raises IntegrityError (bad-archive) for what is damaged, too large, or would land elsewhere, DiskError.
    """
    try:
        with disk_errors(to):
            to.mkdir(parents=True)
            if zipfile.is_zipfile(archive):
                _unpack_zip(archive, to)
            else:
                _unpack_tar(archive, to)
            if lift:
                _lift(to)
    except _DAMAGED as error:
        raise _bad(archive, str(error) or type(error).__name__) from error


def _unpack_tar(archive: Path, to: Path) -> None:
    with tarfile.open(archive) as stream:
        members = stream.getmembers()
        _require_bounded(archive, (one.size for one in members))
        for member in members:
            _require_inside(archive, member)
        if hasattr(tarfile, "data_filter"):
            stream.extractall(to, members=members, filter="data")
        else:  # Python before 3.11.4, as Debian 12 has it
            stream.extractall(to, members=members)  # noqa: S202 - each was looked at above


def _require_inside(archive: Path, member: tarfile.TarInfo) -> None:
    """Refuse what is no file, folder or link, and what would land or lead outside. Raises IntegrityError."""
    paths = [PurePosixPath(member.name)]
    if member.issym():
        paths.append(PurePosixPath(member.name).parent / member.linkname)
    elif member.islnk():
        paths.append(PurePosixPath(member.linkname))
    elif not (member.isfile() or member.isdir()):
        raise _bad(archive, f"{member.name!r} is no file")
    if any(path.is_absolute() or posixpath.normpath(path).startswith("..") for path in paths):
        raise _bad(archive, f"{member.name!r} would land or lead outside")


def _unpack_zip(archive: Path, to: Path) -> None:
    with zipfile.ZipFile(archive) as stream:
        infos = stream.infolist()
        _require_bounded(archive, (one.file_size for one in infos))
        for info in infos:
            path = PurePosixPath(info.filename)
            if path.is_absolute() or ".." in path.parts or "\\" in info.filename:
                raise _bad(archive, f"{info.filename!r} would land outside")
            stream.extract(info, to)


def _require_bounded(archive: Path, sizes: Iterable[int]) -> None:
    every = list(sizes)
    if len(every) > _MOST_FILES or sum(every) > _MOST_BYTES:
        raise _bad(archive, f"it holds {len(every)} files of {sum(every)} bytes")


def _lift(folder: Path) -> None:
    """Put what is in the one top folder in its place."""
    tops = list(folder.iterdir())
    if len(tops) == 1 and tops[0].is_dir() and not tops[0].is_symlink():
        inner = tops[0].rename(folder.with_name(f"{folder.name}.top"))
        folder.rmdir()
        inner.rename(folder)


def _bad(archive: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"{archive.name} is no archive that can be unpacked",
        context=why,
        reference="bad-archive",
        hint="fetch it again; an archive that reaches out of its folder is not to be built at all",
    )
