"""Obtain weights for an environment with what an operation has at hand."""

from __future__ import annotations

from scripts.model.plan import Plan, WeightsChoice
from scripts.model.weights import Weights
from scripts.operations.context import Context
from scripts.place import Place
from scripts.weights.means import Means
from scripts.weights.obtaining import obtain
from scripts.weights.onnx import obtain_onnx


def obtain_for(place: Place, choice: WeightsChoice, context: Context, *, plan: Plan | None = None) -> Weights:
    """Give the weights that are asked for; `place` is the environment's, and `plan` its plan, if it is ours.

    Raises what obtain raises, and where ONNX Runtime runs Kokoro what obtain_onnx does.
    """
    means = Means(
        home=context.home,
        run=place.run,
        here=context.run,
        web=context.web,
        python=place.python,
        uv_python=place.uv_python(),
        uv=context.uv,
        environ=context.uv_environ,
    )
    if plan is None or plan.onnxruntime is None:
        return obtain(choice, means)
    return obtain_onnx(choice, means, float32=plan.cuda is not None)
