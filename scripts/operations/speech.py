"""Which environments speak: one with torch, and one with ONNX Runtime beside it."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.environments.store import Entry
from scripts.errors import NoCandidateError
from scripts.model.environment import EnvironmentState
from scripts.model.modes import Engine
from scripts.model.weights import Weights, WeightsFolder
from scripts.operations.context import Context
from scripts.weights.store import stored

NO_ONNX = "no onnx environment; make one: invoke setup --strategy onnx"


@dataclass(frozen=True, kw_only=True)
class Speech:
    """An environment that speaks, with its weights."""

    entry: Entry
    weights: Weights


def torch_speech(env: str | None, context: Context) -> Speech:
    """Find an environment with torch: the one that is named, else the current one, else the newest that is ready.

    Raises NoCandidateError: no-environment, environment-not-ready, no-weights, needs-torch.
    """
    entry = context.store.find_ready(env)
    if env is None and _runs_onnx(entry):
        entry = _newest(context, onnx=False) or entry
    if _runs_onnx(entry):
        raise NoCandidateError(
            f"environment {entry.name} has no torch: the reference is stock Kokoro on torch",
            reference="needs-torch",
            hint="make one: invoke setup --strategy cpu; or name one: --env NAME",
        )
    return Speech(entry=entry, weights=_weights(entry, context))


def onnx_speech(context: Context) -> Speech | None:
    """Find the newest environment with kokoro-onnx; None: none is ready."""
    entry = _newest(context, onnx=True)
    return None if entry is None else Speech(entry=entry, weights=_weights(entry, context))


def _newest(context: Context, *, onnx: bool) -> Entry | None:
    """Find the environment that was made last of those that are ready: an older one may have an older runtime."""
    ready = [one for one in context.store.entries() if _is_ready(one) and _runs_onnx(one) is onnx]
    return max(ready, key=lambda one: one.record.created if one.record else "", default=None)


def _is_ready(entry: Entry) -> bool:
    with_weights = entry.record is not None and entry.record.weights is not None
    return entry.state is EnvironmentState.READY and not entry.problem and with_weights


def _runs_onnx(entry: Entry) -> bool:
    return entry.record is not None and entry.record.plan.strategy == Engine.ONNX


def _weights(entry: Entry, context: Context) -> Weights:
    name = entry.record.weights if entry.record else None
    if name is None:
        raise NoCandidateError(
            f"environment {entry.name} has no weights",
            reference="no-weights",
            hint="fetch them: `invoke setup --weights auto` with the options it was set up with",
        )
    found = stored(context.home, name)
    if isinstance(found, WeightsFolder) and found.is_onnx and not _runs_onnx(entry):
        raise NoCandidateError(
            f"the weights of {entry.name} are for ONNX Runtime", reference="no-weights", hint="set it up again"
        )
    return found
