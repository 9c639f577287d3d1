"""What a wheel requires, read without downloading it, and what that says of CUDA."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.errors import IntegrityError
from scripts.model.target import Target
from scripts.model.wheels import CudaBuild, IndexFile
from scripts.redaction import redact
from scripts.wheels.archive import info_file, open_archive, read_text
from scripts.wheels.evaluate import local_cuda, parse_wheel_name
from scripts.wheels.ports import Remote
from scripts.wheels.rangefile import RangeFile

Follow: TypeAlias = Callable[[str, SpecifierSet], str]
"""Gives the METADATA text of the release of a project that fits: for requirements that stand for others."""

# packaging reads markers with ast.parse, which fails in several threads at once (python/cpython#106905).
_PARSING = threading.Lock()

_NVRTC = "nvidia-cuda-nvrtc*"
_RUNTIME = "nvidia-cuda-runtime*"
_TOOLKIT = "cuda-toolkit"
_CUDA = ("nvidia-*", _TOOLKIT, "cuda-bindings")
_TRITON = ("triton", "pytorch-triton*")


def read_metadata(file: IndexFile, web: Remote) -> str:
    """Read a wheel's METADATA: from beside the wheel (PEP 658), else from the end of the wheel itself.

    An index may serve `.metadata` without announcing it, and may announce it and not serve it, so it is tried; a page
    of another kind in its place is passed over. Raises NetworkError, and IntegrityError (wrong-metadata, bad-wheel).
    """
    reply = web.get(file.metadata_url)
    if reply.status == 200:
        text = reply.body.decode("utf-8", "replace")
        if text.startswith("Metadata-Version:"):
            return _checked(text, file)
    return _checked(_from_wheel(file, web), file)


def _checked(text: str, file: IndexFile) -> str:
    """Return the text if it is this wheel's."""
    raw, _ = parse_email(text)
    wanted = parse_wheel_name(file.filename)
    found = (canonicalize_name(raw.get("name", "")), raw.get("version", ""))
    if wanted is not None and (found[0], parse_version(found[1])) == wanted[:2]:
        return text
    raise IntegrityError(
        f"the metadata of {file.filename} is that of something else",
        context=f"Name: {found[0] or 'none'}, Version: {found[1] or 'none'}\n{redact(file.url)}",
        hint="name a mirror that serves what it is asked for",
        reference="wrong-metadata",
    )


def _from_wheel(file: IndexFile, web: Remote) -> str:
    """Read METADATA out of the remote zip: its end, its directory, the one file."""
    size = file.size if file.size is not None else web.size(file.url)
    remote = RangeFile(size, lambda start, stop: web.read_range(file.url, start, stop))
    with open_archive(remote, name=file.filename, where=redact(file.url)) as archive:
        return read_text(archive, info_file(archive, "METADATA"))


def cuda_build(metadata_text: str, target: Target, follow: Follow) -> CudaBuild:
    """Tell from a torch wheel's metadata which CUDA, NVRTC and Triton it needs on a target.

    NVRTC is pinned by name, or through `cuda-toolkit[nvrtc]==13.2.2`, whose extra is followed. A build is CPU-only
    where nothing of CUDA is required and its local version names none: torch 2.9.1 for aarch64 on the default index.

    Raises IntegrityError (wrong-metadata) where there is no version, or CUDA is required and no release of it is
    pinned, and what `follow` raises.
    """
    raw, _ = parse_email(metadata_text)
    lines = tuple(raw.get("requires_dist", ()))
    torch = raw.get("version", "")
    version = parse_version(torch)
    if version is None:
        raise IntegrityError(
            "the metadata of torch names no version",
            context=f"Version: {torch[:80] or 'none'}",
            hint="choose another --torch, or another index",
            reference="wrong-metadata",
        )
    requirements = needed(lines, target)
    toolkit = _named(requirements, _TOOLKIT)
    compiler = _named(requirements, _NVRTC)
    if _pin(compiler) is None and toolkit is not None:
        compiler = _named(_through(toolkit, target, follow), _NVRTC)
    nvrtc = _pin(compiler)
    cuda = _cuda(local_cuda(version), requirements, toolkit, nvrtc, what=f"torch {torch}")
    return CudaBuild(
        torch=torch,
        cuda=cuda,
        nvrtc=None if cuda is None else nvrtc,
        nvrtc_package=None if cuda is None or nvrtc is None or compiler is None else canonicalize_name(compiler.name),
        triton=_pin(_named(requirements, *_TRITON)),
        requirements=lines,
    )


