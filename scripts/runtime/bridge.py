"""The bridge: Kokoro's STFT without complex kernels that torch compiles at run time.

Three operations of kokoro.istftnet.TorchSTFT reach torch's Jiterator on a GPU, which compiles them with NVRTC: complex
`abs` and `angle` in `transform`, complex `exp` in `inverse`. Where NVRTC does not know the GPU's architecture all
three fail, so patching `transform` alone is not enough. The bridge uses operations that torch ships compiled:
`torch.hypot(re, im)`, `torch.atan2(im, re)`, `torch.polar(magnitude, phase)`. On a CPU hypot and polar are bit-exact
and atan2 is within 2.4e-7 of the stock code.

    from kokoro_spark import bridge
    bridge.enable()

Enabling is idempotent, reaches models that are already loaded, and is undone by `disable()`.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import metadata
from types import CodeType, FunctionType
from typing import Any

from . import __version__

__all__ = ["BridgeError", "disable", "enable", "is_active", "misfit", "status"]

_MODULE = "kokoro.istftnet"
_MARK = "__kokoro_spark_bridge__"
_ORIGINAL = "__kokoro_spark_original__"
_SETTINGS = {"filter_length", "hop_length", "win_length", "window"}
# What each method's code must name for us to know it: kokoro 0.9.4's, the only shape the replacements were made for.
_KNOWN = {
    "transform": (("self", "input_data"), {"stft", "abs", "angle"} | _SETTINGS),
    "inverse": (("self", "magnitude", "phase"), {"istft", "exp", "unsqueeze"} | _SETTINGS),
}
_lock = threading.RLock()


class BridgeError(RuntimeError):
    """Kokoro is not what the bridge was made for, so it was left as it is."""


def _transform(self: Any, input_data: Any) -> Any:
    """Give magnitude and phase (radians), each float (batch, filter_length // 2 + 1, frames), of (batch, samples)."""
    import torch

    window = self.window.to(input_data.device)
    spectrum = torch.stft(
        input_data, self.filter_length, self.hop_length, self.win_length, window=window, return_complex=True
    )
    real, imaginary = torch.view_as_real(spectrum).unbind(-1)
    return torch.hypot(real, imaginary), torch.atan2(imaginary, real)


def _inverse(self: Any, magnitude: Any, phase: Any) -> Any:
    """Give the signal, float (batch, 1, samples), of magnitude and phase as `_transform` gives them."""
    import torch

    # polar takes one dtype, float32 or float64; the stock product promotes halves and mixtures by itself.
    wide = torch.promote_types(torch.promote_types(magnitude.dtype, phase.dtype), torch.float32)
    spectrum = torch.polar(magnitude.to(wide), phase.to(wide))
    window = self.window.to(magnitude.device)
    signal = torch.istft(spectrum, self.filter_length, self.hop_length, self.win_length, window=window)
    return signal.unsqueeze(-2)


_REPLACEMENTS: dict[str, Callable[..., Any]] = {"transform": _transform, "inverse": _inverse}
METHODS = tuple(_REPLACEMENTS)
"""What the bridge replaces in TorchSTFT."""


def enable() -> None:
    """Replace both methods of TorchSTFT, for every instance, in this process. Imports kokoro.

    Raises BridgeError where kokoro has not the shape the bridge knows; nothing is changed then.
    """
    with _lock:
        stft = _stft_class(importlib.import_module(_MODULE))
        wanted = [name for name in _REPLACEMENTS if not hasattr(getattr(stft, name, None), _MARK)]
        for name in wanted:
            _check(stft, name)
        for name in wanted:
            setattr(stft, name, _marked(_REPLACEMENTS[name], getattr(stft, name)))


def disable() -> None:
    """Put kokoro's own methods back, in this process. A method that is not the bridge's is left as it is."""
    with _lock:
        stft = getattr(sys.modules.get(_MODULE), "TorchSTFT", None)
        for name in _REPLACEMENTS:
            original = getattr(getattr(stft, name, None), _ORIGINAL, None)
            if original is not None:
                setattr(stft, name, original)


def is_active() -> bool:
    """Tell whether both methods are the bridge's. Never imports kokoro."""
    return _covered() == list(_REPLACEMENTS)


def status() -> dict[str, Any]:
    """Tell what is bridged: `active`, `covers` (methods), `bridge` and `kokoro` (versions). Never imports kokoro."""
    covers = _covered()
    return {
        "active": covers == list(_REPLACEMENTS),
        "covers": covers,
        "bridge": __version__,
        "kokoro": _kokoro_version(),
    }


def _covered() -> list[str]:
    """Name the methods that are the bridge's, by whichever copy of this module."""
    stft = getattr(sys.modules.get(_MODULE), "TorchSTFT", None)
    return [name for name in _REPLACEMENTS if hasattr(getattr(stft, name, None), _MARK)]


def _stft_class(module: Any) -> Any:
    stft = getattr(module, "TorchSTFT", None)
    if not inspect.isclass(stft):
        raise BridgeError(f"{_unknown()}: it has no class TorchSTFT")
    return stft


def misfit(methods: Mapping[str, CodeType]) -> str | None:
    """Say why the replacements do not fit a TorchSTFT whose methods have this code, by name; None: they fit.

    It needs no kokoro and runs nothing, so a release can be judged by its source alone.
    """
    reasons = (_misfit(name, methods.get(name)) for name in _REPLACEMENTS)
    return next((reason for reason in reasons if reason is not None), None)


def _misfit(name: str, code: CodeType | None) -> str | None:
    """Say why one method is not the one that its replacement was made for."""
    if code is None:
        return f"TorchSTFT has no method {name}"
    parameters, names = _KNOWN[name]
    found = _parameters(code)
    if found != parameters:
        return f"TorchSTFT.{name} takes {found}, not {parameters}"
    missing = names - set(code.co_names)
    return f"TorchSTFT.{name} does not use {', '.join(sorted(missing))}" if missing else None


def _parameters(code: CodeType) -> tuple[str, ...]:
    """Name a function's parameters of every kind, as its code has them: the first of its local variables."""
    variable = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + variable]


def _check(stft: Any, name: str) -> None:
    """Refuse a method that is not the one the replacement was made for."""
    method = stft.__dict__.get(name)
    reason = _misfit(name, method.__code__ if isinstance(method, FunctionType) else None)
    if reason is not None:
        raise BridgeError(f"{_unknown()}: {reason}")


def _unknown() -> str:
    return f"the bridge does not know kokoro {_kokoro_version() or '(version unknown)'} as it is here"


def _marked(replacement: Callable[..., Any], original: Any) -> Callable[..., Any]:
    """Copy the replacement and note on the copy whose place it takes, so that any copy of this module can undo it."""
    source = replacement.__code__
    copy = FunctionType(source, replacement.__globals__, original.__name__)
    copy.__doc__ = replacement.__doc__
    copy.__qualname__ = original.__qualname__
    copy.__module__ = __name__
    setattr(copy, _MARK, __version__)
    setattr(copy, _ORIGINAL, original)
    return copy


def _kokoro_version() -> str | None:
    try:
        return metadata.version("kokoro")
    except metadata.PackageNotFoundError:
        return None
