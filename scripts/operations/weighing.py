"""Obtain weights for an environment with what an operation has at hand."""

from __future__ import annotations

from pathlib import Path

from scripts.model.plan import WeightsChoice
from scripts.model.weights import Weights
from scripts.operations.context import Context
from scripts.weights.obtaining import obtain


def obtain_for(python: Path, choice: WeightsChoice, context: Context) -> Weights:
    """Give the weights that are asked for; `python` is the environment's interpreter. Raises what obtain raises."""
    return obtain(
        choice,
        home=context.home,
        run=context.run,
        web=context.web,
        python=python,
        uv=context.uv,
        environ=context.uv_environ,
    )
