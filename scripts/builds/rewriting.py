"""A wheel unpacked, changed and packed again: deterministic, RECORD made anew, no member wholly in memory."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import stat
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from scripts.builds.archives import unpack
from scripts.disk import disk_errors
from scripts.errors import BuildError

EPOCH = 1767225600
"""2026-01-01, as the builds are told (variables.py): zip counts from 1980."""
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class WheelName:
    """The parts of a wheel's file name."""

    name: str
    version: str
    build: str
    tags: str
    """`cp312-cp312-linux_aarch64`."""

    @property
    def filename(self) -> str:
        """Put together."""
        return "-".join(part for part in (self.name, self.version, self.build, self.tags) if part) + ".whl"

    @property
    def dist_info(self) -> str:
        """`torch_scatter-2.1.2.dist-info`."""
        return f"{self.name}-{self.version}.dist-info"


def parse_name(wheel: Path) -> WheelName:
    """Read a wheel's file name. Raises BuildError (not-a-wheel)."""
    try:
        parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise BuildError(
            f"{wheel.name} is no wheel's name",
            context=str(error),
            reference="not-a-wheel",
            hint="its back end made it up",
        ) from error
    parts = wheel.name.removesuffix(".whl").split("-")
    build = parts[2] if len(parts) == 6 else ""
    return WheelName(name=parts[0], version=parts[1], build=build, tags="-".join(parts[-3:]))


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Unpack a wheel into a new folder, with its programs' modes, which zipfile forgets. Raises IntegrityError."""
    unpack(wheel, folder, lift=False)
    with disk_errors(folder), zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            path = folder / info.filename
            if (info.external_attr >> 16) & stat.S_IXUSR and path.is_file():
                path.chmod(0o755)


def pack(folder: Path, name: WheelName, out: Path) -> Path:
    """Pack a folder into the wheel of that name: sorted, dated alike, its .dist-info last. Raises DiskError."""
    wheel = out / name.filename
    with disk_errors(wheel):
        out.mkdir(parents=True, exist_ok=True)
        making = out / f".{name.filename}.making"
        with zipfile.ZipFile(making, "w", zipfile.ZIP_DEFLATED) as archive:
            rows = [_add(archive, path, folder) for path in _members(folder, name)]
            record = f"{name.dist_info}/RECORD"
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
            archive.writestr(_info(record, 0o644), text.getvalue())
        making.replace(wheel)
    return wheel


def _members(folder: Path, name: WheelName) -> list[Path]:
    info = folder / name.dist_info
    files = [path for path in folder.rglob("*") if path.is_file() and path != info / "RECORD"]
    return sorted(files, key=lambda path: (info in path.parents, path.relative_to(folder).as_posix()))


def _add(archive: zipfile.ZipFile, path: Path, folder: Path) -> tuple[str, str, int]:
    member = path.relative_to(folder).as_posix()
    digest, size = hashlib.sha256(), 0
    executable = os.access(path, os.X_OK)
    with (
        path.open("rb") as source,
        archive.open(_info(member, 0o755 if executable else 0o644), "w", force_zip64=True) as to,
    ):
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            to.write(chunk)
    return member, "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode(), size


def _info(member: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(member, time.gmtime(EPOCH)[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | mode) << 16
    return info
