"""The modes in which Kokoro is run, and proof that the code under test is what the mode says."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from scripts.inside.bridging import enable_bridge, switch_hook_off
from scripts.inside.failure import ProbeFailure
from scripts.inside.research_note import ORIGINAL, PATCHED, apply_research_note

MODES = ("stock", "bridged", "disable_complex", "transform_only")
STFT = "kokoro.istftnet"
METHODS = ("transform", "inverse")
_REPLACED = {"bridged": METHODS, "transform_only": (PATCHED,)}
"""What of TorchSTFT is not kokoro's own in a mode. In the others all of it is."""


def prepare(mode: str, detail: dict[str, Any]) -> None:
    """Put a mode's patch in place and note in `detail` which: `bridge`, and where each method comes from, `stft`.

    The environment's own hook (scripts/runtime/hook.py) is switched off first, whatever the mode: what is judged is
    Kokoro in this mode, not the environment's setting. `hook` says so where it was on.

    Raises ProbeFailure (cause "bridge") where a patch is where none must be, or is not where it must be.
    """
    detail["bridge"] = None
    if switch_hook_off():
        detail["hook"] = "switched off"
    if mode == "bridged":
        detail["bridge"] = enable_bridge()
    elif mode == "transform_only":
        check("stock", detail)  # another's patch below the note's would not be seen any more
        apply_research_note()
    check(mode, detail)


def restore(mode: str) -> None:
    """Take a mode's patch away again, so that another mode can run in this process."""
    stft = importlib.import_module(STFT).TorchSTFT
    for name in _REPLACED.get(mode, ()):
        original = getattr(getattr(stft, name), ORIGINAL, None)
        if original is not None:
            setattr(stft, name, original)


def check(mode: str, detail: dict[str, Any]) -> None:
    """Make sure that the code under test is what the mode says: stock means kokoro's own, untouched."""
    module = importlib.import_module(STFT)
    methods = {name: inspect.unwrap(getattr(module.TorchSTFT, name)) for name in METHODS}
    detail["stft"] = {name: method.__module__ for name, method in methods.items()}
    own = {name: method.__code__.co_filename == module.__file__ for name, method in methods.items()}
    replaced = _REPLACED.get(mode, ())
    left = [name for name in replaced if own[name]]
    patched = [name for name in METHODS if name not in replaced and not own[name]]
    if left:
        whose = "the bridge" if mode == "bridged" else "the research note's patch"
        text = f"{whose} does not cover TorchSTFT.{' and '.join(left)}"
        raise ProbeFailure(text, {**detail, "cause": "bridge"})
    if patched:
        what = "TorchSTFT.inverse" if replaced else "the stock code"
        text = f"TorchSTFT.{' and '.join(patched)} is not kokoro's own: a patch is active where {what} was to be judged"
        raise ProbeFailure(text, {**detail, "cause": "bridge"})
