"""Write wheels whose bytes depend on their content alone, so that their hash can be pinned.

Files are stored, never deflated: deflate's output differs between versions of zlib. Dates, modes and order are
fixed. The format is the binary distribution format of packaging.python.org, `RECORD` and all.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.disk import disk_errors

_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold
_MODE = 0o100644 << 16  # a regular file, rw-r--r--
_UNIX = 3


def wheel_filename(name: str, version: str, tag: str = "py3-none-any") -> str:
    """Name a wheel: normalised name and version, then the tag."""
    return f"{_escaped(name)}-{Version(version)}-{tag}.whl"


def dist_info(name: str, version: str) -> str:
    """Name a wheel's `.dist-info` folder."""
    return f"{_escaped(name)}-{Version(version)}.dist-info"


def metadata_text(name: str, version: str, *fields: tuple[str, str]) -> str:
    """Write a METADATA file: name and version, then `fields` in their order."""
    lines = [("Metadata-Version", "2.1"), ("Name", name), ("Version", version), *fields]
    return "".join(f"{key}: {value}\n" for key, value in lines)


def wheel_bytes(
    *, name: str, version: str, files: Mapping[str, bytes], metadata: str, tag: str = "py3-none-any"
) -> bytes:
    """Make the wheel in memory.

    `files` maps paths inside the wheel to content; METADATA, WHEEL and RECORD are ours to write, anything else of
    the `.dist-info` folder may be among the files. `metadata` is METADATA's text.
    """
    folder = dist_info(name, version)
    purelib = "true" if tag.endswith("-none-any") else "false"
    wheel = f"Wheel-Version: 1.0\nGenerator: kokoro-spark\nRoot-Is-Purelib: {purelib}\n"
    wheel += "".join(f"Tag: {one}\n" for one in _expanded(tag))
    info = {path: data for path, data in files.items() if path.startswith(f"{folder}/")}
    entries = dict(sorted(item for item in files.items() if item[0] not in info))
    # The archive ends with .dist-info, so that tools which read the end of a wheel find it there.
    entries |= dict(sorted(info.items()))
    entries |= {f"{folder}/METADATA": metadata.encode(), f"{folder}/WHEEL": wheel.encode()}
    record = [f"{_quoted(path)},{_record_hash(data)},{len(data)}" for path, data in entries.items()]
    entries[f"{folder}/RECORD"] = ("\n".join([*record, f"{folder}/RECORD,,"]) + "\n").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in entries.items():
            archive.writestr(_entry(path), data)
    return buffer.getvalue()


def write_wheel(
    folder: Path,
    *,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    metadata: str,
    tag: str = "py3-none-any",
) -> Path:
    """Write the wheel of `wheel_bytes` into `folder`, whole or not at all, and return its path.

    Raises DiskError where the folder cannot be written.
    """
    data = wheel_bytes(name=name, version=version, files=files, metadata=metadata, tag=tag)
    path = folder / wheel_filename(name, version, tag)
    with disk_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{path.name}.", delete=False) as stream:
            temporary = Path(stream.name)
            try:
                stream.write(data)
                stream.flush()
                temporary.chmod(0o644)
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    return path


def _escaped(name: str) -> str:
    return canonicalize_name(name).replace("-", "_")


def _expanded(tag: str) -> list[str]:
    """Spell out a compressed tag: `py2.py3-none-any` is two."""
    pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
    return [f"{python}-{abi}-{platform}" for python in pythons for abi in abis for platform in platforms]


def _entry(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, _DATE)
    info.create_system = _UNIX
    info.external_attr = _MODE
    return info


def _record_hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path  # RECORD is CSV
