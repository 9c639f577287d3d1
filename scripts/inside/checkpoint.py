"""Probe `checkpoint`: does a checkpoint fit Kokoro, and what does it hold?

Request: `weights` (of kind "folder", see loading). Answer: `parameters` (how many numbers), `tensors`,
`content_sha256`, `voices` (names). A checkpoint that does not fit is a failure whose detail lists the keys, under
`problems`; a voice that is none is a failure too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.inside.failure import ProbeFailure
from scripts.inside.loading import check_state, empty_model, load_voice, read_checkpoint, summary

if TYPE_CHECKING:
    import torch


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Check the checkpoint of `request["weights"]` key by key."""
    weights = request["weights"]
    state = read_checkpoint(Path(weights["checkpoint"]))
    answer = examine(state, config=weights["config"], name=weights["checkpoint"])
    voices = sorted(path.stem for path in Path(weights["voices"]).glob("*.pt"))
    for voice in voices:
        load_voice(weights, voice)
    return {**answer, "voices": voices}


def examine(state: dict[str, torch.Tensor], *, config: str, name: str) -> dict[str, Any]:
    """Check a flat state against the architecture that `config` describes, and hash what it holds."""
    problems = check_state(empty_model(config, disable_complex=False), state)
    if problems:
        raise ProbeFailure(
            "the checkpoint does not fit Kokoro: " + summary(problems), {"checkpoint": name, "problems": problems}
        )
    return {
        "tensors": len(state),
        "parameters": sum(tensor.numel() for tensor in state.values()),
        "content_sha256": content_hash(state),
    }


def content_hash(state: dict[str, torch.Tensor]) -> str:
    """Hash sorted (key, type, shape, bytes): the same whichever torch wrote the zip around it."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().contiguous()
        shape = "x".join(map(str, tensor.shape))
        digest.update(f"{key}\0{str(tensor.dtype).removeprefix('torch.')}\0{shape}\0".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
