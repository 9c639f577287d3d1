"""The research note's patch, in this process only: to measure what it does, never to be used.

The note (February 2026) replaces TorchSTFT.transform's complex `abs` and `angle` by real square root and atan2, and
leaves `inverse`, whose complex `exp` torch compiles at run time as well.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULE = "kokoro.istftnet"
PATCHED = "transform"
ORIGINAL = "__kokoro_spark_original__"
"""The attribute in which a replacement keeps what it replaced: the bridge's name for it."""


def apply_research_note() -> None:
    """Replace TorchSTFT.transform, for every instance; modes.restore undoes it. Imports kokoro."""
    stft = importlib.import_module(_MODULE).TorchSTFT
    if stft.transform is not _transform:
        setattr(_transform, ORIGINAL, stft.transform)
        stft.transform = _transform


def _transform(self: Any, input_data: Any) -> Any:
    """Give magnitude and phase (radians), each float (batch, filter_length // 2 + 1, frames), of (batch, samples)."""
    import torch

    spectrum = torch.stft(
        input_data,
        self.filter_length,
        self.hop_length,
        self.win_length,
        window=self.window.to(input_data.device),
        return_complex=True,
    )
    real, imaginary = spectrum.real, spectrum.imag
    return torch.sqrt(real**2 + imaginary**2), torch.atan2(imaginary, real)
