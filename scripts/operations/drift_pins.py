"""What constraints/ pins, gathered for drift: every release once, and each source's torch by target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from scripts.errors import IntegrityError
from scripts.model.plan import Pin
from scripts.model.target import Target
from scripts.operations.lock import LOCK_STATE, lock_names, lockable_sources, targets
from scripts.strategies.base import TorchSource
from scripts.strategies.locks import REST, lock_filename, parse_pins, pin_named
from scripts.wheels.lanes import LaneTable
from scripts.wheels.tables import read_toml

DEFAULT = "default"
"""The default index's place; a lane's own index has the lane's name. What stands for an index everywhere here."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One pinned release of a project."""

    place: str
    """DEFAULT, or the lane from whose index it comes."""
    project: str
    version: str
    hashes: frozenset[str]
    """sha256, in hexadecimal, of every file that satisfies the pin."""
    locks: tuple[str, ...]
    """The files of constraints/ that pin it so."""


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """What is to be compared."""

    sources: tuple[TorchSource, ...]
    """The places that torch may come from."""
    releases: tuple[Release, ...]
    torch: Mapping[str, Mapping[Target, str]]
    """By a source's name, the version that each locked target has."""
    rest: bool
    """Kokoro's own packages are part of it."""
    unlocked: frozenset[str]
    """The lanes that constraints/lock.toml lists as without pins."""

    def versions(self, project: str) -> tuple[str, ...]:
        """List the versions of a project of the default index that any lock pins, oldest first."""
        found = {one.version for one in self.releases if (one.place, one.project) == (DEFAULT, project)}
        return tuple(sorted(found, key=Version))

    def hashes(self, project: str, version: str) -> frozenset[str]:
        """Collect the hashes that any lock pins of one release of the default index."""
        named = [one for one in self.releases if (one.place, one.project, one.version) == (DEFAULT, project, version)]
        return frozenset().union(*(one.hashes for one in named))

    def projects(self, place: str) -> tuple[str, ...]:
        """List the projects that are pinned from one index."""
        return tuple(sorted({one.project for one in self.releases if one.place == place}))


def place_of(source: TorchSource) -> str:
    """Name the index that a source of torch is."""
    return DEFAULT if source.index is None else source.name


def read_pinned(folder: Path, lanes: LaneTable, only: str | None) -> Pinned:
    """Read every lock of constraints/, or those whose name starts with `only`.

    Raises UsageError where `only` names no file, IntegrityError where a lock or a table is damaged.
    """
    names = lock_names(lanes, only)
    pins = {name: _read_lock(folder / name) for name in names if (folder / name).is_file()}
    owners = {
        lock_filename(source.name, target.architecture, target.python): (source, target)
        for source in lockable_sources(lanes)
        for target in targets()
    }
    sources = {owners[name][0].name: owners[name][0] for name in names if name in owners}
    torch: dict[str, dict[Target, str]] = {name: {} for name in sources}
    for name, found in pins.items():
        pin = pin_named(found, "torch")
        if name in owners and pin is not None:
            source, target = owners[name]
            torch[source.name][target] = pin.version
    places = {name: place_of(source) for name, (source, _) in owners.items()}
    return Pinned(
        sources=tuple(sources.values()),
        releases=_releases(pins, places, lanes),
        torch=torch,
        rest=any(name.startswith(f"{REST}-") for name in names),
        unlocked=_unlocked(folder / LOCK_STATE),
    )


def _releases(pins: Mapping[str, tuple[Pin, ...]], places: Mapping[str, str], lanes: LaneTable) -> tuple[Release, ...]:
    """Count what several locks pin alike once. What a lane does not own comes from the default index."""
    found: dict[tuple[str, str, str, frozenset[str]], list[str]] = {}
    for name, entries in pins.items():
        for pin in entries:
            place = places.get(name, DEFAULT) if lanes.owns(pin.name) else DEFAULT
            hashes = frozenset(one.removeprefix("sha256:").lower() for one in pin.hashes)
            found.setdefault((place, pin.name, pin.version, hashes), []).append(name)
    return tuple(
        Release(place=place, project=project, version=version, hashes=hashes, locks=tuple(locks))
        for (place, project, version, hashes), locks in found.items()
    )


def _read_lock(path: Path) -> tuple[Pin, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IntegrityError(
            f"{path.name} cannot be read",
            context=str(error),
            hint="restore it from the repository: git checkout -- constraints",
            reference="bad-lock",
        ) from error
    return parse_pins(text, what=path.name)


def _unlocked(path: Path) -> frozenset[str]:
    table = read_toml(path).get("unlocked", {}) if path.is_file() else {}
    return frozenset(table) if isinstance(table, dict) else frozenset()
