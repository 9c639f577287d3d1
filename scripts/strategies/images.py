"""The base images of containers: which there are, and what is known of each. Data is in constraints/images.toml.

There are two kinds: those that Kokoro runs in (strategy `ngc`), and those that wheels are built in (`[builder]`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.errors import NoCandidateError, UsageError
from scripts.serial import from_data
from scripts.wheels.tables import bad_table, read_toml

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
# Docker's grammar for a reference, a little narrower: [host[:port]/]path[:tag][@sha256:digest].
_REFERENCE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]*(?::\d+)?(?:/[a-z0-9][a-z0-9._-]*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_BUILDER = "builder"
_OPTIONAL = dict.fromkeys(("torch", "cuda", "python", "digest", "download", "download_basis"))


@dataclass(frozen=True, kw_only=True)
class BaseImage:
    """One image, and what is known of it. None: not known."""

    reference: str
    """As an engine takes it: `name:tag`, by digest where that is known."""
    torch: str | None = None
    cuda: str | None = None
    python: str | None = None
    platforms: tuple[str, ...] | None = None
    """What its tag was built for."""
    download: int | None = None
    """Bytes, compressed."""
    download_basis: str | None = None
    """`measured`, `read` or `estimated`."""
    source: str = "named by hand: nothing is known of it before it is here"


@dataclass(frozen=True, kw_only=True)
class TagRow:
    """One row of the table."""

    tag: str
    torch: str | None
    cuda: str | None
    python: str | None
    digest: str | None
    platforms: tuple[str, ...]
    download: int | None
    download_basis: str | None
    checked: str
    source: str


@dataclass(frozen=True, kw_only=True)
class ImageTable:
    """Every base image that something is known of, and the default."""

    name: str
    default: str
    tags: tuple[TagRow, ...]

    def base(self, wanted: str | None) -> BaseImage:
        """Find what `--image` names: a tag of ours, or a whole `NAME:TAG`, `NAME@sha256:...`; None: the default.

        Raises UsageError (bad-image) for what is no reference to an image.
        """
        text = self.default if wanted is None else wanted.strip()
        if _TAG.fullmatch(text):
            text = f"{self.name}:{text}"
        found = _REFERENCE.fullmatch(text)
        if found is None or not (found["tag"] or found["digest"]):
            raise UsageError(
                f"{wanted!r} names no image",
                reference="bad-image",
                hint=f"give a tag ({', '.join(row.tag for row in self.tags)}), NAME:TAG or NAME@sha256:DIGEST",
            )
        row = self._row(found["name"], found["tag"])
        if row is None or (found["digest"] and found["digest"] != f"@{row.digest}"):
            return BaseImage(reference=text)
        return _base(row, text if found["digest"] else _by_digest(text, row))

    def _row(self, name: str, tag: str | None) -> TagRow | None:
        return next((row for row in self.tags if name == self.name and row.tag == tag), None)


@dataclass(frozen=True, kw_only=True)
class BuilderTable:
    """The base images that wheels are built in, one for a CUDA release; the first is for what needs none."""

    name: str
    distribution: str
    """ID of their /etc/os-release: whose names the system's packages have."""
    tags: tuple[TagRow, ...]

    def base(self, cuda: str | None) -> BaseImage:
        """Choose the one whose compiler is of a CUDA release; None: any will do.

        Raises NoCandidateError (no-builder-image).
        """
        row = next((row for row in self.tags if cuda in {row.cuda, None}), None)
        if row is None:
            raise NoCandidateError(
                f"there is no image to build for CUDA {cuda} in",
                context=f"there are some for: {', '.join(row.cuda or '' for row in self.tags)}",
                reference="no-builder-image",
                hint="build on the host (--in host), or add NVIDIA's devel image of it to constraints/images.toml",
            )
        return _base(row, _by_digest(f"{self.name}:{row.tag}", row))


def _by_digest(reference: str, row: TagRow) -> str:
    return f"{reference}@{row.digest}" if row.digest else reference


def _base(row: TagRow, reference: str) -> BaseImage:
    return BaseImage(
        reference=reference,
        torch=row.torch,
        cuda=row.cuda,
        python=row.python,
        platforms=row.platforms,
        download=row.download,
        download_basis=row.download_basis,
        source=f"{row.source} (as of {row.checked})",
    )


def load_images(path: Path) -> ImageTable:
    """Read constraints/images.toml. Raises IntegrityError where it is missing or not of that shape."""
    data = {key: value for key, value in read_toml(path).items() if key != _BUILDER}
    table = from_data(ImageTable, {**data, "tags": _rows(data)}, what=str(path))
    if table.default not in {row.tag for row in table.tags}:
        raise bad_table(path, f"the default {table.default!r} is none of its tags")
    return table


def load_builders(path: Path) -> BuilderTable:
    """Read the images to build in from the same file. Raises IntegrityError as load_images does."""
    data = read_toml(path).get(_BUILDER)
    if not isinstance(data, dict):
        raise bad_table(path, f"it has no [{_BUILDER}]")
    table = from_data(BuilderTable, {**data, "tags": _rows(data)}, what=str(path))
    if not table.tags:
        raise bad_table(path, f"[{_BUILDER}] has no tags")
    return table


def _rows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**_OPTIONAL, **row, "tag": tag} for tag, row in data.get("tags", {}).items()]
