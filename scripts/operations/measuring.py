"""wheel.measure: read wheels whole, ask NVRTCs and assemblers themselves, and write what they say into constraints/.

What is written is what `predict` and `timeline` go by where nothing is downloaded.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.disk import write_if_changed
from scripts.errors import BrokenError, IntegrityError, NoCandidateError, UsageError
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, ComputeCapability, Target
from scripts.model.wheels import Candidate
from scripts.operations.context import Context
from scripts.operations.fetching import fetch_wheel, forget_wheel, scratch
from scripts.operations.measuring_triton import measure_triton
from scripts.operations.proving import ask_nvrtc
from scripts.operations.site import another_machine
from scripts.operations.torch_lock import read_build
from scripts.progress import say
from scripts.strategies.locks import NVRTC_NAMES
from scripts.wheels import measured, nvrtc, triton
from scripts.wheels.archive import is_library, open_archive
from scripts.wheels.builtfor import built_for_in
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.evaluate import evaluate, explain
from scripts.wheels.libraries import read_libraries
from scripts.wheels.measured import MeasuredWheel
from scripts.wheels.nvrtc import NvrtcRow

CAPABILITIES = tuple(
    ComputeCapability(number // 10, number % 10)
    for number in (50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 88, 89, 90, 100, 101, 103, 110, 120, 121)
)
"""What each NVRTC is asked for: every capability that CUDA 11.8 to 13.5 knows."""

_ANSWERS = (0, 5)
"""NVRTC_SUCCESS, and NVRTC_ERROR_INVALID_OPTION: it does not know the architecture."""

OLDEST_TORCH = Version("2.5.0")
OLDEST_TRITON = Version("3.1.0")
"""What torch 2.5.0 pins."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Which rows were written, and which files changed."""

    rows: tuple[str, ...]
    changed: tuple[str, ...]


def measure(what: str, architecture: Architecture | None, context: Context) -> Measured:
    """Measure one release of torch, Triton or an NVRTC, `torch==2.15.0`; `all`: whatever has no row yet.

    A torch is read for `architecture` (None: both). Raises UsageError for anything else, and what downloading raises.
    """
    architectures = tuple(Architecture) if architecture is None else (architecture,)
    rows: list[str] = []
    changed: set[str | None] = set()
    for name, version in releases(what, context):
        targets = [another_machine(one, SUPPORTED_PYTHONS[0]) for one in architectures]
        match name:
            case "torch":
                new = _torch(version, targets, context)
            case "triton":
                new = _triton(version, context)
            case _:
                new = _nvrtc(name, version, context)
        for row, file in new:
            say(f"measured: {row}")
            rows.append(row)
            changed.add(file)
    return Measured(rows=tuple(rows), changed=tuple(sorted(filter(None, changed))))


def releases(what: str, context: Context) -> list[tuple[str, str]]:
    """Name the releases that `measure` would measure. Raises UsageError."""
    return list(_missing(context)) if what.strip().lower() == "all" else [_parsed(what)]


def _parsed(what: str) -> tuple[str, str]:
    try:
        wanted = Requirement(what)
    except InvalidRequirement:
        wanted = Requirement("nothing")
    name, pins = canonicalize_name(wanted.name), list(wanted.specifier)
    exact = [one.operator for one in pins] == ["=="] and "*" not in pins[0].version
    if name not in {"torch", "triton", *NVRTC_NAMES} or not exact:
        raise UsageError(
            f"{what!r} cannot be measured",
            reference="not-measurable",
            hint="name a release: torch==2.15.0, triton==3.9.0 or nvidia-cuda-nvrtc==13.2.86; "
            "or `all` for what has no row yet",
        )
    return name, pins[0].version


def _missing(context: Context) -> Iterable[tuple[str, str]]:
    """Name every stable release on the default index that has no row."""
    known = {row.version for row in nvrtc.load_nvrtc(context.constraints / "nvrtc.toml").nvrtc}
    for name in NVRTC_NAMES:
        for version in _releases(name, context):
            if str(version) not in known:
                yield name, str(version)
    assemblers = {row.version for row in triton.load_triton(context.constraints / "triton.toml").triton}
    for version in _releases("triton", context):
        if version >= OLDEST_TRITON and str(version) not in assemblers:
            yield "triton", str(version)
    wheels = measured.load_measured(context.constraints / "devicecode.toml").wheels
    for version in _releases("torch", context):
        if version >= OLDEST_TORCH and sum(f"torch-{version}-" in wheel.file for wheel in wheels) < len(Architecture):
            yield "torch", str(version)


