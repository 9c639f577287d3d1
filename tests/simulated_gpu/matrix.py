"""The version matrix: torch, NVRTC and capability, each cell verified on a simulated device and predicted without it.

    invoke demo.matrix                 # run what is not kept yet, print, keep, write the document
    invoke demo.matrix --only 2.9.1    # one release of torch
    invoke demo.matrix --again         # run kept cells as well

Every cell is a whole `verify` of an environment with that torch and that NVRTC, on synthetic weights. It takes two
minutes or so, and less where the device code rules everything out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from scripts.disk import write_whole
from scripts.errors import NoCandidateError, UsageError
from scripts.model.evidence import Observation, Outcome, Report, VerdictKind
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, Target
from scripts.model.wheels import CudaBuild
from scripts.operations.context import Context
from scripts.operations.predicting import Forecaster, load_tables
from scripts.operations.site import another_machine
from scripts.operations.torch_lock import find_torch, named_source, parse_torch
from scripts.operations.verify import verify
from scripts.place import Here
from scripts.progress import say
from scripts.serial import from_data, to_json
from scripts.verification.causes import cause_of
from scripts.verification.foresee import foresee_verdict
from scripts.weights.request import to_request
from scripts.weights.store import synthetic
from scripts.wheels.measured import MeasuredTable
from scripts.wheels.metering import MeteredRemote
from scripts.wheels.reader import WheelReader
from tests.simulated_gpu.document import MATRIX
from tests.simulated_gpu.environments import newest_torch, nvrtc_package, preloading_builtins, torch_environment
from tests.simulated_gpu.gpu import SimulatedGpu
from tests.simulated_gpu.matrix_cells import Cell, Matrix, Question, missing, questions
from tests.simulated_gpu.remembering import RememberingRunner

ON_DEVICE = ("canary.", "kokoro.")
KOKORO = "kokoro"


def run_matrix(
    context: Context, *, only: str | None = None, again: bool = False, place: Path = MATRIX, limit: int | None = None
) -> Matrix:
    """Run every cell that is not kept in `place`, keep each as soon as it is known, and give the whole matrix.

    `only`: the cells of one release of torch. `again`: kept ones too. `limit`: so many cells at most. Raises UsageError
    for a release that is not in the matrix, NoCandidateError (x86_64-only) on another platform, and what making
    environments, building the simulator and verifying raise.
    """
    _require_x86()
    asked = chosen_questions(context, only=only, again=again, place=place)[:limit]
    matrix = load_matrix(context, place)
    runners: dict[str, RememberingRunner] = {}
    for number, question in enumerate(asked, 1):
        say(f"[{number}/{len(asked)}] {question}, SIMULATED")
        runner = runners.setdefault(question.torch, RememberingRunner(run=context.run))
        cell = observe_cell(question, context, runner)
        say(f"  predicted {cell.predicted}, observed {cell.observed}", style="" if cell.agrees else "red")
        matrix = load_matrix(context, place).with_cell(cell)
        keep_matrix(matrix, place)
    return matrix


def chosen_questions(
    context: Context, *, only: str | None = None, again: bool = False, place: Path = MATRIX
) -> tuple[Question, ...]:
    """List the cells that run_matrix would run. Raises UsageError for a release that is not in the matrix."""
    wanted = wanted_questions(context)
    chosen = [one for one in wanted if only is None or one.torch == only]
    if not chosen:
        releases = ", ".join(sorted({one.torch for one in wanted}, key=Version))
        raise UsageError(f"torch {only} is not in the matrix", reference="not-in-matrix", hint=f"one of: {releases}")
    return tuple(chosen) if again else missing(load_matrix(context, place), chosen)


def load_matrix(context: Context, place: Path = MATRIX) -> Matrix:
    """Read the kept matrix; an empty one where there is none, or where it is about another Kokoro or platform."""
    kokoro, platform = _kokoro(context), os.uname().machine
    if place.is_file():
        kept = from_data(Matrix, json.loads(place.read_text(encoding="utf-8")), what=place.name)
        if (kept.kokoro, kept.platform) == (kokoro, platform):
            return kept
    return Matrix(kokoro=kokoro, platform=platform)


def keep_matrix(matrix: Matrix, place: Path = MATRIX) -> None:
    """Write the matrix down."""
    write_whole(place, to_json(matrix, indent=1) + "\n")


def wanted_questions(context: Context) -> tuple[Question, ...]:
    """List the cells of the matrix, with the newest torch that is pinned and what each release was built with."""
    return questions(newest_torch(Architecture.X86_64, context), known_builds(load_tables(context).measured))


def known_builds(table: MeasuredTable) -> Mapping[str, str]:
    """Tell the CUDA of each release of torch for x86_64, as it was measured (constraints/devicecode.toml)."""
    wheels = [wheel for wheel in table.wheels if Architecture.X86_64 in wheel.file]
    return {wheel.file.split("-")[1]: wheel.cuda for wheel in wheels if wheel.cuda is not None}


def observe_cell(question: Question, context: Context, runner: RememberingRunner) -> Cell:
    """Predict and verify one cell."""
    build, predicted = predict_cell(question, context)
    start = time.monotonic()
    python = torch_environment(question.torch, nvrtc=question.nvrtc, context=context)
    capability = (question.capability.major, question.capability.minor)
    simulated = SimulatedGpu(
        python=python,
        capability=capability,
        cache=context.home.cache / "simulated-gpu",
        environ=preloading_builtins(python, context.environ),
        run=context.run,
    )
    with simulated as gpu:
        report = verify(
            place=Here(python=gpu.python, run=runner),
            environment=str(question),
            target=question.capability,
            weights=to_request(synthetic()),
            environ=gpu.environ,
        )
    return to_cell(question, build, predicted, report, seconds=time.monotonic() - start)


def predict_cell(question: Question, context: Context) -> tuple[CudaBuild, VerdictKind]:
    """Predict as `predict` does: by the wheel's metadata, what was measured of it, and the table of NVRTCs."""
    source = named_source("pypi", context)
    remote = MeteredRemote(context.web)
    index = context.remembered_index(source.index, remote.get, refresh=False)
    target = _target()
    candidate = find_torch(source, target, parse_torch(question.torch), index)
    tables = load_tables(context)
    reader = WheelReader(index, remote, context.shelf)
    evidence = Forecaster(source=source, reader=reader, tables=tables).evidence(candidate, target, remote)
    if question.nvrtc is not None:
        package = nvrtc_package(question.nvrtc)
        evidence = replace(evidence, build=replace(evidence.build, nvrtc=question.nvrtc, nvrtc_package=package))
    return evidence.build, foresee_verdict(evidence, tables.nvrtc, question.capability).kind


