"""Are an environment's files those that were installed?

A distribution's RECORD holds the hash of each of its files; the environment's record holds the hash of each RECORD.
uv links files from its cache, so one careless edit in place changes every environment (facts: hard links).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from scripts.model.environment import ContainerRecord, InstalledFileSet
from scripts.model.evidence import Observation, Outcome
from scripts.model.hook import HOOK_FILE, HOOK_TEXT
from scripts.place import Place

WATCHED = ("torch", "kokoro", "kokoro-spark")
WATCHED_PREFIX = "nvidia-cuda-nvrtc"
RECORDED = frozenset({"onnxruntime", "onnxruntime-gpu", "kokoro-onnx"})
"""Watched too where the environment's record names them: elsewhere they have nothing to do with Kokoro."""
_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True, kw_only=True)
class RecordLine:
    """One file of a RECORD that has a hash. `path` is relative to the folder that the distribution is in."""

    path: str
    algorithm: str
    digest: str
    """URL-safe base64 without padding, as RECORD writes it."""
    size: int | None


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """An installed distribution: its PEP 503 name, its version and its RECORD."""

    name: str
    version: str
    folder: Path
    record: Path


def is_watched(name: str) -> bool:
    """Tell whether verify checks every file of this distribution."""
    return name in WATCHED or name.startswith(WATCHED_PREFIX)


def parse_record(text: str) -> tuple[RecordLine, ...]:
    """Read a RECORD. Lines without a hash (itself, compiled files) say nothing and are left out.

    Raises ValueError where a line is not one of a RECORD or its hash is weaker than SHA-256.
    """
    lines = []
    for row in csv.reader(text.splitlines()):
        if len(row) != 3:
            raise ValueError(f"not a line of a RECORD: {','.join(row)[:80]!r}")
        path, digest, size = row
        if not digest:
            continue
        algorithm, _, value = digest.partition("=")
        if algorithm not in _ALGORITHMS:
            raise ValueError(f"{path}: {algorithm or 'no'} hash")
        lines.append(RecordLine(path=path, algorithm=algorithm, digest=value, size=int(size) if size else None))
    return tuple(lines)


def compare_distributions(
    expected: Iterable[InstalledFileSet], found: Iterable[tuple[str, str, str]]
) -> tuple[str, ...]:
    """Compare the environment's record with (name, version, sha256 of RECORD) as found. Gives the problems."""
    present = {name: (version, digest) for name, version, digest in found}
    problems = []
    for one in expected:
        name = canonicalize_name(one.name)
        if name not in present:
            problems.append(f"{name} {one.version}: is gone")
        elif present[name][1] != one.record_sha256:
            version = present[name][0]
            changed = f"{version} is there now" if version != one.version else "its RECORD is another one"
            problems.append(f"{name} {one.version}: {changed}")
    return tuple(problems)


def find_distributions(folders: Iterable[Path]) -> tuple[Distribution, ...]:
    """List what is installed in folders of an import path, of whatever Python."""
    found = []
    for folder in folders:
        for info in sorted(folder.glob("*.dist-info")):
            name, _, version = info.name.removesuffix(".dist-info").partition("-")
            record = info / "RECORD"
            found.append(Distribution(name=canonicalize_name(name), version=version, folder=folder, record=record))
    return tuple(found)


def check_line(folder: Path, line: RecordLine) -> str | None:
    """Compare one file with its line; None where it is the same, else the problem, naming the file."""
    path = folder / line.path
    try:
        if line.size is not None and path.stat().st_size != line.size:
            return f"{path}: {path.stat().st_size} bytes instead of {line.size}"
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, line.algorithm).digest()
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    same = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == line.digest
    return None if same else f"{path}: its {line.algorithm} is not the one that was installed"


def check_hook(path: Path) -> str | None:
    """Compare the bridge's hook, which is in no RECORD, with what it must be: its line is run at every start."""
    try:
        same = path.read_text(encoding="utf-8") == HOOK_TEXT
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: {error}"
    return None if same else f"{path}: it is not the hook that `invoke bridge.enable` writes"


def observe_integrity(folders: Sequence[Path], expected: Sequence[InstalledFileSet]) -> Observation:
    """Check the RECORDs against the environment's record (`expected`; empty: no record), then the watched files.

    Hashing releases the interpreter's lock, so threads share the work (torch alone is 1 GB).
    """
    distributions = find_distributions(folders)
    problems: list[str] = []
    digests = []
    lines: list[tuple[Path, RecordLine]] = []
    for one in distributions:
        recorded = any(canonicalize_name(item.name) == one.name for item in expected)
        watched = is_watched(one.name) or (recorded and one.name in RECORDED)
        if not watched and not recorded:
            continue
        try:
            data = one.record.read_bytes()
            digests.append((one.name, one.version, hashlib.sha256(data).hexdigest()))
            if watched:
                lines += [(one.folder, line) for line in parse_record(data.decode())]
        except (OSError, ValueError) as error:
            problems.append(f"{one.record}: {error}")
    problems += compare_distributions(expected, digests)
    hooks = [folder / HOOK_FILE for folder in folders if (folder / HOOK_FILE).exists()]
    problems += [problem for path in hooks if (problem := check_hook(path))]
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        problems += [problem for problem in pool.map(lambda pair: check_line(*pair), lines) if problem]
    detail = {
        "distributions": [f"{name} {version}" for name, version, _ in digests],
        "files": len(lines),
        "bytes": sum(line.size or 0 for _, line in lines),
        "compared_with_record": bool(expected),
        "hook": bool(hooks),
        "problems": problems,
    }
    return Observation(
        probe="integrity",
        outcome=Outcome.FAILED if problems else Outcome.PASSED,
        detail=detail,
        error=f"{len(problems)} of the installed files are not what was installed" if problems else "",
    )


def observe_image(place: Place, container: ContainerRecord) -> Observation:
    """Compare the image that a container environment's tag names now with the one that was built.

    An image's id is the hash of its configuration and of all its layers, so of every file in it, torch and NVRTC too.
    """
    found = place.image_id()
    changed = f"is {found} now, built was {container.image_id}"
    problems = [] if found == container.image_id else [f"{container.image}: {changed if found else 'is gone'}"]
    return Observation(
        probe="integrity",
        outcome=Outcome.FAILED if problems else Outcome.PASSED,
        detail={"image": container.image, "image_id": found, "compared_with_record": True, "problems": problems},
        error="the image is not the one that was built" if problems else "",
    )
