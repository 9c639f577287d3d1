"""What applications import, installed into each environment as `kokoro_spark`.

    from kokoro_spark import tuned                  # the same voice, faster
    from kokoro_spark import batched, Utterance     # many utterances at once
    from kokoro_spark import stream                 # the first sound early
    from kokoro_spark import bridge                 # on a GPU whose NVRTC is too old

Python 3.10 or newer, torch and kokoro only. Importing this package imports neither: what needs them is imported when
it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes 15 ms, and the hook's .pth file imports this package at each start of the interpreter
    from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "tuned": "tuning",
    "batched": "batching",
    "Batched": "batching",
    "Utterance": "batching",
    "stream": "streaming",
}
__all__ = ["Batched", "Utterance", "batched", "bridge", "stream", "tuned"]


def __getattr__(name: str) -> Any:
    """Import what is asked for by name (PEP 562)."""
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    if name == "bridge":
        return import_module(f"{__name__}.bridge")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
