"""Kokoro's harmonic source without what it computes in vain: the same random numbers, the same sound.

SineGen raises the pitch to 24 kHz, takes phases there and brings them down to frames again, where each is the mean of
two equal numbers: they can be had at frames at once. The random initial phase is on the first sample alone, which no
frame's mean contains: it is drawn, as what is drawn after it depends on it, and left. The factors of the harmonics stay
on the device, where SineGen copies them to it every time.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def harmonic_source(source: Any, pitch: Tensor, scale: int, generators: list[torch.Generator] | None = None) -> Tensor:
    """Give the source signal, (batch, frames * scale), of pitch in Hz, (batch, frames).

    `source` is a kokoro.istftnet.SourceModuleHnNSF, `scale` its samples per frame. `generators`: one for each of the
    batch, None: torch's own. It draws what the stock code draws, in its order.
    """
    sine = source.l_sin_gen
    frames = pitch.shape[1]
    factors = torch.arange(1, sine.dim + 1, dtype=pitch.dtype, device=pitch.device)
    _draw_phases(pitch, sine.dim, generators)
    turns = (pitch[:, None] * factors[:, None] / sine.sampling_rate) % 1
    phase = torch.cumsum(turns.transpose(1, 2), dim=1).transpose(1, 2) * 2 * torch.pi
    phase = functional.interpolate(phase * scale, scale_factor=scale, mode="linear")
    voiced = (pitch > sine.voiced_threshold).to(pitch.dtype).repeat_interleave(scale, dim=1, output_size=frames * scale)
    voiced = voiced[:, None]
    waves = phase.sin_().mul_(sine.sine_amp)
    # torch draws other numbers for a tensor whose samples are not side by side, and so are the stock code's.
    noise = _draw_normal(waves.transpose(1, 2), generators).transpose(1, 2)
    noise *= voiced * sine.noise_std + (1 - voiced) * sine.sine_amp / 3
    merged = source.l_tanh(source.l_linear(waves.mul_(voiced).add_(noise).transpose(1, 2)))
    _draw_normal(merged, generators)  # noise that the generator never hears
    return merged.squeeze(-1)


def samples_per_frame(generator: Any) -> int:
    """Give how many samples a frame of pitch makes: 300 for Kokoro."""
    return math.prod(int(up.stride[0]) for up in generator.ups) * int(generator.stft.hop_length)


def _draw_phases(pitch: Tensor, harmonics: int, generators: list[torch.Generator] | None) -> None:
    """Draw the initial phases of the harmonics, from 0 to 1, and forget them."""
    if generators is None:
        torch.rand(pitch.shape[0], harmonics, device=pitch.device)
        return
    for generator in generators:
        torch.empty(1, harmonics, device=pitch.device).uniform_(generator=generator)


def _draw_normal(like: Tensor, generators: list[torch.Generator] | None) -> Tensor:
    """Draw as torch.randn_like does; from several generators, each one's part of the batch."""
    if generators is None:
        return torch.randn_like(like)
    drawn = torch.empty_like(like)
    for part, generator in zip(drawn.split(1), generators, strict=True):
        part.normal_(generator=generator)
    return drawn