def _cuda(
    local: str | None, requirements: Sequence[Requirement], toolkit: Requirement | None, nvrtc: str | None, *, what: str
) -> str | None:
    """Tell the release of CUDA, `13.2`, by the first that names it; None: a CPU-only build.

    `local` is what the local version says (local_cuda). Raises IntegrityError (wrong-metadata).
    """
    if local == "cpu" or (local is None and not any(_matches(one, _CUDA) for one in requirements)):
        return None
    releases = (local, _pin(toolkit), _pin(_named(requirements, _RUNTIME)), nvrtc)
    found = next((_minor(one) for one in releases if one is not None), None)
    if found is None:
        raise IntegrityError(
            f"{what} requires CUDA, but its metadata does not say which",
            context="\n".join(map(str, requirements)),
            hint="choose another --torch",
            reference="wrong-metadata",
        )
    return found


def needed(lines: Iterable[str], target: Target, extras: Sequence[str] = ("",)) -> list[Requirement]:
    """Read the requirements whose markers hold on the target, with any of the extras."""
    with _PARSING:
        return [one for one in map(_requirement, lines) if one is not None and _holds(one, target, extras)]


def _requirement(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except (ValueError, RecursionError):  # packaging's own, int's of too many digits, markers in thousands of brackets
        return None  # as installers do for a line they cannot read; what counts here is always readable


def _holds(requirement: Requirement, target: Target, extras: Sequence[str]) -> bool:
    marker = requirement.marker
    try:
        return marker is None or any(marker.evaluate({**_environment(target), "extra": extra}) for extra in extras)
    except (ValueError, RecursionError):  # a comparison that means nothing
        return False


def _environment(target: Target) -> dict[str, str]:
    """Spell out PEP 508's variables for a target, so that nothing of this machine is taken."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{target.python}.0",
        "os_name": "posix",
        "platform_machine": str(target.architecture),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{target.python}.0",
        "python_version": str(target.python),
        "sys_platform": "linux",
    }


def _through(toolkit: Requirement, target: Target, follow: Follow) -> list[Requirement]:
    """Read what the toolkit's extras require."""
    if "nvrtc" not in toolkit.extras and "all" not in toolkit.extras:
        return []
    raw, _ = parse_email(follow(toolkit.name, toolkit.specifier))
    return needed(raw.get("requires_dist", ()), target, sorted(toolkit.extras))


def _matches(requirement: Requirement, patterns: Iterable[str]) -> bool:
    name = canonicalize_name(requirement.name)
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _named(requirements: Iterable[Requirement], *patterns: str) -> Requirement | None:
    return next((one for one in requirements if _matches(one, patterns)), None)


def _pin(requirement: Requirement | None) -> str | None:
    """Read the release that a requirement pins: `==13.2.86`, `==13.2.86.*` and `~=3.9.0` alike."""
    if requirement is None:
        return None
    for one in requirement.specifier:
        pinned = one.version.removesuffix(".*")
        if one.operator in {"==", "===", "~="} and parse_version(pinned) is not None:  # `===` takes any text
            return pinned
    return None


def parse_version(text: str) -> Version | None:
    """Read a version; None for what is none, and for one of more digits than int takes."""
    try:
        return Version(text)
    except ValueError:
        return None


def _minor(version: str) -> str:
    """`13.2` of `13.2.86`."""
    release = Version(version).release
    return f"{release[0]}.{release[1] if len(release) > 1 else 0}"
