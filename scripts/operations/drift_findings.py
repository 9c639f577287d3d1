"""From what was found to findings. Pure.

Each function compares one thing that is pinned with the files that its index lists now; no files at all means that
the index has no such project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import parse_sdist_filename
from packaging.version import Version

from scripts.model.drift import BridgeFit, DriftFinding, DriftKind, NotReached
from scripts.model.evidence import Prediction, VerdictKind
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, Target
from scripts.model.wheels import IndexFile, Lane
from scripts.operations.drift_pins import DEFAULT, Release, place_of
from scripts.operations.lock import targets
from scripts.strategies.base import TorchSource
from scripts.wheels.evaluate import evaluate, parse_wheel_name
from scripts.wheels.tables import bad_table

_PATCH = {
    VerdictKind.NOT_NEEDED: "the patch is not needed",
    VerdictKind.NEEDED: "the patch is needed",
    VerdictKind.UNDECIDED: "whether the patch is needed is open",
    VerdictKind.BROKEN: "torch does not work there, patch or no patch",
    VerdictKind.NOT_APPLICABLE: "the patch has no meaning",
}


@dataclass(frozen=True, kw_only=True)
class Newer:
    """A target for which an index has a newer torch than is pinned."""

    target: Target
    pinned: str
    offered: str


def where(place: str) -> str:
    """Name an index in words."""
    return "the default index" if place == DEFAULT else f"the index of lane {place}"


def version_of(filename: str) -> Version | None:
    """Read the version of a wheel's or a source archive's name; None for anything else."""
    name = filename.lower()
    if name.endswith(".whl"):
        wheel = parse_wheel_name(name)
        return None if wheel is None else wheel[1]
    try:
        return parse_sdist_filename(name)[1]
    except ValueError:  # packaging's own, and int's for thousands of digits
        return None


def newest_stable(files: Iterable[IndexFile]) -> Version | None:
    """Find the newest version that is neither yanked nor a pre-release."""
    versions = [version_of(file.filename) for file in files if file.yanked is None]
    return max((one for one in versions if one is not None and not one.is_prerelease), default=None)


def pin_finding(release: Release, files: Sequence[IndexFile]) -> DriftFinding | NotReached | None:
    """Judge one pinned release: yanked, gone, or no longer what was pinned. None: as it was."""
    version = Version(release.version)
    hashed = [file for file in files if (file.sha256 or "").lower() in release.hashes]
    kept = [file for file in hashed if version_of(file.filename) == version]
    name, place = f"{release.project} {release.version}", where(release.place)
    pinned_by = f"pinned by {_listed(release.locks)}"
    if kept:
        yanked = next((file for file in kept if file.yanked is not None), None)
        if yanked is None:
            return None
        reason = _printable(yanked.yanked or "")
        why = f": {reason}" if reason else ", no reason given"
        kind, text = DriftKind.YANKED, f"{name} is yanked{why} ({pinned_by})"
        to_do = "read why, and pin another release: `invoke lock --date DAY`"
    elif not (same := [file for file in files if version_of(file.filename) == version]):
        what = "has no such version any more" if files else f"has no project {release.project} any more"
        kind, text = DriftKind.VANISHED_PIN, f"{place} {what}: {name} cannot be installed from it ({pinned_by})"
        to_do = "pin another release: `invoke lock --date DAY`; environments and caches that have it keep it"
    elif any(file.sha256 is None for file in same):
        return NotReached(name=release.project, reason=f"{place} gives no sha256 for {name}")
    else:
        kind = DriftKind.ALTERED_PIN
        text = f"grave: no file of {name} has a hash that was pinned: these are not the files of then ({pinned_by})"
        to_do = "setup refuses them; do not lock again before it is known who changed them: compare another index"
    newest = newest_stable(files)
    offered = None if newest is None or newest == version else str(newest)
    return DriftFinding(
        kind=kind,
        what=release.project,
        pinned=release.version,
        offered=offered,
        where=place,
        text=text,
        to_do=to_do,
    )


def lane_finding(lane: Lane, source: TorchSource, files: Sequence[IndexFile], *, unlocked: bool) -> DriftFinding | None:
    """Judge one lane whose index answered. Raises IntegrityError where its row of lanes.toml makes no sense."""
    place = where(place_of(source))
    lacking = [] if not files else _lacking(lane, source, files)
    if not files or lacking:
        what = f"no torch{lane.torch} for {_listed(lacking)}" if lacking else "no torch"
        return DriftFinding(
            kind=DriftKind.VANISHED_LANE,
            what=lane.name,
            pinned=f"torch{lane.torch}",
            offered=None if (newest := newest_stable(files)) is None else str(newest),
            where=place,
            text=f"lane {lane.name}: {place} has {what} any more, and constraints/lanes.toml says it has",
            to_do=f"correct or remove [lanes.{lane.name}] in constraints/lanes.toml",
        )
    if not unlocked:
        return None
    return DriftFinding(
        kind=DriftKind.RETURNED_LANE,
        what=lane.name,
        pinned=None,
        offered=None if (newest := newest_stable(files)) is None else str(newest),
        where=place,
        text=f"lane {lane.name} answers now, and constraints/lock.toml lists it as unlocked",
        to_do=f"pin it: `invoke lock --only {lane.name}`",
    )


def _lacking(lane: Lane, source: TorchSource, files: Sequence[IndexFile]) -> list[str]:
    """List the platforms that the table promises and for which no file is left."""
    try:
        wanted = SpecifierSet(lane.torch)
        promised = {Architecture(platform) for platform in lane.platforms}
    except (InvalidSpecifier, ValueError) as error:
        raise bad_table(Path("constraints/lanes.toml"), f"[lanes.{lane.name}]: {error}") from error
    found = {
        target.architecture
        for target in targets()
        if evaluate(files, target, version=wanted, lane_cuda=source.lane_cuda).candidates
    }
    return sorted(promised - found)


def newer_torch(source: TorchSource, pinned: Mapping[Target, str], files: Sequence[IndexFile]) -> tuple[Newer, ...]:
    """Find the locked targets for which a source has a newer stable torch that fits them, aarch64 and 3.12 first."""
    found = []
    for target, version in pinned.items():
        best = evaluate(files, target, version=None, lane_cuda=source.lane_cuda).candidates
        if best and Version(best[0].version) > Version(version):
            found.append(Newer(target=target, pinned=version, offered=best[0].version))
    found.sort(key=lambda one: (one.target.architecture is not Architecture.AARCH64, _rank(one.target)))
    return tuple(found)


def _rank(target: Target) -> int:
    return SUPPORTED_PYTHONS.index(target.python)


def newer_torch_finding(source: TorchSource, newer: Sequence[Newer], *, locked: int) -> DriftFinding:
    """Make the one finding of a source; where its `locked` targets differ, they are named."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for one in newer:
        pairs.setdefault((one.pinned, one.offered), []).append(f"{one.target.architecture} {one.target.python.tag}")
    pinned, offered = max(pairs, key=lambda pair: Version(pair[1]))
    if len(pairs) == 1 and len(newer) == locked:
        text = f"torch {offered} is newer than the pinned {pinned}, for every locked target"
    else:
        each = (f"{new} instead of {old} for {_listed(names)}" for (old, new), names in pairs.items())
        text = f"torch is newer than pinned: {'; '.join(each)}"
    return DriftFinding(
        kind=DriftKind.NEWER_TORCH,
        what="torch",
        pinned=pinned,
        offered=offered,
        where=where(place_of(source)),
        text=text,
        to_do=f"to take it: `invoke lock --date DAY --only {source.name}`, then `invoke setup verify`",
    )


