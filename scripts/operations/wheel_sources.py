"""What `wheel.inspect` is given, a path, a URL or a requirement, made into one file that can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import url2pathname

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.model.target import Target
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.local_paths import LONGEST, home_spelled_out, not_a_file, printable, shortened, stands_here
from scripts.operations.torch_lock import named_source
from scripts.redaction import redact
from scripts.strategies.base import TorchSource
from scripts.wheels.archive import is_library
from scripts.wheels.evaluate import evaluate, explain
from scripts.wheels.metadata import needed

_REMOTE = ("http", "https")
_FILES = (".whl", ".so", ".fatbin")
_DIRECT = re.compile(r"[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*([a-zA-Z][a-zA-Z0-9+.-]*://\S+)")
_NAME = re.compile(r"[\w.+!-]+\.whl")
"""A file of that name may be written into a folder of ours."""


@dataclass(frozen=True, kw_only=True)
class WheelSource:
    """One file, here (`path`) or behind a URL."""

    file: str
    path: Path | None = None
    url: str | None = field(default=None, repr=False)
    size: int | None = None
    """In bytes, where an index tells it."""
    sha256: str | None = None
    sha256_from: str = ""
    """Who says so: `--sha256`, `the URL`, `the index`."""
    index: str | None = field(default=None, repr=False)
    """Where what it requires is looked up; None: the default index."""
    notes: tuple[str, ...] = ()
    """What of a requirement was left out."""

    @property
    def shown(self) -> str:
        """The path or URL, without credentials."""
        return redact(printable(str(self.path)) if self.url is None else self.url)


def find_source(
    what: str, context: Context, *, target: Target, strategy: str, index: str | None, sha256: str | None
) -> WheelSource:
    """Find the file that is meant. Raises UsageError, and for a requirement NoCandidateError and NetworkError.

    A URL may end with `#sha256=...`; `sha256`, which may be None, goes before that and before the index's word.
    """
    given = _checked(sha256, "--sha256")
    source = named_source(strategy, context, index=index)
    text = what.strip()
    if direct := _DIRECT.fullmatch(text):  # PEP 508: name @ url
        text = direct[1]
    scheme = _scheme(text)
    if scheme == "file":
        return _local(Path(url2pathname(urlsplit(text).path)), given, source.index)
    if scheme in _REMOTE:
        return _remote(text, given, source.index)
    if scheme:
        raise UsageError(
            f"{scheme}:// is not read from",
            context=redact(text),
            hint="name a wheel by its path, or by a URL with http, https or file",
            reference="bad-url",
        )
    path = home_spelled_out(text)
    if stands_here(path) or "/" in text.partition("@")[0] or text.endswith(_FILES) or is_library(text):
        return _local(path, given, source.index)
    return _required(text, source, context, target=target, index=index, sha256=given)


def _scheme(text: str) -> str:
    """Read a URL's scheme; empty for what is none. Raises UsageError (bad-url) for a URL that cannot be read."""
    if "://" not in text:
        return ""
    try:
        return urlsplit(text).scheme.lower()
    except ValueError as error:
        raise UsageError(
            f"{redact(text)!r} is no URL",
            context=str(error),
            hint="write it whole, as https://HOST/PATH or file:///PATH",
            reference="bad-url",
        ) from error


def _checked(sha256: str | None, option: str) -> str | None:
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"{option} {sha256!r} is no sha256", hint="it has 64 hexadecimal digits", reference="bad-hash")
    return None if sha256 is None else sha256.lower()


def _local(path: Path, sha256: str | None, index: str | None) -> WheelSource:
    problem = not_a_file(path)
    if problem:
        raise UsageError(
            problem,
            hint="name a wheel by its path, its URL, or as a requirement: torch==2.15.0",
            reference="no-such-file",
        )
    told = "--sha256" if sha256 else ""
    return WheelSource(file=printable(path.name), path=path, sha256=sha256, sha256_from=told, index=index)


