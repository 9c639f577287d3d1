"""A package of somebody's environment, kept byte for byte, and put back so.

`repairs/<digest of the environment's path>/` holds a tar of the files and a manifest, which is written whole before
anything is changed. Putting back can be begun again at any point: every file is written new beside its place and
renamed, and only then goes what was not there before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.environments.snapshot import own_folders, own_names, sha256_of, snapshot
from scripts.environments.store import TOOL
from scripts.errors import IntegrityError
from scripts.home import Home
from scripts.model.repair import MANIFEST_SCHEMA, Manifest, ManifestState, SavedEntry, SavedKind
from scripts.serial import from_data, to_json


@dataclass(frozen=True)
class Backup:
    """The folder of one environment's backup."""

    folder: Path

    @classmethod
    def of(cls, home: Home, prefix: Path) -> Backup:
        """Name it. Nothing is made by that."""
        return cls(home.repairs / hashlib.sha256(str(prefix).encode()).hexdigest()[:12])

    @property
    def tar(self) -> Path:
        """The files, each under the number of its entry."""
        return self.folder / "files.tar"

    def read(self) -> Manifest | None:
        """Read the manifest; None: there is no backup.

        Raises IntegrityError (bad-record) for one that is torn, or another version's.
        """
        path = self.folder / "manifest.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise IntegrityError(
                f"{path} cannot be read: {error}", reference="bad-record", hint=self._hint()
            ) from error
        if not isinstance(data, dict) or (data.get("tool"), data.get("schema")) != (TOOL, MANIFEST_SCHEMA):
            raise IntegrityError(
                f"{path} is of another version, or not ours", reference="bad-record", hint=self._hint()
            )
        return from_data(Manifest, data, what=str(path))

    def save(self, manifest: Manifest) -> None:
        """Keep the files that a manifest names, check what was kept, and write the manifest last."""
        try:
            with disk_errors(self.folder):
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir(parents=True)
                self._pack(manifest)
            self.check(manifest)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)  # of no use without a manifest, and it takes space
            raise
        self.write(manifest)

    def _pack(self, manifest: Manifest) -> None:
        with tarfile.open(self.tar, "w", dereference=True) as archive:
            for number, entry in enumerate(manifest.saved):
                if entry.kind is SavedKind.FILE:
                    archive.add(Path(manifest.site) / entry.path, arcname=str(number), recursive=False)
        with self.tar.open("rb") as stream:
            os.fsync(stream.fileno())

    def write(self, manifest: Manifest) -> None:
        """Write the manifest, whole."""
        write_whole(self.folder / "manifest.json", to_json(manifest, indent=1) + "\n")

    def check(self, manifest: Manifest) -> None:
        """Insist that every file that was kept is as it was. Raises IntegrityError (damaged-backup)."""
        wanted = [one for one in manifest.saved if one.kind is SavedKind.FILE]
        found = [entry.path for entry, data in self._files(manifest) if sha256_of(data) == entry.sha256]
        if len(found) != len(wanted):
            lost = sorted({one.path for one in wanted} - set(found))
            raise IntegrityError(
                f"the backup in {self.folder} is damaged",
                context="\n".join(lost[:5]),
                reference="damaged-backup",
                hint=f"nothing was changed; install {manifest.package}=={manifest.version} anew by hand",
            )

    def put_back(self, manifest: Manifest) -> None:
        """Make everything as it was. Raises IntegrityError before the first change, DiskError."""
        self.check(manifest)
        site = Path(manifest.site)
        with disk_errors(site):
            for entry in manifest.saved:
                if entry.kind is SavedKind.FOLDER:
                    (site / entry.path).mkdir(parents=True, exist_ok=True)
            for entry, data in self._files(manifest):
                _write_as(site / entry.path, data, entry)
            for entry in manifest.saved:
                if entry.kind is SavedKind.LINK:
                    _link_as(site / entry.path, entry)
            _remove_others(manifest, site)
            for entry in reversed(manifest.saved):  # a folder's own time is the last to be set
                if entry.kind is SavedKind.FOLDER:
                    (site / entry.path).chmod(entry.mode)
                    os.utime(site / entry.path, ns=(entry.mtime_ns, entry.mtime_ns))
            if not manifest.had_lock:
                (Path(manifest.venv) / ".lock").unlink(missing_ok=True)

    def put_back_shared(self, manifest: Manifest) -> None:
        """Put back what the removal of the old package took from a folder that others use as well."""
        site = Path(manifest.site)
        own = own_names(one.path for one in manifest.saved)
        with disk_errors(site):
            for entry, data in self._files(manifest):
                if not _is_below(entry.path, own) and not (site / entry.path).exists():
                    _write_as(site / entry.path, data, entry)

    def remove(self) -> None:
        """Delete the backup, the manifest first: without it there is none."""
        with disk_errors(self.folder):
            (self.folder / "manifest.json").unlink(missing_ok=True)
            shutil.rmtree(self.folder)

    def keep(self, manifest: Manifest) -> Manifest:
        """Note that the change is done, and what stands in the environment now."""
        site = Path(manifest.site)
        kept = dataclasses.replace(
            manifest, state=ManifestState.KEPT, installed=snapshot(site, manifest.package, with_folders=False)
        )
        self.write(kept)
        return kept

    def reopen(self, manifest: Manifest) -> Manifest:
        """Note that a change is under way again."""
        opened = dataclasses.replace(manifest, state=ManifestState.OPEN)
        self.write(opened)
        return opened

    def _files(self, manifest: Manifest) -> Iterator[tuple[SavedEntry, bytes]]:
        """Give what the tar holds, with the entry that each is of. A damaged tar ends early."""
        with disk_errors(self.tar), self.tar.open("rb") as stream:
            try:
                with tarfile.open(fileobj=stream) as archive:
                    for member in archive:
                        content = archive.extractfile(member) if member.name.isdecimal() else None
                        if content is not None and int(member.name) < len(manifest.saved):
                            yield manifest.saved[int(member.name)], content.read()
            except (tarfile.TarError, EOFError):
                return

    def _hint(self) -> str:
        return f"look at {self.folder} and delete it by hand; the environment's NVRTC is then to be installed anew"