def verdict_finding(source: TorchSource, one: Newer, before: Prediction, after: Prediction) -> DriftFinding | None:
    """Compare what is predicted with the pinned torch and with the newest. None: the same."""
    if before.kind is after.kind:
        return None
    known = before.kind is VerdictKind.NEEDED and after.kind is VerdictKind.NOT_NEEDED
    says = "the patch is no longer needed" if known else _PATCH[after.kind]
    why = f": {after.reasons[-1].text}" if after.reasons else ""
    return DriftFinding(
        kind=DriftKind.VERDICT_CHANGE,
        what="torch",
        pinned=str(before.kind),
        offered=str(after.kind),
        where=where(place_of(source)),
        text=(
            f"with torch {one.offered} from {source.name} {says} on {after.target} (predicted, for "
            f"{one.target.architecture} {one.target.python.tag}){why}; "
            f"with the pinned {one.pinned}: {before.kind} (predicted)"
        ),
        to_do=f"prove it on a GPU: `invoke setup --strategy {source.name} --torch {one.offered} verify`",
    )


def newer_package(
    kind: DriftKind, project: str, pinned: Sequence[str], files: Sequence[IndexFile], fit: BridgeFit | None
) -> DriftFinding | None:
    """Tell a newer kokoro or misaki; `fit` is the bridge's, for kokoro."""
    newest = newest_stable(files)
    if newest is None or not pinned or newest <= max(map(Version, pinned)):
        return None
    said = [f"{project} {newest} is newer than the pinned {_listed(pinned)}"]
    exact = SpecifierSet(f"=={newest}")
    if not any(evaluate(files, target, version=exact).candidates for target in targets()):
        said.append("it has no wheel for the platforms and Pythons that are locked")
    if fit is not None:
        unfit = f"the bridge does not fit its source: {fit.why}"
        unknown = f"whether the bridge fits its source could not be told: {fit.why}"
        said.append({True: "the bridge still fits its source", False: unfit, None: unknown}[fit.fits])
    first = "adapt scripts/runtime/bridge.py, then " if fit is not None and fit.fits is False else ""
    return DriftFinding(
        kind=kind,
        what=project,
        pinned=_listed(pinned),
        offered=str(newest),
        where=where(DEFAULT),
        text="; ".join(said),
        to_do=f"to take it: {first}raise it in constraints/kokoro.in and run `invoke lock --date DAY`",
    )


def misfit_finding(fit: BridgeFit) -> DriftFinding | None:
    """Tell that the bridge does not fit the kokoro that is pinned."""
    if not fit.pinned or fit.fits is not False:
        return None
    return DriftFinding(
        kind=DriftKind.BRIDGE_MISFIT,
        what="kokoro",
        pinned=fit.kokoro,
        offered=None,
        where=where(DEFAULT),
        text=f"the bridge does not fit the pinned kokoro {fit.kokoro}: {fit.why}",
        to_do="adapt scripts/runtime/bridge.py to it, or pin the kokoro that it was made for in constraints/kokoro.in",
    )


def _printable(text: str, limit: int = 200) -> str:
    """Make one line of what an index says."""
    return " ".join("".join(one if one.isprintable() else " " for one in text[:limit]).split())


def _listed(names: Sequence[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
