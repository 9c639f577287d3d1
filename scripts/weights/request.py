"""Tell scripts/inside which weights to load."""

from __future__ import annotations

from typing import Any, assert_never

from scripts.model.weights import SyntheticWeights, Weights, WeightsFolder


def to_request(weights: Weights) -> dict[str, Any]:
    """Give the `weights` of a probe's request (scripts/inside/loading.py and onnx_loading.py say what it holds)."""
    match weights:
        case SyntheticWeights():
            return {"kind": "synthetic", "config": str(weights.config), "seed": weights.seed}
        case WeightsFolder() if weights.is_onnx:
            return {
                "kind": "onnx",
                "label": weights.label,
                "model": str(weights.onnx_model),
                "voices": str(weights.voices_folder),
            }
        case WeightsFolder():
            return {
                "kind": "folder",
                "label": weights.label,
                "config": str(weights.config),
                "checkpoint": str(weights.checkpoint),
                "voices": str(weights.voices_folder),
            }
        case _:
            assert_never(weights)