def _remote(url: str, sha256: str | None, index: str | None) -> WheelSource:
    """Take a URL's file name and hash."""
    bare, fragment = urldefrag(url)
    told = dict(part.partition("=")[::2] for part in fragment.split("&")).get("sha256")
    name = unquote(urlsplit(bare).path).rpartition("/")[2]
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{redact(bare)} does not end with a wheel's name",
            hint="only wheels are read from afar: NAME-VERSION-PYTHON-ABI-PLATFORM.whl",
            reference="not-a-wheel",
        )
    if sha256 is None and told is not None:
        return WheelSource(file=name, url=bare, sha256=_checked(told, "#sha256"), sha256_from="the URL", index=index)
    return WheelSource(file=name, url=bare, sha256=sha256, sha256_from="--sha256" if sha256 else "", index=index)


def _required(
    text: str, source: TorchSource, context: Context, *, target: Target, index: str | None, sha256: str | None
) -> WheelSource:
    """Choose the best wheel of a requirement for the target, as an installer would; a CPU-only build is one too."""
    wanted = _requirement(text)
    notes = _conditions(wanted, text, target)
    if wanted.url is not None:
        return replace(_remote(wanted.url, sha256, source.index), notes=notes)
    project = canonicalize_name(wanted.name)
    where = source.index if context.lanes.owns(project) else index
    found = evaluate(
        _files(project, context, where),
        target,
        version=wanted.specifier if str(wanted.specifier) else None,
        lane_cuda=source.lane_cuda if project == "torch" else None,
        prereleases=source.prereleases,
    )
    if not found.candidates:
        raise NoCandidateError(
            f"{source.name} has no wheel of {project}{wanted.specifier} for {target}",
            context=explain(found),
            hint="choose another release, --platform, --python or --strategy",
            reference="no-wheel",
        )
    file = found.candidates[0].file
    if not _NAME.fullmatch(file.filename):
        raise IntegrityError(
            f"the index names a wheel {file.filename!r}", hint="name another mirror", reference="wrong-name"
        )
    return WheelSource(
        file=file.filename,
        url=urldefrag(file.url)[0],
        size=file.size,
        sha256=sha256 or file.sha256,
        sha256_from="--sha256" if sha256 else "the index" if file.sha256 else "",
        index=source.index,
        notes=notes,
    )


def _requirement(text: str) -> Requirement:
    try:
        wanted = Requirement(text)
        if len(wanted.name) > LONGEST:
            raise InvalidRequirement(f"no project has a name of {len(wanted.name):,} characters")
    except (ValueError, RecursionError) as error:  # InvalidRequirement, and numbers of thousands of digits
        raise UsageError(
            f"{shortened(redact(text))!r} is no path, no URL and no requirement",
            context=shortened(redact((str(error).splitlines() or [""])[0])),
            hint="write it like torch==2.15.0, ./torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl, or https://...",
            reference="bad-requirement",
        ) from None
    return wanted


def _conditions(wanted: Requirement, text: str, target: Target) -> tuple[str, ...]:
    """Say what of a requirement is left out. Raises NoCandidateError where its marker is false for the target."""
    if wanted.marker is not None and not needed([text], target):
        raise NoCandidateError(
            f"{shortened(redact(text))} does not apply to {target}",
            context=f"{shortened(str(wanted.marker))} is not true there",
            hint="leave the marker out, or choose another --platform or --python",
            reference="marker-is-false",
        )
    if not wanted.extras:
        return ()
    return (f"its extras were not looked into: {shortened(', '.join(sorted(wanted.extras)))}",)


def _files(project: str, context: Context, where: str | None) -> tuple[IndexFile, ...]:
    """List a project's files; of one that the default index does not have, no lane is to blame."""
    try:
        return context.index(where).project(project)
    except NoCandidateError as error:
        if where is not None or error.reference != "project-not-found":
            raise
        raise NoCandidateError(
            error.message,
            context=error.context,
            hint=f"is the name right? A file is named by its path: ./{project}",
            reference=error.reference,
        ) from error
