"""lock: write every file of constraints/ that pins an environment, from its inputs, byte for byte.

The inputs are constraints/*.in, lanes.toml, and the date in constraints/lock.toml: nothing newer is looked at, so the
same inputs give the same files on any machine. A lane that cannot be reached is listed there as unlocked; its torch is
then locked at plan time.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.disk import write_if_changed
from scripts.errors import NetworkError, NoCandidateError, UsageError
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion, Target
from scripts.operations.compiling import compile_lock, compile_universal
from scripts.operations.context import Context
from scripts.operations.onnx_lock import onnx_lock_texts, onnx_locks
from scripts.operations.torch_lock import choose_torch, compile_torch, require_cuda, require_lane_names
from scripts.progress import say
from scripts.strategies.base import CPU_LANE, TorchSource
from scripts.strategies.locks import BUILD, OVERRIDE, REST, SOURCE_BUILDS, lock_filename, make_lock
from scripts.wheels.lanes import LaneTable

LOCK_STATE = "lock.toml"

_UNIVERSAL: dict[str, tuple[PythonVersion, tuple[str, ...]]] = {
    "toolkit": (PythonVersion(3, 11), ()),
    "dev": (PythonVersion(3, 11), ()),
    "weights-tools": (PythonVersion(3, 10), ("numpy", "typing-extensions")),
    "weights-node": (PythonVersion(3, 10), ()),
    OVERRIDE: (PythonVersion(3, 10), ()),
    "builder": (PythonVersion(3, 10), ()),
    "recogniser": (PythonVersion(3, 10), ()),
    "charts": (PythonVersion(3, 10), ()),
    "nvcc-cu132": (PythonVersion(3, 10), ()),
    "nvcc-cu130": (PythonVersion(3, 10), ()),
}
"""What is the same for every target: its lowest Python, and what stands beside it already. toolkit before dev, whose
input follows toolkit's pins."""


@dataclass(frozen=True, kw_only=True)
class LockState:
    """constraints/lock.toml. `unlocked` maps a lane to the reason why it has no pins."""

    exclude_newer: str
    uv: str
    unlocked: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class LockResult:
    """Which files were written, which of them changed, and which lanes have none."""

    files: tuple[str, ...]
    changed: tuple[str, ...]
    unlocked: tuple[tuple[str, str], ...]


def read_state(folder: Path) -> LockState | None:
    """Read lock.toml; None where there is none yet."""
    path = folder / LOCK_STATE
    if not path.is_file():
        return None
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return LockState(
        exclude_newer=str(data["exclude_newer"]), uv=str(data["uv"]), unlocked=tuple(data.get("unlocked", {}).items())
    )


def state_text(state: LockState) -> str:
    """Write lock.toml."""
    lines = [
        "# Written by `invoke lock`. With these inputs and this uv the pins come out byte for byte.",
        f'exclude_newer = "{state.exclude_newer}"',
        f'uv = "{state.uv}"',
        "",
        "# Lanes without pins: setup locks them, with hashes, when it plans.",
        "[unlocked]",
        *(f"{name} = {json.dumps(reason)}" for name, reason in state.unlocked),
    ]
    return "\n".join(lines) + "\n"


def lock(context: Context, *, date: str | None, only: str | None) -> LockResult:
    """Regenerate the locks.

    `date` (ISO) moves the day after which nothing is looked at; None keeps the recorded one (today, the first time).
    `only` restricts the work to files whose name starts with it. Raises what uv's failure means, and what lock_names
    raises.
    """
    folder = context.constraints
    lock_names(context.lanes, only)
    state = read_state(folder)
    day = _day(date) if date else state.exclude_newer if state else datetime.now(UTC).date().isoformat()
    locker = _Locker(context=context, day=day, only=only, unlocked=dict(state.unlocked) if state else {})
    written: list[str] = []
    changed: list[str] = []
    for name, text in locker.locks():
        written.append(name)
        if write_if_changed(folder / name, text):
            changed.append(name)
        say(f"{name}: {'written' if name in changed else 'as before'}")
    left = tuple(sorted(locker.unlocked.items()))
    new = state_text(LockState(exclude_newer=day, uv=context.facts.uv_version or "unknown", unlocked=left))
    if write_if_changed(folder / LOCK_STATE, new):
        changed.append(LOCK_STATE)
    return LockResult(files=tuple(written), changed=tuple(changed), unlocked=left)


