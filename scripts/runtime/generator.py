"""Kokoro's generator, nine tenths of its time: over rows on a CPU, as its own layers elsewhere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .harmonics import harmonic_source, samples_per_frame
from .resblock import Room, RowResidual
from .rows import RowConvolution, as_image, image_weight, moments_of, to_rows


class TunedGenerator(nn.Module):  # type: ignore[misc] # torch is not installed where mypy runs
    """Takes the place of a kokoro.istftnet.Generator, whose folded layers it holds.

    What it makes of them for rows is made once: weights loaded or moved into the layers afterwards are not seen.
    """

    def __init__(self, layers: Any, dtype: torch.dtype, *, rows: bool) -> None:
        """`dtype`: of the convolutions over rows. `rows`: whether to compute over rows on a CPU."""
        super().__init__()
        self.layers = layers
        self.scale = samples_per_frame(layers)
        self._rows = _RowStages(layers, dtype) if rows else None

    def forward(self, x: Tensor, s: Tensor, f0: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """Give sound, float32 (1, 1, samples), of features (1, channels, frames), style and pitch (1, frames).

        `noise` is what random numbers are drawn from; None: torch's own.
        """
        layers = self.layers
        sound = harmonic_source(layers.m_source, f0, self.scale, None if noise is None else [noise])
        harmonics = torch.cat(layers.stft.transform(sound), dim=1)
        if self._rows is not None and x.device.type == "cpu" and x.shape[0] == 1:
            x = self._rows(x, s, harmonics)
        else:
            x = self._stages(x, s, harmonics)
        middle = layers.post_n_fft // 2 + 1
        return layers.stft.inverse(torch.exp(x[:, :middle]), torch.sin(x[:, middle:]))

    def _stages(self, x: Tensor, s: Tensor, harmonics: Tensor) -> Tensor:
        """Compute as kokoro 0.9.4's Generator.forward does, between transform and inverse."""
        layers = self.layers
        for stage, up in enumerate(layers.ups):
            source = layers.noise_res[stage](layers.noise_convs[stage](harmonics), s)
            x = up(functional.leaky_relu(x, 0.1))
            if stage == layers.num_upsamples - 1:
                x = layers.reflection_pad(x)
            x = x + source
            blocks = layers.resblocks[stage * layers.num_kernels : (stage + 1) * layers.num_kernels]
            total = blocks[0](x, s)
            for block in blocks[1:]:
                total += block(x, s)
            x = total / layers.num_kernels
        return layers.conv_post(functional.leaky_relu(x))


class _RowStages:
    """The generator's layers over rows."""

    def __init__(self, layers: Any, dtype: torch.dtype) -> None:
        self._layers = layers
        self._blocks = [RowResidual(block, dtype) for block in layers.resblocks]
        self._noise_blocks = [RowResidual(block, dtype) for block in layers.noise_res]
        self._noise_weights = [image_weight(one.weight) for one in layers.noise_convs]
        self._up_weights = [image_weight(one.weight) for one in layers.ups]
        self._last = RowConvolution(layers.conv_post)

    def __call__(self, x: Tensor, style: Tensor, harmonics: Tensor) -> Tensor:
        """Give (1, bins, frames) of features (1, channels, frames)."""
        spectrum = to_rows(harmonics).contiguous()
        rows = to_rows(x).contiguous()
        for stage in range(self._layers.num_upsamples):
            rows = self._stage(stage, rows, style, spectrum)
        image = as_image(functional.leaky_relu_(rows))
        last = self._last
        return torch.conv2d(image, last.weight, last.bias, 1, (0, last.edge))[:, :, 0]

    def _stage(self, stage: int, rows: Tensor, style: Tensor, spectrum: Tensor) -> Tensor:
        """Raise the rate and refine: (n, channels) to (n * stride, channels / 2), in the last stage one row more."""
        layers, count = self._layers, self._layers.num_kernels
        blocks = self._blocks[stage * count : (stage + 1) * count]
        noise = layers.noise_convs[stage]
        source = torch.conv2d(
            as_image(spectrum), self._noise_weights[stage], noise.bias, (1, noise.stride[0]), (0, noise.padding[0])
        )
        source = to_rows(source[:, :, 0])
        length, channels = source.shape
        room = Room(length, channels, max(block.edge for block in (*blocks, self._noise_blocks[stage])))
        signal, total = torch.empty_like(room.current), torch.empty_like(room.current)
        self._noise_blocks[stage](source, moments_of(source, room.scratch.spare), style, signal, room, add=False)
        raised = self._raise(stage, rows)
        if stage == layers.num_upsamples - 1:  # a reflection of one row: a frame more than there are hops
            signal[1:] += raised
            signal[0] += raised[1]
        else:
            signal += raised
        moments = moments_of(signal, room.scratch.spare)
        for number, block in enumerate(blocks):
            block(signal, moments, style, total, room, add=number > 0)
        return total.div_(count)

    def _raise(self, stage: int, rows: Tensor) -> Tensor:
        up = self._layers.ups[stage]
        image = as_image(functional.leaky_relu(rows, 0.1))
        raised = torch.conv_transpose2d(image, self._up_weights[stage], up.bias, (1, up.stride[0]), (0, up.padding[0]))
        return to_rows(raised[:, :, 0])
