"""Kokoro by kokoro-onnx from weights on disk, checked before use.

`weights` is what scripts.weights.request.to_request writes for a folder of this kind:

    {"kind": "onnx", "label": TEXT, "model": PATH, "voices": FOLDER}

Each voice is NAME.npy, float32 of shape (510, 1, 256).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure

VOICE_SHAPE = (510, 1, 256)
DEFAULT_VOICE = "af_heart"
SAMPLE_RATE = 24_000
_INPUTS = ({"tokens", "style", "speed"}, {"input_ids", "style", "speed"})


def load_voice(weights: dict[str, Any], voice: str | None) -> tuple[str, Any]:
    """Load a voice: its file, and float32 of shape (510, 1, 256). None: af_heart where there is one, else the first.

    Raises ProbeFailure where there is no such voice, or its file holds none.
    """
    folder = Path(weights["voices"])
    names = sorted(path.stem for path in folder.glob("*.npy"))
    if voice is None and names:
        voice = DEFAULT_VOICE if DEFAULT_VOICE in names else names[0]
    if voice not in names:
        raise ProbeFailure(f"there is no voice {voice!r} in {folder}", {"voices": names})
    path = folder / f"{voice}.npy"
    return str(path), read_voice(path)


def read_voice(path: Path) -> Any:
    """Read NAME.npy, or NAME.bin: its numbers alone, little-endian float32. Raises ProbeFailure."""
    import numpy as np

    try:
        values = np.fromfile(path, dtype="<f4") if path.suffix == ".bin" else np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ProbeFailure(f"{path} cannot be read: {error}", {"voice": str(path)}) from error
    return check_voice(values, str(path))


def check_voice(values: Any, name: str) -> Any:
    """Give a voice its shape. Raises ProbeFailure where the numbers are no voice."""
    import numpy as np

    size = VOICE_SHAPE[0] * VOICE_SHAPE[1] * VOICE_SHAPE[2]
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.size != size:
        found = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise ProbeFailure(f"{name} is no voice: expected floats of shape {VOICE_SHAPE}, found {found}")
    if not np.isfinite(values).all():
        raise ProbeFailure(f"{name} is no voice: it is not finite")
    return values.reshape(VOICE_SHAPE).astype(np.float32)


def make_kokoro(session: Any, voice_file: str) -> Any:
    """Make kokoro-onnx's Kokoro around a session. It wants a file of voices; each voice is given with its text."""
    return importlib.import_module("kokoro_onnx").Kokoro.from_session(session, voice_file)


def require_kokoro(session: Any, name: str) -> None:
    """Insist that a session's model takes and gives what Kokoro's does. Raises ProbeFailure."""
    inputs = {one.name for one in session.get_inputs()}
    if inputs not in _INPUTS or not session.get_outputs():
        raise ProbeFailure(f"{name} is no ONNX export of Kokoro: it takes {', '.join(sorted(inputs)) or 'nothing'}")
