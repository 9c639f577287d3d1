"""Judging an environment that is not ours, before and after: by `verify` where there is a GPU, else by prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from scripts.errors import BrokenError, NoCandidateError
from scripts.model.evidence import Prediction, Report, VerdictKind
from scripts.model.repair import Judgement
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.smoke import predict_for
from scripts.operations.verify import verify
from scripts.place import Place
from scripts.weights.request import to_request
from scripts.weights.store import synthetic

Judge: TypeAlias = Callable[[Place, ComputeCapability, Context], Judgement]
"""Judge the environment in a place for a compute capability, writing nothing into it."""


def judge_here(place: Place, target: ComputeCapability, context: Context) -> Judgement:
    """Judge on this machine's GPU with random weights, as `verify` does; without a GPU, predict."""
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
