"""Which wheels `--wheel` means: a path, a URL, the torch wheels of a folder or of an index that fit, best first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import url2pathname

from packaging.specifiers import SpecifierSet

from scripts.errors import NoCandidateError, UsageError
from scripts.model.plan import Request
from scripts.model.target import Target
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.local_paths import home_spelled_out, not_a_file, printable
from scripts.operations.prebuilt_choosing import TORCH, evaluated, listed, no_such_hash, others
from scripts.operations.torch_lock import parse_torch
from scripts.operations.wheel_sources import WheelSource, find_source
from scripts.partfile import sha256_of
from scripts.redaction import redact
from scripts.wheels.evaluate import evaluate, explain, parse_wheel_name

_NAMED = 5
_REMOTE = ("http", "https")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One wheel."""

    source: WheelSource
    claimed: str | None = None
    """The sha256 that the index gives for it: its own word, no proof."""


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What there is to choose from: never empty."""

    where: str
    """In words, without credentials."""
    wheels: tuple[Offer, ...]
    rejected: str = ""
    """Why the others there are no choice."""


def find_offers(what: str, request: Request, target: Target, context: Context) -> Offers:
    """Find the wheels that are meant, by name, tags and version alone.

    Raises UsageError for what names none, NoCandidateError (no-torch) where none fits the target, IntegrityError
    (wrong-hash) where none has the hash, NetworkError.
    """
    wanted = parse_torch(request.torch)
    path = _path_of(what)
    if path is None:
        index = _index_url(what)
        if index is not None:
            return _on_index(index, wanted, request, target, context)
    elif _is_folder(path):
        return _in_folder(path, wanted, request, target)
    require_there(what)
    source = find_source(
        # With a slash in it a path is never taken for a requirement.
        what if path is None else str(path.absolute()),
        context,
        target=target,
        strategy="pypi",
        index=request.index,
        sha256=request.sha256,
    )
    _require_torch(source.file)
    found = evaluate([listed(source)], target, version=wanted, prereleases=True)
    if not found.candidates:
        raise NoCandidateError(
            f"{source.file} is not for {target}" + (f" and --torch {request.torch}" if wanted else ""),
            context=explain(found),
            reference="wheel-does-not-fit",
            hint="name a wheel for this machine's platform and Python, or choose another with --python",
        )
    return Offers(where=source.shown, wheels=(Offer(source=source),))


def require_there(what: str) -> None:
    """Refuse a path at which there is nothing to read. Raises UsageError (no-such-file)."""
    path = _path_of(what)
    problem = "" if path is None or _is_folder(path) else not_a_file(path)
    if problem:
        raise UsageError(
            problem,
            reference="no-such-file",
            hint="--wheel takes a torch wheel's path or URL, a folder of wheels, or the URL of an index",
        )


def hash_here(source: WheelSource) -> str:
    """Compute the sha256 of a wheel that is here. Raises UsageError (not-readable)."""
    assert source.path is not None, "the wheel is here"
    try:
        return sha256_of(source.path)
    except OSError as error:
        raise UsageError(
            f"{source.shown} cannot be read",
            context=error.strerror or str(error),
            reference="not-readable",
            hint="check its mode, and the disk it is on",
        ) from error


def _path_of(what: str) -> Path | None:
    """Give the path that is meant; None for a URL of another scheme than file."""
    if "://" not in what:
        return home_spelled_out(what)
    try:
        parts = urlsplit(what)
    except ValueError:
        return None
    return Path(url2pathname(parts.path)) if parts.scheme.lower() == "file" else None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered: find_source says which
        return False


def _index_url(what: str) -> str | None:
    """Give the index that a URL names, by its root or by torch's page on it; None for a wheel's URL, and for none."""
    try:
        parts = urlsplit(what)
    except ValueError:
        return None
    if parts.scheme.lower() not in _REMOTE or unquote(parts.path).endswith(".whl"):
        return None
    return urldefrag(what)[0].rstrip("/").removesuffix(f"/{TORCH}")


def _on_index(index: str, wanted: SpecifierSet | None, request: Request, target: Target, context: Context) -> Offers:
    """Choose among an index's torch wheels. With a hash, those of which the index does not claim another."""
    files = context.index(index).project(TORCH)
    where = redact(index)
    found = evaluated([_as_linked(file) for file in files], wanted, request, target, where=where)
    candidates = [one.file for one in found.candidates]
    if request.sha256 is not None:
        given = request.sha256.lower()
        candidates = [file for file in candidates if (file.sha256 or given).lower() == given]
        if not candidates:
            raise no_such_hash(where, {one.file.filename: one.file.sha256 or "" for one in found.candidates})
    sources = [_chosen(file, request, target, context) for file in candidates]
    offers = [Offer(source=one, claimed=file.sha256) for one, file in zip(sources, candidates, strict=True)]
    return Offers(where=where, wheels=tuple(offers), rejected=others(found))


