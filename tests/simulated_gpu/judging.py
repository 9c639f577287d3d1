"""What `invoke demo.verify` does: judges an environment on a GPU that is not there, and says so in every report."""

from __future__ import annotations

from dataclasses import replace

from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.operations.judging import Judged, Manner, find_subject, judge_subject
from scripts.place import Here
from tests.simulated_gpu.gpu import SimulatedGpu


def judge_simulated(
    context: Context,
    manner: Manner,
    *,
    capability: ComputeCapability,
    env: str | None,
    python: str | None,
    weights: str,
) -> Judged:
    """Judge as `verify` does, on a simulated GPU of `capability`; the environment and its record stay as they are.

    Raises what verify, make_overlay and build raise.
    """
    subject = find_subject(context, env=env, python=python)
    gpu = SimulatedGpu(
        python=subject.place.python,
        cache=context.home.cache / "simulated-gpu",
        capability=(capability.major, capability.minor),
        environ=context.environ,
        run=context.run,
    )
    with gpu as running:
        return judge_subject(
            replace(subject, place=Here(python=running.python, run=context.run)),
            replace(context, environ=running.environ),
            manner,
            target=capability,
            weights=weights,
        )
