"""timeline: every release of torch since 2.5, on every index that answers, for both platforms: what would it do?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from scripts.disk import write_if_changed
from scripts.errors import NetworkError, NoCandidateError, SparkError, UsageError
from scripts.home import CHECKOUT
from scripts.model.target import GB10, SUPPORTED_PYTHONS, Architecture, ComputeCapability, Target
from scripts.model.timeline import Timeline, TimelineRow
from scripts.model.wheels import Candidate
from scripts.operations.context import Context
from scripts.operations.lock import lockable_sources
from scripts.operations.meanwhile import in_parallel
from scripts.operations.predicting import Forecaster
from scripts.operations.site import another_machine
from scripts.operations.timeline_text import DOCUMENTS, timeline_markdown
from scripts.operations.timeline_told import Known, load_known, tell_container, tell_lane
from scripts.operations.torch_plan import unreachable
from scripts.progress import step
from scripts.serial import to_json
from scripts.strategies.base import TorchSource
from scripts.verification.foresee import WheelEvidence, foresee_verdict
from scripts.wheels.evaluate import evaluate, parse_wheel_name
from scripts.wheels.index import Index
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.reader import WheelReader
from scripts.wheels.shelf import Shelf

SCHEMA = 2
SINCE = SpecifierSet(">=2.5")


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
    known = load_known(context)
    pages, unreached = _pages(context, refresh=refresh)
    tasks = [task for index, source in pages for task in _tasks(index, source)]
    shelf = context.shelf.doubt() if refresh else context.shelf
    maker = _Maker(context=context, shelf=shelf, known=known, capability=capability)

    def make(task: _Task) -> TimelineRow | str:
        try:
            return maker.row(task)
        except SparkError as error:
            return f"{task.candidate.file.filename}: {error.message}"

    with step(f"reading {len(tasks)} wheels of torch"):
        made = in_parallel(make, tasks)
    lanes = [lane for lane in context.lanes.lanes if lane.index is not None and lane.cuda is not None]
    told = [(lane, f"not reached: {unreached[lane.name]}") for lane in lanes if lane.name in unreached]
    nightlies = [(lane, "not looked into") for lane in lanes if lane.nightly_index is not None]
    return Timeline(
        schema=SCHEMA,
        created=created or datetime.now(UTC).date().isoformat(),
        capability=capability,
        rows=tuple(sorted((one for one in made if isinstance(one, TimelineRow)), key=_newest_first)),
        lanes=tuple(tell_lane(known, lane, capability, f"{why}; {lane.source}") for lane, why in told),
        nightlies=tuple(replace(tell_lane(known, lane, capability, why), torch="nightly") for lane, why in nightlies),
        containers=tuple(tell_container(known, one, capability) for one in known.data.containers),
        failures=tuple(one for one in made if isinstance(one, str)),
    )


def write_timeline(timeline: Timeline, folder: Path = CHECKOUT / "docs") -> tuple[Path, ...]:
    """Write timeline.md and timeline.json, and give their paths. Raises UsageError as require_published, DiskError."""
    require_published(timeline.capability)
    texts = (timeline_markdown(timeline), to_json(timeline, indent=1) + "\n")
    paths = tuple(folder / name for name in DOCUMENTS)
    for path, text in zip(paths, texts, strict=True):
        write_if_changed(path, text)
    return paths


def require_published(capability: ComputeCapability) -> None:
    """Raise UsageError (timeline-of-another-gpu) unless the page in docs/ is that of this GPU."""
    if capability != GB10:
        raise UsageError(
            f"--write writes docs/{DOCUMENTS[0]}, which is about compute capability {GB10}, not {capability}",
            reference="timeline-of-another-gpu",
            hint=f"have it printed, or redirect it: invoke timeline --sm {capability} > timeline-{capability}.md",
        )


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
        for one in in_parallel(open_one, sources):
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
    known: Known
    capability: ComputeCapability

    def row(self, task: _Task) -> TimelineRow:
        """Predict for one wheel. Raises what reading it raises."""
        remote = MeteredRemote(self.context.web)
        forecaster = Forecaster(
            source=task.source,
            reader=WheelReader(task.index, remote, self.shelf),
            tables=self.known.wheels,
            # A lane has a hundred wheels, mostly those of the default index under another name.
            read_unknown=task.source.index is None,
        )
        evidence = forecaster.evidence(task.candidate, task.target, remote)
        prediction = foresee_verdict(evidence, self.known.wheels.nvrtc, self.capability)
        torch, build = task.candidate.version, evidence.build
        claims = (one for one in self.known.data.claims if one.is_about(torch, task.target.architecture))
        return TimelineRow(
            torch=torch,
            platform=str(task.target.architecture),
            index=task.source.name,
            wheel=task.candidate.file.filename,
            pythons=_pythons(task),
            cuda=build.cuda,
            nvrtc=build.nvrtc,
            driver=self.known.driver(build.cuda),
            triton=build.triton,
            triton_assembles=self.known.assembles(build.triton, self.capability),
            built_for=evidence.architectures,
            code_of=_code_of(evidence),
            verdict=prediction.kind,
            reasons=tuple(reason.text for reason in prediction.reasons),
            claim="; ".join(map(str, claims)),
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


def _code_of(evidence: WheelEvidence) -> str:
    """Name the wheel whose device code decides: a lane's may be that of the default index under another name."""
    if evidence.measured is not None and evidence.measured.main is not None:
        return evidence.measured.file
    return evidence.filename if evidence.built_for else ""


def _newest_first(row: TimelineRow) -> tuple[int, list[int], str, str]:
    version = Version(row.torch)
    return version.epoch, [-number for number in version.release], row.index, row.platform