def _releases(project: str, context: Context) -> list[Version]:
    versions = set()
    for architecture in Architecture:
        target = another_machine(architecture, SUPPORTED_PYTHONS[0])
        found = evaluate(context.index(None).project(project), target, version=None)
        versions |= {Version(candidate.version) for candidate in found.candidates}
    return sorted(versions)


def _nvrtc(package: str, version: str, context: Context) -> Iterable[tuple[str, str | None]]:
    answer = ask_nvrtc(package, version, CAPABILITIES, context, keep=False)
    compiles = {name for name, result in answer["compiles"].items() if result["ok"]}
    strange = {name: result for name, result in answer["compiles"].items() if result["code"] not in _ANSWERS}
    if strange:
        raise BrokenError(
            f"{package} {version} fails in a way that is no refusal: {next(iter(strange.values()))['name']}",
            context=f"for {', '.join(strange)}",
            reference="nvrtc-broken",
            hint="nothing was written: ask it on another machine",
        )
    names = [capability.sm for capability in CAPABILITIES]
    row = NvrtcRow(
        version=version,
        package=package,
        measured=datetime.now(UTC).date().isoformat(),
        how=f"invoke wheel.measure {package}=={version}  # {context.facts.host.architecture}",
        compiles=tuple(name for name in names if name in compiles),
        refuses=tuple(name for name in names if name not in compiles),
    )
    path = context.constraints / "nvrtc.toml"
    changed = write_if_changed(path, nvrtc.table_text(nvrtc.with_row(nvrtc.load_nvrtc(path), row)))
    yield f"{package} {version}: {len(row.compiles)} of {len(names)} architectures", path.name if changed else None


def _triton(version: str, context: Context) -> Iterable[tuple[str, str | None]]:
    path = context.constraints / "triton.toml"
    row = measure_triton(version, context)
    changed = write_if_changed(path, triton.table_text(triton.with_row(triton.load_triton(path), row)))
    yield f"triton {version}: {len(row.assemblers)} assemblers", path.name if changed else None


def _torch(version: str, targets: Iterable[Target], context: Context) -> Iterable[tuple[str, str | None]]:
    path = context.constraints / "devicecode.toml"
    for target in targets:
        found = evaluate(context.index(None).project("torch"), target, version=SpecifierSet(f"=={version}"))
        if not found.candidates:
            raise NoCandidateError(
                f"the default index has no torch {version} for {target}",
                context=explain(found, 5),
                hint="choose another release, or --platform x86_64 or aarch64",
                reference="no-torch",
            )
        row = _read(found.candidates[0], target, context)
        changed = write_if_changed(path, measured.table_text(measured.with_row(measured.load_measured(path), row)))
        yield f"{row.file}: {sum(code.total for code in row.libraries)} fatbins", path.name if changed else None


def _read(candidate: Candidate, target: Target, context: Context) -> MeasuredWheel:
    """Download a torch wheel, read its device code whole, and remove it again."""
    file = candidate.file
    cuda = read_build(candidate, target, context, None).cuda
    path = fetch_wheel(file, context)
    assert file.sha256 is not None, "else it is not fetched"
    try:
        with (
            scratch(context) as folder,
            path.open("rb") as stream,
            open_archive(stream, name=path.name, where=str(path)) as archive,
        ):
            libraries = _device_code(archive, folder)
            stated = built_for_in(archive) if cuda else None
    finally:
        forget_wheel(path)
    return MeasuredWheel(
        file=file.filename,
        sha256=file.sha256,
        cuda=cuda,
        built_for=stated or "",
        measured=datetime.now(UTC).date().isoformat(),
        how=f"invoke wheel.measure torch=={candidate.version} --platform {target.architecture}",
        libraries=libraries,
    )


def _device_code(archive: zipfile.ZipFile, folder: Path) -> tuple[DeviceCode, ...]:
    """Read the libraries that hold device code. Raises IntegrityError where one cannot be read: half is no row."""
    members = [member for member in archive.infolist() if is_library(member.filename)]
    found = []
    for reading in read_libraries(archive, members, folder, {}):
        if reading.code is None:
            raise IntegrityError(
                f"{reading.library}: {reading.problem}",
                reference="bad-library",
                hint="nothing was written: look at it with `invoke wheel.inspect --download`",
            )
        if reading.code.total:
            found.append(reading.code)
    return tuple(found)