def _day(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - a calendar day
    except ValueError:
        raise UsageError(f"{text!r} is no date", reference="bad-date", hint="write it like --date 2026-11-22") from None


@dataclass(kw_only=True)
class _Locker:
    """One run of lock. `unlocked` is brought up to date on the way."""

    context: Context
    day: str
    only: str | None
    unlocked: dict[str, str]

    def locks(self) -> Iterator[tuple[str, str]]:
        """Give each lock's file name and text."""
        for part, (python, present) in _UNIVERSAL.items():
            if self._wanted(f"{part}.txt"):
                text = compile_universal(
                    self.context.constraints / f"{part}.in",
                    python=python,
                    present=present,
                    exclude_newer=self.day,
                    context=self.context,
                )
                yield f"{part}.txt", text
        if self._wanted(f"{BUILD}.txt"):
            yield f"{BUILD}.txt", self._build()
        rest_names: dict[Target, list[str]] = {}
        for target in targets():
            name = lock_filename(REST, target.architecture, target.python)
            path = self.context.constraints / name
            if self._wanted(name) or (self._wants_torch(target) and not path.is_file()):
                text = self._rest(target)
                yield name, text
            elif self._wants_torch(target):
                text = path.read_text(encoding="utf-8")
            else:
                continue
            rest_names[target] = [pin.name for pin in make_lock(name, text, index=None).pins]
        for source in lockable_sources(self.context.lanes):
            yield from self._source(source, rest_names)
        yield from onnx_lock_texts(self.context, exclude_newer=self.day, only=self.only)

    def _source(self, source: TorchSource, rest_names: dict[Target, list[str]]) -> Iterator[tuple[str, str]]:
        """Lock one source of torch for every target, or note why it cannot be."""
        for target, dropping in rest_names.items():
            name = lock_filename(source.name, target.architecture, target.python)
            if not self._wanted(name):
                continue
            try:
                text = self._torch(source, target, dropping)
                lock = make_lock(name, text, index=source.index)
                require_cuda(lock, source)
            except NetworkError as error:
                if source.index is None:
                    raise
                self._unreached(source, rest_names, error.message)
                return
            except NoCandidateError as error:
                say(f"{name}: no lock, {error.message}")
                continue
            require_lane_names(lock, self.context)
            self.unlocked.pop(source.name, None)
            yield name, text

    def _unreached(self, source: TorchSource, known: Iterable[Target], reason: str) -> None:
        """Leave the pins of a lane that does not answer as they are; where it has none, note why."""
        files = (lock_filename(source.name, target.architecture, target.python) for target in known)
        if any((self.context.constraints / name).is_file() for name in files):
            say(f"{source.name}: its pins are left as they are, {reason}")
        else:
            self.unlocked[source.name] = reason
            say(f"{source.name}: unlocked, {reason}")

    def _torch(self, source: TorchSource, target: Target, dropping: list[str]) -> str:
        if source.index is None:
            return compile_torch(source, target, "torch", dropping, self.context, exclude_newer=self.day)
        # A lane's page has no dates to go by, so the newest version is named.
        version = choose_torch(source, target, None, self.context).version
        return compile_torch(source, target, f"torch=={version}", dropping, self.context)

    def _build(self) -> str:
        return compile_lock(
            self._inputs(BUILD),
            dropping=[],
            architecture=Architecture.X86_64,
            python=SUPPORTED_PYTHONS[-1],
            index=None,
            exclude_newer=self.day,
            context=self.context,
            doing="resolving what source builds need",
        )

    def _rest(self, target: Target) -> str:
        text = compile_lock(
            self._inputs(REST),
            dropping=["torch"],
            architecture=target.architecture,
            python=target.python,
            index=None,
            exclude_newer=self.day,
            context=self.context,
            doing=f"resolving Kokoro's packages for {target.architecture} {target.python.tag}",
        )
        builds = ", ".join(SOURCE_BUILDS)
        return f"# Every package has a wheel for this target, but these source builds: {builds}.\n{text}"

    def _inputs(self, part: str) -> list[str]:
        return (self.context.constraints / f"{part}.in").read_text(encoding="utf-8").splitlines()

    def _wants_torch(self, target: Target) -> bool:
        """Tell whether any source of torch is locked for a target: each needs the names of the rest."""
        names = (source.name for source in lockable_sources(self.context.lanes))
        return any(self._wanted(lock_filename(name, target.architecture, target.python)) for name in names)

    def _wanted(self, name: str) -> bool:
        return self.only is None or name.startswith(self.only)


def lock_names(lanes: LaneTable, only: str | None) -> tuple[str, ...]:
    """Name every file that lock would write, were every lane reached.

    Raises UsageError where no file's name starts with `only`.
    """
    parts = (REST, *(source.name for source in lockable_sources(lanes)))
    names = [lock_filename(part, target.architecture, target.python) for part in parts for target in targets()]
    names += [one.name for one in onnx_locks()]
    every = (*(f"{part}.txt" for part in _UNIVERSAL), f"{BUILD}.txt", *names)
    chosen = tuple(name for name in every if only is None or name.startswith(only))
    if not chosen:
        raise UsageError(
            f"no file's name starts with {only!r}",
            reference="unknown-lock",
            hint="`invoke lock --dry-run` names them all; the start of a name is enough, e.g. --only pypi-aarch64",
        )
    return chosen


def targets() -> Iterable[Target]:
    """Every target that is locked."""
    for architecture in Architecture:
        for python in SUPPORTED_PYTHONS:
            yield Target(architecture=architecture, python=python, glibc=(2, 28))


def lockable_sources(lanes: LaneTable) -> tuple[TorchSource, ...]:
    """Every place that torch may come from and that is pinned: the lanes' stable builds."""
    return tuple(
        TorchSource(
            name=lane.name,
            index=lane.index,
            lane_cuda=(lane.cuda or CPU_LANE) if lane.index is not None else None,
            cuda_required=lane.cuda is not None,
        )
        for lane in lanes.lanes
    )
