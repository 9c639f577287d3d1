"""Probe `convert`: Kokoro's int8 ONNX export and raw voices into a checkpoint and voices as the hub has them.

Request: `onnx`, `config`, `voices` (folder of .bin: little-endian float32, 510 x 1 x 256), `out` (an existing
folder), `packages` (folder that holds the onnx package, which environments lack). Written: `out/kokoro-v1_0.pth` and
`out/voices/*.pt`. Answer: see checkpoint.examine, and `voices`, `dead_rows`.

What comes out is int8-derived: it speaks the same words as the hub's checkpoint, but it is not that checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.inside.checkpoint import examine
from scripts.inside.failure import ProbeFailure
from scripts.inside.loading import VOICE_SHAPE, empty_model

if TYPE_CHECKING:
    import torch

CHECKPOINT = "kokoro-v1_0.pth"
# ALBERT's pooler, which Kokoro never calls, so the exporter left it out. KModel has it, so it is filled with zeros.
_UNUSED = ("bert.pooler.weight", "bert.pooler.bias")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Convert model and voices."""
    sys.path.append(request["packages"])  # last: numpy stays the environment's
    from scripts.inside.onnx_parameters import read_parameters

    out = Path(request["out"])
    state, dead_rows = to_state(read_parameters(Path(request["onnx"])), request["config"])
    answer = examine(state, config=request["config"], name=CHECKPOINT)
    save(state, out / CHECKPOINT)
    return {**answer, "dead_rows": dead_rows, "voices": convert_voices(Path(request["voices"]), out / "voices")}


def to_state(parameters: dict[str, Any], config: str) -> tuple[dict[str, torch.Tensor], int]:
    """Fit the parameters to KModel's keys: a flat state, and how many rows of it were all zero.

    KModel keeps weights of convolutions as weight norm does, direction `weight_v` and length `weight_g` of each row
    (weight = g x v / |v|). A row that int8 rounded to nothing has no direction, and v / |v| would be NaN: such a row
    gets v = 1 and g = 0. InstanceNorm's affine parameters are left out, as in the hub's checkpoint.
    """
    import numpy as np
    import torch

    expected = empty_model(config, disable_complex=False).state_dict()
    state: dict[str, torch.Tensor] = {key: torch.zeros_like(expected[key]) for key in _UNUSED}
    dead_rows = 0
    left = set(parameters)
    for key, model_value in expected.items():
        weight = key.removesuffix("_v").removesuffix("_g")
        if key in parameters:
            values = parameters[key]
        elif weight in parameters:
            values = parameters[weight]
            lengths = row_lengths(values)
            if key.endswith("_v"):
                dead = lengths == 0
                dead_rows += int(dead.sum())
                values = values.copy()
                values[dead] = 1.0
            else:
                values = lengths
        else:
            continue
        left.discard(weight)
        if values.size != model_value.numel():
            raise ProbeFailure(f"{key} has shape {values.shape} in the ONNX file, {tuple(model_value.shape)} in Kokoro")
        state[key] = torch.from_numpy(np.ascontiguousarray(values).reshape(model_value.shape).copy())
    if left:
        raise ProbeFailure(f"Kokoro has no place for {', '.join(sorted(left))}")
    return state, dead_rows


def row_lengths(values: Any) -> Any:
    """Give the Euclidean length of each row of (rows, ...), float32.

    Summed in float64, column after column: numpy's own reductions add in an order that depends on the CPU.
    """
    import numpy as np

    columns = np.ascontiguousarray(values.reshape(len(values), -1).T, dtype=np.float64)
    total = np.zeros(len(values), dtype=np.float64)
    for column in columns:
        total += column * column
    return np.sqrt(total).astype(np.float32)


def save(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write a checkpoint of the hub's form: {part: {"module." + key: tensor}}."""
    parts: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in state.items():
        part, rest = key.split(".", 1)
        parts.setdefault(part, {})[f"module.{rest}"] = tensor
    _save(parts, path)


def convert_voices(source: Path, target: Path) -> list[str]:
    """Turn every NAME.bin into NAME.pt, a float32 tensor of (510, 1, 256). Returns the names."""
    import numpy as np
    import torch

    target.mkdir(exist_ok=True)
    names = []
    for path in sorted(source.glob("*.bin")):
        values = np.fromfile(path, dtype="<f4")
        if values.size != VOICE_SHAPE[0] * VOICE_SHAPE[1] * VOICE_SHAPE[2] or not np.isfinite(values).all():
            raise ProbeFailure(f"{path.name} is no voice: {values.size} numbers, expected {VOICE_SHAPE}")
        _save(torch.from_numpy(values.reshape(VOICE_SHAPE).copy()), target / f"{path.stem}.pt")
        names.append(path.stem)
    if not names:
        raise ProbeFailure(f"there are no voices in {source}")
    return names


def _save(value: Any, path: Path) -> None:
    import torch

    try:
        torch.save(value, path)
    except (OSError, RuntimeError) as error:  # torch's own writer says RuntimeError on a full disk
        reason = str(error).strip().splitlines()[0]
        raise ProbeFailure(f"{path} could not be written: {reason}", {"cause": "not-writable"}) from error
