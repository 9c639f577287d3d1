"""Kokoro's AdaINResBlock1 over rows (see rows.py)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .rows import Moments, RowConvolution, Scratch, convolve_snakes


class RowResidual:
    """One AdaINResBlock1: three times normalise, Snake, convolve, normalise, Snake, convolve, add."""

    def __init__(self, block: Any, dtype: torch.dtype) -> None:
        """Take over a block's weights, its weight norm folded. `dtype`: of the convolutions."""
        self._norms = list(zip(block.adain1, block.adain2, strict=True))
        alphas = [[alpha.detach().flatten().double() for alpha in group] for group in (block.alpha1, block.alpha2)]
        convolutions = [
            [RowConvolution(one, scale=1 / alpha, dtype=dtype) for one, alpha in zip(group, some, strict=True)]
            for group, some in zip((block.convs1, block.convs2), alphas, strict=True)
        ]
        self._alphas = list(zip(*alphas, strict=True))
        self._convolutions = list(zip(*convolutions, strict=True))
        self.edge = max(one.edge for group in convolutions for one in group)

    def __call__(self, rows: Tensor, moments: Moments, style: Tensor, out: Tensor, room: Room, *, add: bool) -> None:
        """Write the block's result, or add it, to `out`.

        `rows` (samples, channels) with their moments; `style` (1, style channels). `rows` is left as it is.
        """
        current = rows
        last = len(self._norms) - 1
        for number, ((first, second), (alpha1, alpha2), (convolve1, convolve2)) in enumerate(
            zip(self._norms, self._alphas, self._convolutions, strict=True)
        ):
            gain, shift = snake_domain(first, style, moments, alpha1)
            between = Moments(rows.shape[1])
            for place, piece in convolve_snakes(current, gain, shift, convolve1, room.scratch):
                room.between[place] = piece
                between.add(piece, room.scratch.spare)
            gain, shift = snake_domain(second, style, between, alpha2)
            moments = Moments(rows.shape[1])
            for place, piece in convolve_snakes(room.between, gain, shift, convolve2, room.scratch):
                whole = piece.add_(current[place])
                if number < last:
                    room.current[place] = whole
                    moments.add(whole, room.scratch.spare)
                elif add:
                    out[place] += whole
                else:
                    out[place] = whole
            current = room.current


class Room:
    """What the blocks of one stage of the generator write in, one after the other."""

    def __init__(self, length: int, channels: int, edge: int) -> None:
        self.between = torch.empty(length, channels)
        self.current = torch.empty(length, channels)
        self.scratch = Scratch(length, channels, edge)


def snake_domain(norm: Any, style: Tensor, moments: Moments, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Give AdaIN1d and the Snake's factor as one gain and shift, float32 (channels,), for convolve_snakes."""
    gamma, beta = norm.fc(style)[0].double().chunk(2)
    weight, bias = norm.norm.weight.double(), norm.norm.bias.double()
    inverse = moments.inverse_deviation(norm.norm.eps)
    gain = (1 + gamma) * weight * inverse
    shift = (1 + gamma) * (bias - weight * inverse * moments.mean) + beta
    return (gain * alpha).float(), (shift * alpha).float()
