"""Tell scripts/inside which weights to load."""

from __future__ import annotations

from typing import Any, assert_never

from scripts.model.weights import SyntheticWeights, Weights, WeightsFolder


def to_request(weights: Weights) -> dict[str, Any]:
    """Give the `weights` of a probe's request (scripts/inside/loading.py says what it holds)."""
    match weights:
        case SyntheticWeights():
            return {"kind": "synthetic", "config": str(weights.config), "seed": weights.seed}
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
