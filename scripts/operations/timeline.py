"""timeline: every release of torch since 2.5, on every index that answers, for both platforms: what would it do?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from scripts.disk import write_if_changed
from scripts.errors import NetworkError, NoCandidateError, SparkError
from scripts.home import CHECKOUT
from scripts.model.evidence import VerdictKind
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, ComputeCapability, Target
from scripts.model.timeline import Claim, Container, Timeline, TimelineData, TimelineRow, UnreadRow
from scripts.model.wheels import Candidate, Lane
from scripts.operations.context import Context
from scripts.operations.lock import lockable_sources
from scripts.operations.planning import another_machine, unreachable
from scripts.operations.predicting import MAX_BYTES, MAX_REQUESTS, Forecaster, Tables, load_tables
from scripts.operations.timeline_text import DOCUMENTS, timeline_markdown
from scripts.progress import step
from scripts.serial import from_data, to_json
from scripts.strategies.base import TorchSource
from scripts.verification.foresee import foresee_verdict
from scripts.verification.predict import from_table
from scripts.wheels.devicecode import runs_on
from scripts.wheels.evaluate import evaluate, parse_wheel_name
from scripts.wheels.index import Index
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.nvrtc import NvrtcTable, look_up
from scripts.wheels.reader import WheelReader
from scripts.wheels.shelf import Shelf
from scripts.wheels.tables import read_toml

SCHEMA = 1
SINCE = SpecifierSet(">=2.5")
WORKERS = 8
"""Requests at once: a guest's manners, and more would not be faster."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One row to be made."""

    source: TorchSource
    index: Index
    candidate: Candidate
    target: Target


def make_timeline(
    context: Context, capability: ComputeCapability, *, refresh: bool = False, created: str | None = None
) -> Timeline:
    """Read every index. `created` None: today.

    What cannot be read is a failure in it, or a row that says so. Raises NetworkError where the default index cannot be
    reached: there is no timeline without it.
    """
    data, known = load_data(context.constraints / "timeline.toml"), load_tables(context)
    pages, unreached = _pages(context, refresh=refresh)
    tasks = [task for index, source in pages for task in _tasks(index, source)]
    shelf = context.shelf.doubt() if refresh else context.shelf
    maker = _Maker(context=context, shelf=shelf, known=known, capability=capability, claims=data.claims)

    def make(task: _Task) -> TimelineRow | str:
        try:
            return maker.row(task)
        except SparkError as error:
            return f"{task.candidate.file.filename}: {error.message}"

    with step(f"reading {len(tasks)} wheels of torch"):
        made = _in_parallel(make, tasks)
    lanes = [lane for lane in context.lanes.lanes if lane.index is not None and lane.cuda is not None]
    told = [(lane, f"not reached: {unreached[lane.name]}") for lane in lanes if lane.name in unreached]
    nightlies = [(lane, "not looked into") for lane in lanes if lane.nightly_index is not None]
    return Timeline(
        schema=SCHEMA,
        created=created or datetime.now(UTC).date().isoformat(),
        capability=capability,
        rows=tuple(sorted((one for one in made if isinstance(one, TimelineRow)), key=_newest_first)),
        lanes=tuple(_unread(lane, known, capability, f"{why}; {lane.source}") for lane, why in told),
        nightlies=tuple(replace(_unread(lane, known, capability, why), torch="nightly") for lane, why in nightlies),
        containers=tuple(_container(one, known.nvrtc, capability) for one in data.containers),
        failures=tuple(one for one in made if isinstance(one, str)),
    )


def write_timeline(timeline: Timeline, folder: Path = CHECKOUT / "docs") -> tuple[Path, ...]:
    """Write timeline.md and timeline.json, and give their paths. Raises DiskError."""
    texts = (timeline_markdown(timeline), to_json(timeline, indent=1) + "\n")
    paths = tuple(folder / name for name in DOCUMENTS)
    for path, text in zip(paths, texts, strict=True):
        write_if_changed(path, text)
    return paths


def load_data(path: Path) -> TimelineData:
    """Read constraints/timeline.toml. Raises IntegrityError where it is missing or not of that shape."""
    return from_data(TimelineData, read_toml(path), what=str(path))


def _in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return list(pool.map(work, items))


def _pages(context: Context, *, refresh: bool) -> tuple[list[tuple[Index, TorchSource]], dict[str, str]]:
    """Open every index that answers; the value's other half is why each other lane did not."""

    def open_one(source: TorchSource) -> tuple[Index, TorchSource] | tuple[str, str]:
        index = context.remembered_index(source.index, context.web.get, refresh=refresh)
        try:
            index.project("torch")
        except (NetworkError, NoCandidateError) as error:
            if source.index is None:
                raise unreachable(error, source.name, None) if isinstance(error, NetworkError) else error from error
            return source.name, error.message
        return index, source

    sources = [source for source in lockable_sources(context.lanes) if source.cuda_required]
    found: list[tuple[Index, TorchSource]] = []
    unreached: dict[str, str] = {}
    with step("asking the indexes"):
        for one in _in_parallel(open_one, sources):
            if isinstance(one[0], str):
                unreached[one[0]] = str(one[1])
            elif isinstance(one[1], TorchSource):
                found.append((one[0], one[1]))
    return found, unreached