def to_cell(question: Question, build: CudaBuild, predicted: VerdictKind, report: Report, *, seconds: float) -> Cell:
    """Put one cell together. Raises UsageError (not-simulated) where the report is of no simulated device."""
    if not report.verdict.simulated:
        raise UsageError(
            f"{question}: the report is of no simulated device",
            context="\n".join(f"{one.probe}: {one.outcome} {one.error}" for one in report.observations),
            reference="not-simulated",
        )
    return Cell(
        question=question,
        cuda=str(build.cuda),
        nvrtc=str(build.nvrtc),
        predicted=predicted,
        observed=report.verdict.kind,
        reasons=tuple(reason.text for reason in report.verdict.reasons if reason.evidence != "device"),
        endings=endings(report.observations),
        created=datetime.now(UTC).date().isoformat(),
        seconds=round(seconds, 1),
    )


def endings(observations: Iterable[Observation]) -> dict[str, str]:
    """Say how each probe on the device ended: `passed`, `skipped`, or the cause of its failure."""
    quiet = {Outcome.PASSED, Outcome.SKIPPED}
    shown = [one for one in observations if one.probe.startswith(ON_DEVICE) and not one.probe.endswith(".cpu")]
    return {one.probe: str(one.outcome if one.outcome in quiet else cause_of(one)) for one in shown}


def _require_x86() -> None:
    """Refuse to replace what is kept by a matrix of another platform, which has no builds with CUDA 12 at all."""
    machine = os.uname().machine
    if machine != Architecture.X86_64:
        raise NoCandidateError(
            f"the matrix is about wheels for x86_64, and this machine is {machine}",
            reference="x86_64-only",
            hint="run it on an x86_64 machine; no GPU is needed there. What is kept stands in docs/testing.md",
        )


def _target() -> Target:
    return another_machine(Architecture.X86_64, SUPPORTED_PYTHONS[0])


def _kokoro(context: Context) -> str:
    """Tell the Kokoro that is pinned."""
    text = (context.constraints / f"kokoro-{Architecture.X86_64}-{SUPPORTED_PYTHONS[0].tag}.txt").read_text("utf-8")
    return next(line.split("==")[1].split()[0] for line in text.splitlines() if line.startswith(f"{KOKORO}=="))
