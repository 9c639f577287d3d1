"""What a prebuilt torch requires: against the pins of everything else, and what is left resolved into locks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.disk import write_whole
from scripts.errors import NetworkError, NoCandidateError
from scripts.model.plan import Lock
from scripts.model.target import Target
from scripts.operations.compiling import compile_lock
from scripts.operations.context import Context
from scripts.operations.torch_lock import require_lane_names
from scripts.operations.torch_plan import unreachable
from scripts.strategies.locks import lock_filename, make_lock
from scripts.strategies.prebuilt import PREBUILT
from scripts.wheels.metadata import needed

_FRESH_SECONDS = 24 * 3600
"""How long the newest release that an open requirement admits stays what it was."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be resolved, as requirements without markers."""

    lane: tuple[str, ...] = ()
    """CUDA's libraries, Triton: what constraints/lanes.toml calls the lane's own."""
    others: tuple[str, ...] = ()
    """What neither belongs to a lane nor is pinned beside it."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Requirements that are resolved together, from one index (None: the default one)."""

    title: str
    requirements: tuple[str, ...]
    index: str | None


def wanted_beside(
    file: str, requires: Iterable[str], rest: Lock, target: Target, owns: Callable[[str], bool]
) -> Wanted:
    """Sort what a wheel requires on a target; what `rest` pins already is compared with its pin.

    Raises NoCandidateError (pins-disagree), which names every requirement that its pin does not meet, and
    (direct-reference) for a requirement that names a URL of its own.
    """
    pinned = {pin.name: pin.version for pin in rest.pins}
    lane: list[str] = []
    others: list[str] = []
    against: list[str] = []
    for one in needed(requires, target):
        name = canonicalize_name(one.name)
        if one.url is not None:
            raise NoCandidateError(
                f"{file} requires {name} from an address of its own",
                context="what is installed comes from an index, pinned by hash",
                reference="direct-reference",
                hint="ask its builder for a wheel that names a release of it instead",
            )
        if name in pinned:
            if not one.specifier.contains(pinned[name], prereleases=True):
                against.append(f"it requires {name}{one.specifier}, and {rest.name} pins {name}=={pinned[name]}")
        else:
            (lane if owns(name) else others).append(_plain(one))
    if against:
        raise NoCandidateError(
            f"{file} does not go with the packages that Kokoro is pinned with",
            context="\n".join(against),
            reference="pins-disagree",
            hint="name another wheel, or pin another release in constraints/kokoro.in and run `invoke lock`",
        )
    return Wanted(lane=tuple(sorted(lane)), others=tuple(sorted(others)))


def _plain(requirement: Requirement) -> str:
    """Write a requirement whose marker was evaluated already."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{canonicalize_name(requirement.name)}{extras}{requirement.specifier}"


def required_locks(
    file: str, wanted: Wanted, rest: Lock, target: Target, context: Context, *, index: str | None, resolve: bool
) -> tuple[Lock, ...] | None:
    """Resolve what is wanted, or take what was resolved before; with nothing to install there is no lock.

    All comes from the default index; with `index`, a mirror, the lane's own comes from there and nothing else does.
    None: it was not resolved yet, and `resolve` is False. Raises what a failed resolution means.
    """
    groups = [_Group(title="required by", requirements=tuple(sorted((*wanted.lane, *wanted.others))), index=None)]
    if index is not None:
        groups = [
            _Group(title="required by", requirements=wanted.lane, index=index),
            _Group(title="also required by", requirements=wanted.others, index=None),
        ]
    locks: list[Lock] = []
    for group in groups:
        if not group.requirements:
            continue
        dropping = sorted({"torch", *(pin.name for lock in (rest, *locks) for pin in lock.pins)})
        kept = _cache_file(group, dropping, target, context)
        before = _kept(kept, group.requirements)
        if before is None and not resolve:
            return None
        text = _resolved(file, group, dropping, target, context) if before is None else before
        lock = make_lock(f"{group.title} {file}", text, index=group.index)
        if group.index is not None:
            require_lane_names(lock, context)
        if before is None:
            write_whole(kept, text)
        if lock.pins:
            locks.append(lock)
    return tuple(locks)


def _resolved(file: str, group: _Group, dropping: Sequence[str], target: Target, context: Context) -> str:
    try:
        context.reach(group.index)  # uv would try again and again, for a quarter of a minute
        return compile_lock(
            group.requirements,
            dropping=dropping,
            architecture=target.architecture,
            python=target.python,
            index=group.index,
            exclude_newer=None,
            context=context,
            doing=f"resolving what {file} requires for {target.architecture} {target.python.tag}",
        )
    except NetworkError as error:
        raise unreachable(error, PREBUILT, group.index) from error


def _kept(path: Path, requirements: Sequence[str]) -> str | None:
    """Give what was resolved before: for good where each requirement is of one release, else for a day."""
    if not path.is_file():
        return None
    exact = all(
        [one.operator for one in Requirement(text).specifier] == ["=="] and "*" not in text for text in requirements
    )
    fresh = 0 <= time.time() - path.stat().st_mtime < _FRESH_SECONDS
    return path.read_text(encoding="utf-8") if exact or fresh else None


def _cache_file(group: _Group, dropping: Sequence[str], target: Target, context: Context) -> Path:
    """Name the file of a resolution: by everything that it was made of."""
    key = json.dumps([group.requirements, dropping, group.index])
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return context.home.cache / "locks" / f"{digest}-{lock_filename(PREBUILT, target.architecture, target.python)}"