def _tasks(index: Index, source: TorchSource) -> list[_Task]:
    """Name the best wheel of every release, for each platform."""
    tasks = []
    for architecture in Architecture:
        target = another_machine(architecture, SUPPORTED_PYTHONS[0])
        found = evaluate(index.project("torch"), target, version=SINCE, lane_cuda=source.lane_cuda)
        best: dict[str, Candidate] = {}
        for candidate in found.candidates:
            best.setdefault(candidate.version, candidate)
        tasks += [_Task(source=source, index=index, candidate=one, target=target) for one in best.values()]
    return tasks


@dataclass(frozen=True, kw_only=True)
class _Maker:
    """Makes rows. Each has its own meter: one wheel that is not what it seems must not eat up the others' share."""

    context: Context
    shelf: Shelf
    known: Tables
    capability: ComputeCapability
    claims: Sequence[Claim]

    def row(self, task: _Task) -> TimelineRow:
        """Predict for one wheel. Raises what reading it raises."""
        remote = MeteredRemote(self.context.web, max_requests=MAX_REQUESTS, max_bytes=MAX_BYTES)
        forecaster = Forecaster(
            source=task.source,
            reader=WheelReader(task.index, remote, self.shelf),
            tables=self.known,
            # A lane has a hundred wheels, mostly those of the default index under another name.
            read_unknown=task.source.index is None,
        )
        evidence = forecaster.evidence(task.candidate, task.target, remote)
        prediction = foresee_verdict(evidence, self.known.nvrtc, self.capability)
        known = evidence.measured
        return TimelineRow(
            torch=task.candidate.version,
            platform=str(task.target.architecture),
            index=task.source.name,
            wheel=task.candidate.file.filename,
            pythons=_pythons(task),
            cuda=evidence.build.cuda,
            nvrtc=evidence.build.nvrtc,
            triton=evidence.build.triton,
            built_for=(known.built_for if known is not None else evidence.built_for) or "",
            verdict=prediction.kind,
            reasons=tuple(reason.text for reason in prediction.reasons),
            claim=_claim(self.claims, task.candidate.version, task.target.architecture),
        )


def _pythons(task: _Task) -> tuple[str, ...]:
    """Name the Pythons that a release has wheels for on a platform: `cp39`, ..., `cp313t`."""
    found: set[str] = set()
    ending = f"_{task.target.architecture}"
    for file in task.index.project("torch"):
        if file.filename.startswith(f"torch-{task.candidate.version}-") and file.filename.endswith(".whl"):
            parts = parse_wheel_name(file.filename)
            tags = parts[3] if parts else ()
            found |= {tag.abi for tag in tags if "linux" in tag.platform and tag.platform.endswith(ending)}
    return tuple(sorted(found, key=lambda abi: (int("".join(filter(str.isdigit, abi)) or 0), abi)))


def _claim(claims: Iterable[Claim], torch: str, platform: Architecture) -> str:
    fitting = [
        claim for claim in claims if platform in claim.platforms and SpecifierSet(f"=={claim.torch}").contains(torch)
    ]
    return "; ".join(f"{claim.cuda}: {claim.status}" for claim in fitting)


def _newest_first(row: TimelineRow) -> tuple[int, list[int], str, str]:
    version = Version(row.torch)
    return version.epoch, [-number for number in version.release], row.index, row.platform


def _unread(lane: Lane, known: Tables, capability: ComputeCapability, source: str) -> UnreadRow:
    """Tell of a lane by its CUDA: as measured wheels of the same CUDA do, else by its NVRTC alone."""
    assert lane.nvrtc is not None
    kind, _ = from_table(lane.nvrtc, look_up(known.nvrtc, lane.nvrtc, capability), capability)
    by = f"NVRTC {lane.nvrtc} alone"
    alike = [wheel for wheel in known.measured.wheels if wheel.cuda == lane.cuda and wheel.main is not None]
    if alike and not any(runs_on(wheel.main, capability).runs for wheel in alike if wheel.main is not None):
        kind = VerdictKind.BROKEN
        names = dict.fromkeys(str(parse_wheel_filename(wheel.file)[1]) for wheel in alike)
        by = f"the device code of torch {', '.join(names)} of the same CUDA on the default index"
    return UnreadRow(
        name=lane.name,
        torch=lane.torch,
        cuda=lane.cuda,
        nvrtc=lane.nvrtc,
        platforms=lane.platforms,
        verdict=kind,
        by=by,
        source=source,
    )


def _container(one: Container, table: NvrtcTable, capability: ComputeCapability) -> UnreadRow:
    kind, _ = from_table(one.cuda, look_up(table, one.cuda, capability), capability)
    return UnreadRow(
        name=one.release,
        torch=one.torch,
        cuda=one.cuda,
        nvrtc=None,
        platforms=one.platforms,
        verdict=kind,
        by=f"the NVRTC of CUDA {one.cuda} alone",
        source=f"read {one.read}: {one.source}",
    )
