"""Probe `onnx-weights`: an ONNX model of Kokoro and its voices into a weights folder, checked.

Request: `model` (the export), `voices` (a folder of NAME.npy or NAME.bin, or kokoro-onnx's one file of all), `out` (an
existing folder), `packages` (folder that holds the onnx package; None: the model is checked and left as it is).
Written: `out/voices/*.npy`, and with `packages` `out/model.onnx`, in float32 (onnx_float). Answer: `voices`, `inputs`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure
from scripts.inside.onnx_loading import check_voice, read_voice, require_kokoro
from scripts.inside.onnx_session import load_runtime, open_session

MODEL = "model.onnx"


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Convert the voices, and the model where it is asked for; then have ONNX Runtime load it."""
    model, out = Path(request["model"]), Path(request["out"])
    if request["packages"] is not None:
        sys.path.append(request["packages"])  # last: numpy and protobuf stay the environment's
        from scripts.inside.onnx_float import write_float32

        write_float32(model, out / MODEL)
        model = out / MODEL
    onnxruntime, build = load_runtime()
    session = open_session(onnxruntime, str(model), "cpu", build=build)
    require_kokoro(session, str(model))
    names = write_voices(Path(request["voices"]), out / "voices")
    return {"voices": names, "inputs": sorted(one.name for one in session.get_inputs())}


def write_voices(source: Path, target: Path) -> list[str]:
    """Write every voice as NAME.npy. Returns the names. Raises ProbeFailure where there are none, or one is none."""
    import numpy as np

    found = dict(_voices(source))
    if not found:
        raise ProbeFailure(f"there are no voices in {source}")
    try:
        target.mkdir(exist_ok=True)
        for name, values in found.items():
            np.save(target / f"{name}.npy", values, allow_pickle=False)
    except OSError as error:
        raise ProbeFailure(f"{target} could not be written: {error.strerror}", {"cause": "not-writable"}) from error
    return sorted(found)


def _voices(source: Path) -> list[tuple[str, Any]]:
    import numpy as np

    if source.is_dir():
        return [(path.stem, read_voice(path)) for path in sorted(source.iterdir()) if path.suffix in {".npy", ".bin"}]
    try:
        with np.load(source, allow_pickle=False) as packed:
            return [(name, check_voice(packed[name], f"{source}: {name}")) for name in sorted(packed.files)]
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise ProbeFailure(f"{source} holds no voices: {error}") from error
