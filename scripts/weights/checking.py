"""What a failed check of weights means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.errors import BrokenError, DiskError, IntegrityError, SparkError
from scripts.model.evidence import Observation, Outcome
from scripts.probing import ask
from scripts.progress import step
from scripts.weights.means import Means

_CHECK_SECONDS = 600.0


def check(folder: dict[str, str], means: Means) -> str:
    """Have the environment check a checkpoint key by key, and its voices. Returns the hash of its content.

    `folder` is a `weights` of kind folder (scripts/inside/loading.py). Raises what probe_failed gives.
    """
    observation = asked("checkpoint", {"weights": folder}, means, doing="checking the checkpoint key by key")
    if observation.outcome is not Outcome.PASSED:
        raise probe_failed(observation, doing=f"checking {Path(folder['checkpoint']).name}")
    return str(observation.detail["content_sha256"])


def asked(
    probe: str, request: Mapping[str, Any], means: Means, *, doing: str, seconds: float = _CHECK_SECONDS
) -> Observation:
    """Ask the environment that weights are for, with `doing` shown meanwhile."""
    with step(doing):
        return ask(
            means.python,
            probe,
            request,
            run=means.run,
            environ=means.environ,
            bytecode=means.home.bytecode,
            timeout=seconds,
        )


def require_content(what: str, hashed: str, found: str | None, expected: str) -> None:
    """Insist that a conversion gave what it gives everywhere; `hashed` names the hash. Raises IntegrityError."""
    if found != expected:
        raise IntegrityError(
            f"{what} is not what this conversion gives",
            context=f"{hashed} {found}\nexpected {expected}",
            hint="this is a bug, or a defective machine: please report it with the output of `invoke facts`",
            reference="wrong-content",
        )


def probe_failed(observation: Observation, *, doing: str) -> SparkError:
    """Turn a probe that did not pass into the error it means."""
    context = observation.error
    problems = observation.detail.get("problems")
    if isinstance(problems, dict):
        kinds = (f"{kind.replace('_', ' ')}: {', '.join(keys)}" for kind, keys in problems.items())
        context = "\n".join(line if len(line) <= 400 else line[:400] + " ..." for line in kinds)
    if observation.detail.get("cause") == "not-writable" or "No space left on device" in observation.error:
        return DiskError(
            f"{doing}: the result could not be written",
            context=context,
            hint="free some 900 MB, or set KOKORO_SPARK_HOME to a larger disk",
            reference="disk-full",
        )
    if observation.outcome is Outcome.FAILED and "exception" not in observation.detail:
        return IntegrityError(
            f"{doing}: it is not a checkpoint of Kokoro 1.0",
            context=context,
            hint="Kokoro itself would load it silently and speak noise: take another file, or --weights auto",
            reference="wrong-checkpoint",
        )
    return BrokenError(
        f"{doing} did not succeed: the environment {observation.outcome}",
        context="\n".join(filter(None, (context, str(observation.detail.get("stderr_tail", ""))[-600:]))),
        hint="repair the environment: `invoke setup` again, or `invoke verify` to see what is wrong with it",
        reference="environment-failed",
    )