def _as_linked(file: IndexFile) -> IndexFile:
    """Take a file's name off it where its link leads to another file, or to none of the web: then it is no wheel."""
    try:
        parts = urlsplit(file.url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() in _REMOTE and unquote(parts.path).rpartition("/")[2] == file.filename:
        return file
    return replace(file, filename=f"{file.filename}, whose link leads to another file")


def _chosen(file: IndexFile, request: Request, target: Target, context: Context) -> WheelSource:
    """Make a source of an index's file. What the page says of its hash is left out: it is no proof."""
    return find_source(
        urldefrag(file.url)[0], context, target=target, strategy="pypi", index=request.index, sha256=request.sha256
    )


def _in_folder(folder: Path, wanted: SpecifierSet | None, request: Request, target: Target) -> Offers:
    """Choose among a folder's torch wheels; with a hash, the one that has it."""
    shown = redact(printable(str(folder)))
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix == ".whl")
    except OSError as error:
        raise UsageError(
            f"the folder {shown} cannot be read",
            context=error.strerror or str(error),
            reference="not-readable",
            hint="check its mode",
        ) from error
    sources = [WheelSource(file=printable(name), path=folder.absolute() / name, index=request.index) for name in names]
    own = [one for one in sources if (parts := parse_wheel_name(one.file)) is not None and parts[0] == TORCH]
    if not own:
        raise NoCandidateError(
            f"the folder {shown} has no wheel of torch",
            context=f"wheels there: {', '.join(names[:_NAMED]) or 'none'}",
            reference="no-torch",
            hint="name a folder that holds torch-VERSION-PYTHON-ABI-PLATFORM.whl, or the wheel itself",
        )
    found = evaluated([listed(one) for one in own], wanted, request, target, where=shown)
    by_name = {one.file: one for one in own}
    ordered = [by_name[one.file.filename] for one in found.candidates]
    if request.sha256 is not None:
        hashes = {one.file: hash_here(one) for one in ordered}
        ordered = [one for one in ordered if hashes[one.file] == request.sha256.lower()]
        if not ordered:
            raise no_such_hash(shown, hashes)
    return Offers(where=shown, wheels=tuple(Offer(source=one) for one in ordered), rejected=others(found))


def _require_torch(file: str) -> None:
    """Refuse another project's wheel by its name, before anything of it is read."""
    parts = parse_wheel_name(file)
    if parts is None:
        raise UsageError(
            f"{file} is no wheel's name",
            reference="not-a-wheel",
            hint="name a wheel as its builder did: torch-VERSION-PYTHON-ABI-PLATFORM.whl",
        )
    if parts[0] != TORCH:
        raise UsageError(
            f"{file} is a wheel of {parts[0]}, not of torch",
            reference="not-torch",
            hint="--wheel names the torch that is to be used; everything else comes from our pins",
        )
