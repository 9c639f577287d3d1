"""Answer one question: `PYTHON -I -B -X faulthandler scripts/inside REQUEST ANSWER`.

REQUEST is a JSON file `{"probe": NAME, ...}`. ANSWER is written whole or not at all:
`{"ok": true, "detail": {...}}` or `{"ok": false, "error": "...", "detail": {...}}`. The exit status is 0 in both
cases; anything else, or no answer, means that the process itself died. stdout and stderr belong to the libraries.
The shape is pyproject-hooks'.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

PROBES = {
    "installed": "scripts.inside.installed",
    "device": "scripts.inside.device",
    "nvrtc": "scripts.inside.nvrtc",
    "canary": "scripts.inside.canary",
    "kokoro": "scripts.inside.synthesis",
    "bench": "scripts.inside.bench",
    "cold-start": "scripts.inside.cold_start",
    "charts": "scripts.inside.charts",
    "compare": "scripts.inside.compare",
    "phonemes": "scripts.inside.phonemes",
    "sound": "scripts.inside.sound",
    "measure": "scripts.inside.measure",
    "hear": "scripts.inside.hear",
    "triton": "scripts.inside.triton_target",
    "compile": "scripts.inside.compiling",
    "speak": "scripts.inside.speak",
    "convert": "scripts.inside.convert",
    "checkpoint": "scripts.inside.checkpoint",
    "bridge-fit": "scripts.inside.bridge_fit",
    "onnx-device": "scripts.inside.onnx_device",
    "onnx-kokoro": "scripts.inside.onnx_synthesis",
    "onnx-speak": "scripts.inside.onnx_speak",
    "onnx-weights": "scripts.inside.onnx_weights",
}
"""Each probe's module; it has `run(request: dict) -> dict`."""


def use_checkout() -> None:
    """Make `scripts` importable, and nothing else of the checkout.

    Python put this folder first on the path, where its modules would hide installed ones of the same name. The
    checkout's root is on the path only until `scripts` is imported: submodules are found through the package.
    """
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    root = str(here.parent.parent)
    sys.path.insert(0, root)
    try:
        importlib.import_module("scripts.inside")
    finally:
        sys.path.remove(root)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run the probe that the request names. A known failure and an unknown exception are both answers."""
    name = str(request.get("probe"))
    if name not in PROBES:
        return {"ok": False, "error": f"unknown probe {name!r}; known: {', '.join(PROBES)}", "detail": {}}
    failure = importlib.import_module("scripts.inside.failure")
    try:
        detail = importlib.import_module(PROBES[name]).run(request)
    except failure.ProbeFailure as known:
        return {"ok": False, "error": known.message, "detail": known.detail}
    except (Exception, SystemExit) as error:  # a library that calls sys.exit() is an observation too
        # Frames only: the text is in `error`, and the Jiterator's holds a whole kernel's source.
        frames = "".join(traceback.format_tb(error.__traceback__))
        detail = {"exception": type(error).__name__, "traceback": frames}
        return {"ok": False, "error": f"{type(error).__name__}: {error}", "detail": detail}
    return {"ok": True, "detail": detail}


def write_whole(path: Path, data: dict[str, Any]) -> None:
    """Write JSON beside its place and rename it: a killed probe leaves no half answer."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False, default=str), encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105 - atomic, and the same on every Python


def main(arguments: list[str]) -> int:
    """Read the request, answer it, write the answer."""
    if len(arguments) != 2:
        print("usage: python scripts/inside REQUEST ANSWER", file=sys.stderr)
        return 2
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    use_checkout()
    place, given = Path(arguments[1]), answer(request)
    try:
        write_whole(place, given)
    except ValueError as error:  # a NaN, an infinity: not JSON
        write_whole(place, {"ok": False, "error": f"the answer is not JSON: {error}", "detail": {}})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