def new_manifest(*, venv: Path, site: Path, package: str, version: str, lifted: str, created: str) -> Manifest:
    """Describe what is to be saved. Raises DiskError where it cannot be read."""
    return Manifest(
        schema=MANIFEST_SCHEMA,
        tool=TOOL,
        created=created,
        venv=str(venv),
        site=str(site),
        package=package,
        version=version,
        lifted=lifted,
        state=ManifestState.OPEN,
        had_lock=(venv / ".lock").exists(),
        saved=snapshot(site, package),
    )


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _beside(path: Path) -> Path:
    """Name what is to become `path`: always the same, so that one that a kill left is overwritten."""
    return path.with_name(f".{path.name}.{TOOL}")


def _write_as(path: Path, data: bytes, entry: SavedEntry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.chmod(entry.mode)
    os.utime(temporary, ns=(entry.mtime_ns, entry.mtime_ns))
    temporary.replace(path)


def _link_as(path: Path, entry: SavedEntry) -> None:
    temporary = _beside(path)
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(entry.target)
    os.utime(temporary, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)
    temporary.replace(path)


def _remove_others(manifest: Manifest, site: Path) -> None:
    """Delete what stands in the package's own folders and was not there: deepest first."""
    saved = {one.path for one in manifest.saved}
    own = own_folders(site, (one.path for one in (*manifest.saved, *snapshot(site, manifest.package))))
    there = {str(path.relative_to(site)) for folder in own for path in (site / folder).rglob("*")} | set(own)
    for path in sorted(there - saved, reverse=True):
        whole = site / path
        if whole.is_dir() and not whole.is_symlink():
            whole.rmdir()
        else:
            whole.unlink(missing_ok=True)
