"""Judge every file of a page: a candidate, or a rejection with its reason. Pure.

The checks are made in the order of RejectionReason; the first that fails is the reason. The shape is that of pip's
LinkEvaluator. Tags and versions are packaging's business.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import BuildTag, NormalizedName, parse_wheel_filename
from packaging.version import Version

from scripts.model.target import Architecture, Target
from scripts.model.wheels import Candidate, Evaluation, IndexFile, Rejection, RejectionReason

# PEP 600's names of the older policies, by glibc minor.
_LEGACY = {
    Architecture.X86_64: {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"},
    Architecture.AARCH64: {17: "manylinux2014"},
}
_PLAIN = re.compile(r"[\w.+!-]+")
"""What a wheel's name is made of."""
_MOST_TAGS = 500
_NEAREST = (
    RejectionReason.CPU_ONLY,
    RejectionReason.CUDA_LANE,
    RejectionReason.YANKED,
    RejectionReason.PYTHON,
    RejectionReason.PLATFORM,
    RejectionReason.PRERELEASE,
    RejectionReason.VERSION,
    RejectionReason.NOT_A_WHEEL,
)


@dataclass(frozen=True, kw_only=True)
class _Wheel:
    """A file whose name is a wheel's."""

    version: Version
    build: BuildTag
    tags: frozenset[Tag]

    def words(self) -> str:
        """`cp312 x86_64`: what a person needs of the tags."""
        pythons = ".".join(sorted({tag.interpreter for tag in self.tags}))
        platforms = {re.sub(r"^(many|musl)?linux(_\d+_\d+|\d+)?_", "", tag.platform) for tag in self.tags}
        return f"{pythons} {'.'.join(sorted(platforms))}"


def platforms(target: Target) -> tuple[str, ...]:
    """List the platform tags that a target accepts, best first (PEP 600)."""
    major, minor = target.glibc
    legacy = _LEGACY[target.architecture]
    found = []
    for each in range(minor, min(legacy) - 1, -1) if major == 2 else ():
        found.append(f"manylinux_2_{each}_{target.architecture}")
        if each in legacy:
            found.append(f"{legacy[each]}_{target.architecture}")
    return (*found, f"linux_{target.architecture}")


def parse_wheel_name(filename: str) -> tuple[NormalizedName, Version, BuildTag, frozenset[Tag]] | None:
    """Split a file's name; None where it is no wheel's.

    packaging takes tags with slashes in them, and a name like that would lead out of the folder it is written into. It
    multiplies compressed tags out, which a long name makes millions; and of a number with thousands of digits it raises
    another ValueError than its own.
    """
    if not _PLAIN.fullmatch(filename):
        return None
    if math.prod(part.count(".") + 1 for part in filename.split("-")[-3:]) > _MOST_TAGS:
        return None
    try:
        return parse_wheel_filename(filename)
    except ValueError:
        return None


def supported_tags(target: Target) -> tuple[Tag, ...]:
    """List the wheel tags that a target accepts, best first."""
    python = (target.python.major, target.python.minor)
    accepted = platforms(target)
    return (
        *cpython_tags(python, platforms=accepted),
        *compatible_tags(python, interpreter=target.python.tag, platforms=accepted),
    )


def evaluate(
    files: Sequence[IndexFile],
    target: Target,
    *,
    version: SpecifierSet | None,
    lane_cuda: str | None = None,
    prereleases: bool = False,
) -> Evaluation:
    """Judge files for a target. Candidates come best first: newest version, then best tag.

    `version` None: any. `lane_cuda` is the CUDA release that a local version like `+cu130` must name, `13.0`, or
    `cpu`; None: any. A yanked file is a candidate where `version` pins it exactly (PEP 592).
    """
    ranks = {tag: rank for rank, tag in enumerate(supported_tags(target))}
    judge = _Judge(target=target, ranks=ranks, version=version, lane_cuda=lane_cuda, prereleases=prereleases)
    candidates: list[tuple[tuple[Version, int, BuildTag], Candidate]] = []
    rejections = []
    for file in files:
        parts = parse_wheel_name(file.filename)
        if parts is None:
            rejections.append(_rejection(file, RejectionReason.NOT_A_WHEEL, "not a wheel"))
            continue
        _, found, build, tags = parts
        wheel = _Wheel(version=found, build=build, tags=tags)
        problem = judge.problem(file, wheel)
        if problem is not None:
            rejections.append(_rejection(file, *problem))
            continue
        rank = min(ranks[tag] for tag in tags if tag in ranks)
        candidates.append(((found, -rank, build), Candidate(file=file, version=str(found))))
    candidates.sort(key=lambda one: one[0], reverse=True)
    return Evaluation(
        project=files[0].project if files else "",
        candidates=tuple(candidate for _, candidate in candidates),
        rejections=tuple(rejections),
    )


