"""The wheelhouse: wheels that were built here, as a package index in files that uv and pip read.

    simple/            the index's pages
    files/PROJECT/     wheels, each with its .metadata and its .provenance.json
    stamps/            what was built of what: STAMP.json is written last, and is what counts
    SHA256SUMS

A publication that was cut off left files without a stamp, which the next one of that wheel writes anew; the pages are
always made from the stamps.
"""

from __future__ import annotations

import email.parser
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from scripts.builds.index_pages import Listed, hashes_text, project_html, project_json, root_html, root_json
from scripts.builds.rewriting import parse_name
from scripts.disk import disk_errors, write_if_changed, write_whole
from scripts.errors import BuildError, IntegrityError, SparkError
from scripts.model.builds import BuildPlan, Published, TagChoice
from scripts.partfile import sha256_of
from scripts.progress import say
from scripts.serial import from_data, to_json


class Wheelhouse:
    """One wheelhouse. Nothing is made by naming it; it may be on a shared disk, and need not be writable to be read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def lock(self) -> Path:
        """The file that whoever publishes is to hold a lock of."""
        return self.root / "lock"

    def require_writable(self) -> None:
        """Insist that a wheel can be taken in: to be known before hours of work. Raises DiskError."""
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass

    def find(self, stamp: str) -> Published | None:
        """Give the wheel of a build; None: there is none, or it is not whole any more, which is said."""
        published = self._read(self.root / "stamps" / f"{stamp}.json")
        if published is None:
            return None
        wheel = self.root / published.wheel
        size = wheel.stat().st_size if wheel.is_file() else None
        if size == published.size:
            return published
        what = "is gone" if size is None else f"has {size} bytes instead of {published.size}"
        say(f"{published.filename} {what}: it is built again")
        return None

    def require(self, published: Published) -> Path:
        """Give a wheel's path, its hash compared. Raises IntegrityError (damaged-wheel)."""
        wheel = self.root / published.wheel
        with disk_errors(wheel):
            found = sha256_of(wheel)
        if found != published.sha256:
            raise IntegrityError(
                f"{published.filename} of the wheelhouse is not what was published",
                context=f"published: sha256 {published.sha256}\nfound:     sha256 {found}",
                reference="damaged-wheel",
                hint="delete that file, and the next wheel.build makes it again",
            )
        return wheel

    def wheels(self) -> tuple[Published, ...]:
        """Give every wheel, by its file's name."""
        folder = self.root / "stamps"
        found = [self._read(path) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
        whole = [one for one in found if one is not None and (self.root / one.wheel).is_file()]
        return tuple(sorted(whole, key=lambda one: (one.project, one.filename)))

    def publish(self, wheel: Path, *, plan: BuildPlan, provenance: Mapping[str, Any], tag: TagChoice) -> Published:
        """Take a wheel in. A build repeated takes the place of what it gave before.

        Raises BuildError (same-name) where another build gave a wheel of this name: a file name means one content.
        Raises DiskError.
        """
        name = parse_name(wheel)
        project = canonicalize_name(name.name)
        place = f"files/{project}/{wheel.name}"
        self._require_own(place, plan.stamp)
        metadata = _member(wheel, f"{name.dist_info}/METADATA")
        published = Published(
            project=project,
            version=name.version,
            filename=wheel.name,
            sha256=sha256_of(wheel),
            stamp=plan.stamp,
            size=wheel.stat().st_size,
            wheel=place,
            provenance=f"{place}.provenance.json",
            tag_reason=f"{tag.tag}, {tag.reason}",
            cuda=plan.cuda,
            archs=tuple(one.sm for one in plan.archs),
        )
        self._take(wheel, place, plan.stamp)
        write_whole(self.root / f"{place}.metadata", metadata.decode("utf-8", "replace"))
        write_whole(self.root / published.provenance, json.dumps(provenance, indent=1) + "\n")
        write_whole(self.root / "stamps" / f"{plan.stamp}.json", to_json(published))
        self.write_pages()
        return published

    def _take(self, wheel: Path, place: str, stamp: str) -> None:
        """Lay the file down. No stamp may speak of another content that was there, or was deleted from there."""
        target = self.root / place
        making = target.with_name(f".{target.name}.making")
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(wheel, making)
                with making.open("rb") as stream:
                    os.fsync(stream.fileno())
                for path in (self.root / "stamps").glob("*.json"):
                    published = self._read(path)
                    if path.stem == stamp or (published is not None and published.wheel == place):
                        path.unlink()
                making.replace(target)
            finally:
                making.unlink(missing_ok=True)

    def write_pages(self) -> None:
        """Make the index's pages of what the stamps say. Raises DiskError."""
        wheels = self.wheels()
        projects = sorted({one.project for one in wheels})
        simple = self.root / "simple"
        for project in projects:
            listed = [self._listed(one) for one in wheels if one.project == project]
            write_if_changed(simple / project / "index.html", project_html(project, listed))
            write_if_changed(simple / project / "index.json", project_json(project, listed))
        write_if_changed(simple / "index.html", root_html(projects))
        write_if_changed(simple / "index.json", root_json(projects))
        write_if_changed(self.root / "SHA256SUMS", hashes_text(wheels))

    def _listed(self, one: Published) -> Listed:
        text = (self.root / f"{one.wheel}.metadata").read_bytes()
        fields = email.parser.HeaderParser().parsestr(text.decode("utf-8", "replace"))
        return Listed(
            published=one,
            metadata_sha256=hashlib.sha256(text).hexdigest(),
            requires_python=fields.get("Requires-Python", ""),
        )

    def _require_own(self, place: str, stamp: str) -> None:
        others = [one for one in self.wheels() if one.wheel == place and one.stamp != stamp]
        if others:
            raise BuildError(
                f"{Path(place).name} is in the wheelhouse already, from another build",
                context=f"its stamp: {others[0].stamp}\nthis one:  {stamp}\nin {self.root}",
                reference="same-name",
                hint="give this one a name of its own (build.local_version of its recipe, or its version), use another "
                "--wheelhouse, or delete that wheel's file there",
            )

    def _read(self, path: Path) -> Published | None:
        """Read a stamp; one that cannot be read is none, and said."""
        if not path.is_file():
            return None
        try:
            return from_data(Published, json.loads(path.read_text(encoding="utf-8")), what=str(path))
        except (OSError, ValueError, SparkError) as error:
            say(f"note: {path} cannot be read, and is passed over: {error}")
            return None


def _member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)
