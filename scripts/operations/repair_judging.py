"""Judging an environment that is not ours, before and after: on the GPU where there is one, else by prediction.

Not every environment with a torch to repair has Kokoro. Where it has not, the operations are judged that Kokoro has
compiled at run time: it is for them, and not for Kokoro, that the NVRTC is lifted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from scripts.environments.foreign import versions_of
from scripts.errors import BrokenError, NoCandidateError
from scripts.model.evidence import Prediction, Report, VerdictKind
from scripts.model.repair import Judgement
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.smoke import predict_for
from scripts.operations.verify import verify
from scripts.place import Place
from scripts.probing import ask
from scripts.verification.device_code import NONE, observe_device_code
from scripts.verification.evidence import KOKORO_OPERATIONS, Evidence
from scripts.verification.predict import predict
from scripts.verification.questions import Questions
from scripts.verification.runs import against_compiling
from scripts.weights.request import to_request
from scripts.weights.store import synthetic

_WITHOUT_KOKORO = "Kokoro is not installed here; judged by the operations that it has compiled at run time:"

Judge: TypeAlias = Callable[[Place, ComputeCapability, Context], Judgement]
"""Judge the environment in a place for a compute capability, writing nothing into it."""


def judge_here(place: Place, target: ComputeCapability, context: Context) -> Judgement:
    """Judge on this machine's GPU as `verify` does, with random weights, or by Kokoro's operations; else predict."""
    if context.facts.gpu.gpus and not _has_kokoro(place):
        return judge_operations(place, target, context)
    if context.facts.gpu.gpus:
        return of_report(
            verify(
                place=place,
                environment=str(place.python),
                target=target,
                weights=to_request(synthetic()),
                environ=context.environ,
            )
        )
    try:
        return of_prediction(predict_for(target, place, context))
    except BrokenError as error:
        return Judgement(
            kind=VerdictKind.BROKEN,
            prediction=VerdictKind.BROKEN,
            target=str(target),
            device=None,
            simulated=False,
            reasons=(f"its torch cannot be imported: {error.context}",),
        )


def judge_operations(place: Place, target: ComputeCapability, context: Context) -> Judgement:
    """Judge on the GPU without Kokoro: by torch's device code, its NVRTC, and Kokoro's three operations."""
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-operations-") as name:
        questions = Questions(
            place=place.sharing(Path(name)),
            environ=context.environ,
            workdir=Path(name),
            bytecode=context.home.bytecode,
        )
        device = questions.ask("device")
        found = Evidence.of([device])
        targets = tuple(dict.fromkeys(one for one in (found.capability, target) if one is not None))
        seen = [
            device,
            questions.on_host(
                "device-code", lambda: observe_device_code(device, targets, questions.place, questions.workdir)
            ),
            questions.ask("nvrtc", {"targets": [str(one) for one in targets]}),
        ]
        if found.capability is not None:
            seen += [questions.ask(f"canary.{one}", {"operation": one}) for one in KOKORO_OPERATIONS]
    return of_operations(Evidence.of(seen), target)


def of_operations(evidence: Evidence, target: ComputeCapability) -> Judgement:
    """Judge by how Kokoro's operations ended; without a device there is only a prediction."""
    predicted = predict(evidence, target)
    against = against_compiling(evidence)
    capability = evidence.capability
    passed = all(evidence.passed(f"canary.{one}") for one in KOKORO_OPERATIONS)
    reasons = tuple(reason.text for reason in against.all) or tuple(reason.text for reason in predicted.reasons)
    if evidence.passed("device") is None:
        kind = VerdictKind.BROKEN
    elif capability is None:
        kind = VerdictKind.UNDECIDED
    elif evidence.device_code(capability) == NONE or against.device:
        kind = VerdictKind.BROKEN
    elif against.nvrtc:
        kind = VerdictKind.NEEDED
    else:
        kind = VerdictKind.NOT_NEEDED if passed else VerdictKind.UNDECIDED
    return Judgement(
        kind=kind,
        prediction=predicted.kind,
        target=str(target),
        device=evidence.device_name,
        simulated=evidence.simulated,
        reasons=(f"{_WITHOUT_KOKORO} {', '.join(KOKORO_OPERATIONS)}", *reasons),
    )


def _has_kokoro(place: Place) -> bool:
    """Tell whether Kokoro is installed, without importing it."""
    folders = ask(place.python, "installed", {}, run=place.run).detail.get("folders", ())
    return any(versions_of(Path(str(folder)), "kokoro") for folder in folders)


def of_prediction(prediction: Prediction) -> Judgement:
    """Take a prediction for what it is: no verdict."""
    return Judgement(
        kind=VerdictKind.UNDECIDED,
        prediction=prediction.kind,
        target=str(prediction.target),
        device=None,
        simulated=False,
        reasons=tuple(reason.text for reason in prediction.reasons),
    )


def of_report(report: Report) -> Judgement:
    """Take over what verify found."""
    verdict = report.verdict
    return Judgement(
        kind=verdict.kind,
        prediction=verdict.prediction.kind,
        target=str(verdict.prediction.target),
        device=verdict.device,
        simulated=verdict.simulated,
        reasons=tuple(reason.text for reason in verdict.reasons),
    )


def require_need(before: Judgement, lifted: str) -> None:
    """Refuse what another NVRTC would not make better. Raises NoCandidateError."""
    if before.outcome in {VerdictKind.NEEDED, VerdictKind.UNDECIDED}:
        return
    sound = before.outcome is VerdictKind.NOT_NEEDED
    raise NoCandidateError(
        f"there is nothing to repair for {before.target}"
        if sound
        else f"NVRTC {lifted} would not repair it: it is {before.outcome} for {before.target}",
        context="\n".join(before.reasons),
        reference="nothing-to-repair" if sound else "not-repairable",
        hint="its NVRTC knows that GPU" if sound else "`invoke verify --python PATH` shows every probe's answer",
    )