@dataclass(frozen=True, kw_only=True)
class _Judge:
    """What is wanted."""

    target: Target
    ranks: Mapping[Tag, int]
    version: SpecifierSet | None
    lane_cuda: str | None
    prereleases: bool

    def problem(self, file: IndexFile, wheel: _Wheel) -> tuple[RejectionReason, str] | None:
        """Find the first reason against a wheel."""
        return (
            self._version(wheel)
            or self._tags(wheel)
            or self._requires_python(file, wheel)
            or self._yanked(file)
            or self._lane(wheel)
        )

    def _version(self, wheel: _Wheel) -> tuple[RejectionReason, str] | None:
        if self.version is not None and not self.version.contains(wheel.version, prereleases=True):
            return RejectionReason.VERSION, f"version {wheel.version} is not {self.version}"
        asked = self.prereleases or (self.version is not None and bool(self.version.prereleases))
        if wheel.version.is_prerelease and not asked:
            return RejectionReason.PRERELEASE, f"{wheel.version} is a pre-release"
        return None

    def _tags(self, wheel: _Wheel) -> tuple[RejectionReason, str] | None:
        if any(tag in self.ranks for tag in wheel.tags):
            return None
        accepted = {*platforms(self.target), "any"}
        if any(tag.platform in accepted for tag in wheel.tags):
            return RejectionReason.PYTHON, f"{wheel.words()}: wrong Python"
        newer = min((glibc for tag in wheel.tags if (glibc := self._glibc(tag)) is not None), default=None)
        if newer is not None:
            return RejectionReason.PLATFORM, f"{wheel.words()}: needs glibc 2.{newer}"
        return RejectionReason.PLATFORM, f"{wheel.words()}: wrong platform"

    def _glibc(self, tag: Tag) -> int | None:
        """Return the glibc minor that a tag of our architecture needs."""
        match = re.fullmatch(rf"manylinux_2_(\d{{1,3}})_{self.target.architecture}", tag.platform)
        return int(match[1]) if match else None

    def _requires_python(self, file: IndexFile, wheel: _Wheel) -> tuple[RejectionReason, str] | None:
        try:
            wanted = SpecifierSet(file.requires_python or "")
            # The target names no patch level: one that fits is enough.
            if any(wanted.contains(f"{self.target.python}.{patch}") for patch in (0, 99)):
                return None
        except ValueError:
            return None  # as pip does: what cannot be read is no condition
        return RejectionReason.PYTHON, f"{wheel.words()}: needs Python {file.requires_python}"

    def _yanked(self, file: IndexFile) -> tuple[RejectionReason, str] | None:
        pinned = self.version is not None and any(
            one.operator in {"==", "==="} and not one.version.endswith(".*") for one in self.version
        )
        if file.yanked is None or pinned:
            return None
        return RejectionReason.YANKED, f"yanked: {file.yanked}" if file.yanked else "yanked"

    def _lane(self, wheel: _Wheel) -> tuple[RejectionReason, str] | None:
        found = local_cuda(wheel.version)
        if self.lane_cuda is None or found is None or found == self.lane_cuda:
            return None
        if found == "cpu":
            return RejectionReason.CPU_ONLY, f"{wheel.words()}: +{wheel.version.local} is a CPU-only build"
        lane = "cpu" if self.lane_cuda == "cpu" else f"CUDA {self.lane_cuda}"
        return RejectionReason.CUDA_LANE, f"{wheel.words()}: +{wheel.version.local} is not {lane}"


def local_cuda(version: Version) -> str | None:
    """Read what a local version says: `13.0` for +cu130, `cpu` for +cpu; None where it says neither."""
    local = version.local or ""
    if match := re.match(r"cu(\d{2,3})(\d)(\.|$)", local):
        return f"{match[1]}.{match[2]}"
    return "cpu" if re.match(r"cpu(\.|$)", local) else None


def explain(evaluation: Evaluation, limit: int = 8) -> str:
    """List rejections for an error's context: the nearest misses first, and of those the newest; then a count.

    Of files that are only of another version, the versions are named, not the files.
    """
    if not evaluation.rejections:
        return "the index lists no files"
    ordered = sorted(evaluation.rejections, key=lambda one: _version_of(one.filename), reverse=True)
    ordered.sort(key=lambda one: _NEAREST.index(one.reason))
    others = [one for one in ordered if one.reason is RejectionReason.VERSION]
    near = [one for one in ordered if one.reason is not RejectionReason.VERSION]
    lines = [f"{one.filename}: {one.detail}" for one in near[:limit]]
    if rest := Counter(str(one.reason) for one in near[limit:]):
        counts = ", ".join(f"{count} {reason}" for reason, count in rest.items())
        lines.append(f"and {rest.total()} more: {counts}")
    if others:
        versions = list(dict.fromkeys(str(_version_of(one.filename)) for one in others))
        more = f" and {len(versions) - limit} more" if len(versions) > limit else ""
        lines.append(f"other versions there: {', '.join(versions[:limit])}{more}")
    return "\n".join(lines)


def _version_of(filename: str) -> Version:
    parts = parse_wheel_name(filename)
    return Version("0") if parts is None else parts[1]


def _rejection(file: IndexFile, reason: RejectionReason, detail: str) -> Rejection:
    return Rejection(filename=file.filename, reason=reason, detail=detail)
