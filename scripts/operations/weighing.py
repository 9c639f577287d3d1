"""Obtain weights for an environment with what an operation has at hand."""

from __future__ import annotations

from scripts.model.plan import WeightsChoice
from scripts.model.weights import Weights
from scripts.operations.context import Context
from scripts.place import Place
from scripts.weights.obtaining import obtain


def obtain_for(place: Place, choice: WeightsChoice, context: Context) -> Weights:
    """Give the weights that are asked for; `place` is the environment's. Raises what obtain raises."""
    return obtain(
        choice,
        home=context.home,
        run=context.run,
        web=context.web,
        place=place,
        uv=context.uv,
        environ=context.uv_environ,
    )
