"""Bring a source here by its hash: an sdist of the default index, or an archive from a URL of a recipe."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.utils import canonicalize_name

from scripts.errors import IntegrityError, NoCandidateError
from scripts.model.recipes import SourceKind, SourceSpec
from scripts.operations.context import Context
from scripts.partfile import sha256_of

_ARCHIVES = (".tar.gz", ".zip", ".tar.bz2", ".tgz")


def fetch_source(spec: SourceSpec, cache: Path, context: Context) -> Path:
    """Give the archive in the cache, downloaded if it is not there.

    Raises NoCandidateError (no-sdist), NetworkError, IntegrityError for one with another hash, DiskError.
    """
    name = f"{spec.project}-{spec.version}" if spec.kind is SourceKind.SDIST else _filename(spec.location)
    place = cache / spec.sha256[:16] / f"{name}.archive"
    if place.is_file() and sha256_of(place) == spec.sha256:
        return place
    url = _sdist(spec, context) if spec.kind is SourceKind.SDIST else spec.location
    context.web.download(url, place, sha256=spec.sha256, size=None, description=f"downloading the source of {name}")
    return place


def _filename(url: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", url.rpartition("/")[2].partition("?")[0])[:80] or "source"


def _sdist(spec: SourceSpec, context: Context) -> str:
    files = context.index(None).project(spec.project)
    wanted = canonicalize_name(spec.project)
    for file in files:
        stem = next((file.filename.removesuffix(one) for one in _ARCHIVES if file.filename.endswith(one)), None)
        if (
            stem is None
            or canonicalize_name(stem.rpartition("-")[0]) != wanted
            or stem.rpartition("-")[2] != spec.version
        ):
            continue
        if file.sha256 is not None and file.sha256 != spec.sha256:
            raise IntegrityError(
                f"{file.filename} is not the source that the recipe pins",
                context=f"pinned:       sha256 {spec.sha256}\non the index: sha256 {file.sha256}",
                reference="hash-mismatch",
                hint="somebody replaced it: look at what changed before you pin the other one",
            )
        return file.url
    raise NoCandidateError(
        f"the index has no sdist of {spec.project} {spec.version}",
        reference="no-sdist",
        hint="check the recipe's source.project and source.version",
    )
