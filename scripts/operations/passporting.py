"""Fill a passport in: what a wheel's texts say, and what the tables know of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.metadata import RawMetadata, parse_email
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.errors import IntegrityError, SparkError
from scripts.model.target import ComputeCapability, Target
from scripts.model.wheels import CudaBuild, IndexFile
from scripts.operations.context import Context
from scripts.operations.wheel_sources import WheelSource
from scripts.wheels import nvrtc, triton
from scripts.wheels.drivers import load_drivers, lowest_driver, packaged_driver
from scripts.wheels.evaluate import evaluate, parse_wheel_name
from scripts.wheels.metadata import cuda_build, parse_version
from scripts.wheels.passport import Passport
from scripts.wheels.reader import WheelReader
from scripts.wheels.sonames import unreadable_requirements

_LONGEST = 120
_MOST_TAGS = 50
"""What is taken of a name, a version, a tag, and of tags: a compressed tag of any length spells out into millions."""
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a passport is made of and for."""

    source: WheelSource
    capability: ComputeCapability
    target: Target
    context: Context


def about_metadata(passport: Passport, metadata: str, wheel: str, asked: Asked) -> Passport:
    """Say what METADATA and WHEEL say: name, tags against the target, CUDA, NVRTC, Triton, driver."""
    raw, _ = parse_email(metadata)
    name, version = raw.get("name", "")[:_LONGEST], raw.get("version", "")[:_LONGEST]
    tags = sorted(line.partition(":")[2].strip()[:_LONGEST] for line in wheel.splitlines() if line.startswith("Tag:"))
    fits, why = _fits(asked, raw.get("requires_python"))
    problems = (
        *passport.problems,
        *_disagreements(asked.source.file, name, version, tags),
        *_unreadable(raw.get("requires_dist", ())),
    )
    passport = replace(
        passport,
        name=name or None,
        version=version or None,
        tags=tuple(tags[:_MOST_TAGS]),
        fits=fits,
        fits_why=why,
        problems=problems,
    )
    return _about_cuda(passport, metadata, raw, asked)


def _fits(asked: Asked, requires_python: str | None) -> tuple[bool, str]:
    """Judge the file's name and Requires-Python for the target, as an installer does."""
    file = IndexFile(
        project="",
        filename=asked.source.file,
        url="",
        sha256=None,
        size=None,
        requires_python=requires_python,
        yanked=None,
        metadata_url="",
        metadata_announced=False,
    )
    found = evaluate([file], asked.target, version=None, prereleases=True)
    return bool(found.candidates), found.rejections[0].detail if found.rejections else ""


def _disagreements(file: str, name: str, version: str, tags: Sequence[str]) -> list[str]:
    """Compare the file's name with what is inside."""
    parts = parse_wheel_name(file)
    if parts is None:
        return [f"{file} is no wheel's name: installers refuse it"]
    project, release, _, named = parts
    problems = []
    if canonicalize_name(name) != project or parse_version(version) not in {release, Version(release.public)}:
        problems.append(
            f"METADATA is of {name or 'no name'} {version or 'without a version'}, the file's name says otherwise"
        )
    if _spelled_out(tags, len(named)) != named:
        shown = f"{', '.join(tags[:_NAMED]) or 'none'}{f' and {len(tags) - _NAMED} more' if len(tags) > _NAMED else ''}"
        problems.append(f"WHEEL names other tags than the file's name: {shown}")
    return problems


def _spelled_out(tags: Iterable[str], most: int) -> set[Tag]:
    """Spell compressed tags out, until there are more than there should be."""
    found: set[Tag] = set()
    for one in tags:
        if one.count("-") == 2:
            found |= parse_tag(one)
        if len(found) > most:
            break
    return found


def _unreadable(lines: Iterable[str]) -> list[str]:
    """Say which Requires-Dist lines are none."""
    found = unreadable_requirements(lines)
    if not found:
        return []
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return [f"Requires-Dist cannot be read: {'; '.join(one[:_LONGEST] for one in found[:_NAMED])}{more}"]


def _about_cuda(passport: Passport, metadata: str, raw: RawMetadata, asked: Asked) -> Passport:
    """Follow the requirements to CUDA's release, NVRTC and Triton, and look each up in its table."""
    build, notes = _build(metadata, asked)
    passport = replace(passport, notes=(*passport.notes, *notes))
    if build is None:
        return replace(passport, cuda_told=False)
    tables = asked.context.constraints
    drivers = load_drivers(tables / "drivers.toml")
    compiler, assembler = None, None
    if build.nvrtc is not None:
        compiler = nvrtc.look_up(nvrtc.load_nvrtc(tables / "nvrtc.toml"), build.nvrtc, asked.capability)
    if build.triton is not None:
        assembler = triton.look_up(triton.load_triton(tables / "triton.toml"), build.triton, asked.capability)
    lane = f"cu{build.cuda.replace('.', '')}" if build.cuda else None
    if lane is None and canonicalize_name(raw.get("name", "")) == "torch":
        lane = "cpu"
    return replace(
        passport,
        cuda=build.cuda,
        lane=lane,
        nvrtc=build.nvrtc,
        nvrtc_compiles=None if compiler is None else compiler.compiles,
        nvrtc_how="" if compiler is None else compiler.how,
        triton=build.triton,
        triton_assembles=None if assembler is None else assembler.assembles,
        triton_how="" if assembler is None else assembler.how,
        driver=None if build.cuda is None else lowest_driver(drivers, build.cuda),
        driver_packaged=None if build.cuda is None else packaged_driver(drivers, build.cuda),
    )


def _build(metadata: str, asked: Asked) -> tuple[CudaBuild | None, list[str]]:
    """Read what CUDA the wheel needs; what cannot be looked up is a note, not a failure."""
    notes: list[str] = []
    context = asked.context
    reader = WheelReader(context.index(asked.source.index), context.web, context.shelf)

    def follow(name: str, specifier: SpecifierSet) -> str:
        try:
            return reader.release(name, specifier, asked.target, needed_by=asked.source.file)
        except SparkError as error:
            notes.append(f"NVRTC's version is not known, for {name}{specifier} could not be read: {error.message}")
            return ""

    try:
        return cuda_build(metadata, asked.target, follow), notes
    except IntegrityError:
        return None, notes
