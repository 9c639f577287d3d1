"""What `invoke verify` does around verify(): finds the environment and its weights, writes the reports, remembers."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import write_whole
from scripts.environments.foreign import locate
from scripts.environments.store import Entry
from scripts.errors import ExitCode, UsageError
from scripts.model.evidence import Report
from scripts.model.target import ComputeCapability
from scripts.model.weights import Weights, WeightsFolder
from scripts.operations.context import Context
from scripts.operations.report_folder import report_errors, require_report_folder
from scripts.operations.targets import seconds, target_capability
from scripts.operations.verdict_page import verdict_page
from scripts.operations.verify import exit_code, expected, parse_expected, verify
from scripts.operations.weighing import obtain_for
from scripts.place import Here, Place
from scripts.serial import to_data
from scripts.verification.evidence import CANARIES, MODES, NOTE_MODE
from scripts.verification.junit import to_junit
from scripts.verification.kernel_cache import PROBE as KERNEL_CACHE
from scripts.verification.report import render
from scripts.weights.choice import parse_choice
from scripts.weights.request import to_request
from scripts.weights.store import stored, synthetic, verify_files


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A report, and how `verify` exits."""

    report: Report
    text: str
    exit_code: ExitCode
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is judged."""

    name: str
    """As the report calls it."""
    place: Place
    entry: Entry | None
    """None: not an environment of ours."""


def judge_environment(
    context: Context,
    manner: Manner,
    *,
    env: str | None,
    python: str | None,
    sm: str,
    require_gpu: bool,
    weights: str,
) -> Judged:
    """Judge one environment of ours (None: the current one), or any by its interpreter `python`, and remember it.

    Raises what verify raises, and UsageError for options that contradict each other.
    """
    target = target_capability(sm, context)
    subject = find_subject(context, env=env, python=python)
    judged = judge_subject(subject, context, manner, target=target, weights=weights, require_gpu=require_gpu)
    entry = subject.entry
    if entry is not None and entry.record is not None:
        # Read anew: minutes have passed, and the hook may have been switched on or off.
        record = context.store.entry(entry.path).record or entry.record
        # What `auto` said against it was another verdict's reason.
        context.store.write(dataclasses.replace(record, verdict=recorded_verdict(judged.report), reason=""))
    return judged


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How it is judged and told."""

    expect: str | None
    timeout: float | None
    report_folder: Path | None
    census: bool

    @classmethod
    def checked(cls, *, expect: str | None, timeout: str, report_folder: Path | None, census: bool) -> Manner:
        """Refuse what cannot be, before minutes of work; nothing is made yet. Raises UsageError."""
        if expect is not None:
            parse_expected(expect)
        return cls(expect=expect, timeout=probe_timeout(timeout), report_folder=report_folder, census=census)


def find_subject(context: Context, *, env: str | None, python: str | None) -> Subject:
    """Find what is to be judged. Raises UsageError where two are named, NoCandidateError where there is none."""
    if env and python:
        raise UsageError(
            "--env and --python name two environments", reference="two-environments", hint="leave one of them out"
        )
    if python:
        interpreter = locate(python)
        return Subject(name=str(interpreter), place=Here(python=interpreter, run=context.run), entry=None)
    entry = context.store.find_ready(env)
    return Subject(name=entry.name, place=context.place(entry), entry=entry)


def judge_subject(
    subject: Subject,
    context: Context,
    manner: Manner,
    *,
    target: ComputeCapability,
    weights: str,
    require_gpu: bool = False,
) -> Judged:
    """Judge it, and write the reports: to the folder that was named, else below the data root.

    Raises what verify raises, and DiskError where that folder takes none, before all else.
    """
    if manner.report_folder is not None:
        require_report_folder(manner.report_folder)
    entry = subject.entry
    chosen = _weights(weights, entry, subject.place, context)
    report = verify(
        place=subject.place,
        environment=subject.name,
        target=target,
        weights=to_request(chosen),
        record=entry.record if entry else None,
        require_gpu=require_gpu,
        environ=context.environ,
        timeout=manner.timeout,
        census=manner.census,
    )
    folder = manner.report_folder or context.home.reports / _report_name(subject, report)
    write_reports(report, folder)
    code = exit_code(report) if manner.expect is None else expected(report, manner.expect)
    return Judged(report=report, text=render(report), exit_code=code, folder=folder)


def _report_name(subject: Subject, report: Report) -> str:
    """Keep what a simulated device said apart from what a real one did."""
    name = subject.entry.name if subject.entry else "foreign"
    return f"{name}-simulated" if report.verdict.simulated else name


def recorded_verdict(report: Report) -> str:
    """Name the verdict as an environment's record and env.list have it: `simulated needed` where it is."""
    return f"simulated {report.verdict.kind}" if report.verdict.simulated else str(report.verdict.kind)


def probe_timeout(text: str) -> float | None:
    """Read `--timeout`: seconds for each probe, more than none; empty: each probe's own limit."""
    if not text:
        return None
    value = seconds(text, "--timeout")
    if value <= 0:
        raise UsageError(
            f"--timeout {text!r} leaves no time to answer", reference="bad-number", hint="write it like --timeout 60"
        )
    return value


def order_lines(*, census: bool = False) -> tuple[str, ...]:
    """Say what verify asks, in order: for --dry-run."""
    last = "report.json, report.xml (JUnit), report.html and report.txt"
    return (
        "1. installed, integrity: the interpreter answers, and its files are what was installed",
        "2. device: torch, its CUDA build, and the GPU it sees",
        f"3. device-code, nvrtc, {KERNEL_CACHE}, triton: what needs no GPU, a real compile for the target among it",
        f"4. {', '.join(f'canary.{one}' for one in CANARIES)}, compile: on the GPU, one process each",
        f"5. kokoro: {', '.join(MODES)} on the GPU (else the CPU) against stock on the CPU",
        f"   kokoro: {NOTE_MODE}, the research note's patch, where NVRTC fails stock on the GPU",
        "   where ONNX Runtime runs Kokoro, instead of 2 to 5: onnx-device, and onnx-kokoro on the CPU and the GPU",
        f"then: the verdict, {'the census of what torch compiled at run time, ' if census else ''}and {last}",
    )


def _weights(text: str, entry: Entry | None, place: Place, context: Context) -> Weights:
    """Give what is asked for; `auto` is what the environment has, and synthetic where it has none.

    There is nothing synthetic for ONNX Runtime: `auto` fetches what setup would.
    """
    record = entry.record if entry else None
    if text.strip().lower() == "auto" and record is not None and record.weights is not None:
        return _unaltered(stored(context.home, record.weights))
    if text.strip().lower() == "auto" and (record is None or record.plan.onnxruntime is None):
        return synthetic()
    return _unaltered(obtain_for(place, parse_choice(text), context, plan=None if record is None else record.plan))


def _unaltered(weights: Weights) -> Weights:
    """Hash the weights, as the environment's files are. Raises IntegrityError (damaged-weights)."""
    if isinstance(weights, WeightsFolder):
        verify_files(weights)
    return weights


def write_reports(report: Report, folder: Path) -> None:
    """Write the report in its four forms."""
    with report_errors():
        write_whole(folder / "report.json", json.dumps(to_data(report), indent=2, ensure_ascii=False) + "\n")
        write_whole(folder / "report.xml", to_junit(report))
        write_whole(folder / "report.html", verdict_page(report))
        write_whole(folder / "report.txt", render(report))
