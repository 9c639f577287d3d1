"""The base images of containers: which there are, and what is known of each. Data is in constraints/images.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError
from scripts.serial import from_data
from scripts.wheels.tables import bad_table, read_toml

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
# Docker's grammar for a reference, a little narrower: [host[:port]/]path[:tag][@sha256:digest].
_REFERENCE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]*(?::\d+)?(?:/[a-z0-9][a-z0-9._-]*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
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
        by_digest = f"@{row.digest}" if row.digest and not found["digest"] else ""
        return BaseImage(
            reference=f"{text}{by_digest}",
            torch=row.torch,
            cuda=row.cuda,
            python=row.python,
            platforms=row.platforms,
            download=row.download,
            download_basis=row.download_basis,
            source=f"{row.source} (as of {row.checked})",
        )

    def _row(self, name: str, tag: str | None) -> TagRow | None:
        return next((row for row in self.tags if name == self.name and row.tag == tag), None)


def load_images(path: Path) -> ImageTable:
    """Read constraints/images.toml. Raises IntegrityError where it is missing or not of that shape."""
    data = read_toml(path)
    rows = [{**_OPTIONAL, **row, "tag": tag} for tag, row in data.get("tags", {}).items()]
    table = from_data(ImageTable, {**data, "tags": rows}, what=str(path))
    if table.default not in {row.tag for row in table.tags}:
        raise bad_table(path, f"the default {table.default!r} is none of its tags")
    return table
