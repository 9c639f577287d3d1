"""verify: ask the probes in order, judge, report. Never writes into the environment that it judges."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.errors import BrokenError, ExitCode, IntegrityError, UsageError
from scripts.home import CONSTRAINTS, Home
from scripts.model.environment import EnvironmentRecord
from scripts.model.evidence import Observation, Outcome, Report, Verdict, VerdictKind
from scripts.model.target import SUPPORTED_PYTHONS, ComputeCapability, PythonVersion
from scripts.operations.verify_gpu import require_any_gpu, require_real_gpu
from scripts.place import Place
from scripts.probing import real_interpreter
from scripts.verification.census import take_census
from scripts.verification.evidence import ONNX_DEVICE, Evidence
from scripts.verification.gather import Speech, about_device, about_kokoro, about_torch
from scripts.verification.hook import hook_notes
from scripts.verification.integrity import observe_image, observe_integrity
from scripts.verification.judge import Case, judge
from scripts.verification.kernel_cache import cache_notes
from scripts.verification.onnx import NOTE as ONNX_NOTE
from scripts.verification.onnx import about_onnx, device_request
from scripts.verification.predict import predict_from_data
from scripts.verification.questions import Questions
from scripts.verification.report import SCHEMA
from scripts.verification.simulation import ROWS
from scripts.verification.variables import describe_variables
from scripts.wheels.drivers import load_drivers, lowest_driver
from scripts.wheels.lanes import load_lanes
from scripts.wheels.nvrtc import load_nvrtc

_SOUND_NOTE = (
    "sounds are compared in float32, with TF32 off and the same random numbers, drawn on the CPU; the threshold "
    "between GPU and CPU is reasoned and was not measured on a GB10 (scripts/verification/sound.py)"
)
_ASIDE_NOTE = (
    "disable_complex is another STFT by design, and Kokoro needs neither Triton nor torch.compile: they are reported "
    "and do not decide"
)
_SYNTHETIC_NOTE = "the weights are random: the sound says that Kokoro computes the same, not that it speaks"
_SHOWN_PROBLEMS = 20


def verify(
    *,
    place: Place,
    environment: str,
    target: ComputeCapability,
    weights: dict[str, Any],
    record: EnvironmentRecord | None = None,
    require_gpu: bool = False,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
    census: bool = False,
) -> Report:
    """Judge an environment in its `place`; `environment` is its name in the report.

    `weights` is what the probes load (scripts/inside/loading.py). `record` is the environment's own, if it is ours.
    `environ` is the whole environment that the probes start from (None: this process's own). `timeout` is how many
    seconds each probe has (None: its own limit). `census` lists what torch had compiled at run time for Kokoro.

    Raises IntegrityError where a file is not what was installed, NoCandidateError where `require_gpu` finds no real
    GPU, `census` none at all, or its Python cannot be started, UsageError where that Python is too old to be asked,
    BrokenError where it dies.
    """
    base = dict(os.environ if environ is None else environ)
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-verify-") as name:
        questions = Questions(
            place=place.sharing(Path(name)),
            environ=base,
            workdir=Path(name),
            bytecode=Home.find(base).bytecode,
            timeout=timeout,
        )
        observations = _trustworthy(questions, record)
        onnx = record.plan if record is not None and record.plan.onnxruntime is not None else None
        device = questions.ask("device") if onnx is None else questions.ask(ONNX_DEVICE, device_request(onnx, weights))
        if require_gpu:
            require_real_gpu(device)
        if census:
            require_any_gpu(device)
        observations.append(device)
        speech = Speech(weights=weights, folder=questions.workdir)
        if onnx is not None:
            observations += about_onnx(questions, device, speech)
        else:
            observations += [*about_torch(questions, device, target), *about_device(questions, device)]
            observations += about_kokoro(questions, device, speech)
    evidence = Evidence.of(observations)
    verdict = judge(_case(evidence, target, record))
    synthetic = weights.get("kind") == "synthetic"
    return Report(
        schema=SCHEMA,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=environment,
        python=str(real_interpreter(place.python)),
        torch=evidence.fact("device", "torch"),
        cuda=evidence.fact("device", "cuda") if onnx is None else device.detail.get("cuda"),
        weights="synthetic (seeded random)" if synthetic else str(weights.get("label", "unlabelled")),
        verdict=verdict,
        observations=evidence.observations,
        variables=describe_variables(base),
        notes=_notes(evidence, verdict, synthetic=synthetic) if onnx is None else (ONNX_NOTE,),
        census=take_census(evidence) if census else None,
        simulation=ROWS if evidence.simulated else None,
        onnxruntime=None if onnx is None else evidence.fact(ONNX_DEVICE, "onnxruntime") or onnx.onnxruntime,
        climb=None if record is None else record.climb,
    )


def _notes(evidence: Evidence, verdict: Verdict, *, synthetic: bool) -> tuple[str, ...]:
    """Say what a reader of every such report should know, and of this one."""
    about_weights = (_SYNTHETIC_NOTE,) if synthetic else ()
    return (_SOUND_NOTE, _ASIDE_NOTE, *about_weights, *hook_notes(evidence, verdict.kind), *cache_notes(evidence))


def _case(evidence: Evidence, target: ComputeCapability, record: EnvironmentRecord | None) -> Case:
    """Put beside the evidence what was planned, and what the tables say where the environment cannot be asked."""
    cuda = evidence.fact("device", "cuda")
    lane = load_lanes(CONSTRAINTS / "lanes.toml").named("pypi")
    return Case(
        evidence=evidence,
        target=target,
        strategy=None if record is None else record.plan.strategy,
        planned_cuda=None if record is None else record.plan.cuda,
        from_data=predict_from_data(lane, load_nvrtc(CONSTRAINTS / "nvrtc.toml"), target),
        lowest_driver=None if cuda is None else lowest_driver(load_drivers(CONSTRAINTS / "drivers.toml"), cuda),
    )


def expected(report: Report, expect_text: str) -> ExitCode:
    """Give the exit code under `--expect`. Raises UsageError (see parse_expected)."""
    return exit_code_for(report.verdict.kind, parse_expected(expect_text))


def exit_code_for(kind: VerdictKind, expected_kinds: frozenset[VerdictKind]) -> ExitCode:
    """Give the exit code where only these verdicts are expected: 0 exactly on those.

    A verdict that was not expected keeps its own code; one whose own code is 0 becomes DRIFT.
    """
    return ExitCode.OK if kind in expected_kinds else kind.exit_code or ExitCode.DRIFT


def exit_code(report: Report) -> ExitCode:
    """Give the exit code without `--expect`: the verdict's, but nothing on a simulated device is ever verified."""
    verdict: Verdict = report.verdict
    if verdict.simulated and verdict.kind is not VerdictKind.BROKEN:
        return ExitCode.UNDECIDED
    return verdict.kind.exit_code


def parse_expected(text: str) -> frozenset[VerdictKind]:
    """Read `--expect`: verdicts, separated by commas.

    Raises UsageError for an empty list or a kind that does not exist.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(VerdictKind)]
    if unknown or not names:
        what = f"unknown verdict {unknown[0]!r}" if unknown else "no verdict is named"
        raise UsageError(
            f"--expect: {what}",
            reference="unknown-verdict",
            hint=f"choose from: {', '.join(VerdictKind)}; several are separated by commas",
        )
    return frozenset(VerdictKind(name) for name in names)


def _trustworthy(questions: Questions, record: EnvironmentRecord | None) -> list[Observation]:
    """Make sure, before any of the environment's code runs, that it is a Python we can ask and unaltered."""
    installed = questions.ask("installed")
    if installed.outcome is not Outcome.PASSED:
        late = installed.outcome is Outcome.HUNG and questions.timeout is not None
        raise BrokenError(
            f"{questions.place.python} does not answer: {installed.error}",
            context=str(installed.detail.get("stderr_tail", "")),
            reference="interpreter-broken",
            hint="give it a longer --timeout" if late else "name a Python that works, or set the environment up again",
        )
    version = PythonVersion.parse(installed.detail["python"].split("+")[0])
    oldest = min(SUPPORTED_PYTHONS)
    if version < oldest:
        raise UsageError(
            f"{questions.place.python} is Python {version}: Kokoro and the probes need {oldest} or newer",
            reference="python-too-old",
            hint="name the interpreter of the environment that has torch and kokoro",
        )
    folders = [Path(name) for name in installed.detail["folders"]]
    integrity = questions.on_host("integrity", lambda: _observe_integrity(questions.place, folders, record))
    problems = integrity.detail["problems"]
    if problems and questions.place.image is not None:
        raise IntegrityError(
            "the image of this environment is not the one that was built",
            context="\n".join(problems),
            reference="environment-altered",
            hint="remove the environment (`invoke env.remove NAME`) and set it up again with the same options",
        )
    if problems:
        more = [f"... and {len(problems) - _SHOWN_PROBLEMS} more"] if len(problems) > _SHOWN_PROBLEMS else []
        raise IntegrityError(
            f"{len(problems)} file(s) of this environment are not what was installed",
            context="\n".join([*problems[:_SHOWN_PROBLEMS], *more]),
            reference="environment-altered",
            hint="remove the environment (`invoke env.remove NAME`) and set it up again with the same options; if that "
            "brings the same fault back, it is in uv's cache too, whose files uv links: `uv cache clean PACKAGE` first",
        )
    return [installed, integrity]


def _observe_integrity(place: Place, folders: list[Path], record: EnvironmentRecord | None) -> Observation:
    """Compare with what was installed: an image as a whole, a folder's files one by one."""
    if record is not None and record.container is not None:
        return observe_image(place, record.container)
    return observe_integrity(folders, () if record is None else record.distributions)
