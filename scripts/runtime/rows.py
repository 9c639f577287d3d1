"""Passes over rows: a signal as (samples, channels), each sample's channels side by side in memory.

torch's convolutions want that layout on a CPU (it is channels_last with a height of one); in Kokoro's own, channels
first, they convert every signal to it and back. And a long signal does not fit into the caches: an activation, a
convolution and a statistic, each over the whole of it, fetch it from memory every time. So all that happens to a piece
of the signal happens while that piece is in the cache, and the pieces are the same sound as the whole: a convolution
sees its neighbours' edges, and only sums are taken over pieces.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

PIECE_BYTES = 4 << 20
"""Of a piece, for each thread. Smaller ones, of an L2 cache, lost more to starting threads than they gained."""


def pieces(length: int, channels: int) -> list[slice]:
    """Part a signal of float32 into pieces of about the same length, for as many threads as torch has here."""
    most = max(1, PIECE_BYTES // (4 * channels)) * torch.get_num_threads()
    step = -(-length // -(-length // most))
    return [slice(start, min(length, start + step)) for start in range(0, length, step)]


def to_rows(signal: Tensor) -> Tensor:
    """Give (1, channels, samples) as (samples, channels), without copying."""
    return signal[0].t()


def from_rows(rows: Tensor) -> Tensor:
    """Give (samples, channels) as (1, channels, samples), without copying."""
    return rows.t()[None]


def as_image(rows: Tensor) -> Tensor:
    """Give rows as (1, channels, 1, samples): channels_last, as torch.conv2d takes it without copying."""
    return rows.t()[None, :, None]


def image_weight(weight: Tensor) -> Tensor:
    """Give a weight of a 1-D convolution, (out, in, width), as conv2d's in channels_last: a copy of its own."""
    return weight.detach().unsqueeze(2).clone(memory_format=torch.channels_last)


class RowConvolution:
    """A 1-D convolution of stride one that keeps the length, over rows."""

    def __init__(self, source: nn.Conv1d, *, scale: Tensor | None = None, dtype: torch.dtype = torch.float32) -> None:
        """Take over a convolution's weights; `scale`: of its input, (channels,), folded into them."""
        weight = source.weight.detach()
        if scale is not None:
            weight = (weight.double() * scale.view(1, -1, 1)).float()
        assert source.bias is not None
        self.weight = image_weight(weight).to(dtype)
        self.bias = source.bias.detach().to(dtype)
        self.dilation = source.dilation[0]
        self.edge = (source.kernel_size[0] - 1) // 2 * self.dilation
        """Rows it needs before and after those it gives."""

    def __call__(self, rows: Tensor) -> Tensor:
        """Give (n, out) of (n + 2 * edge, in), float32."""
        image = as_image(rows if rows.dtype == self.weight.dtype else rows.to(self.weight.dtype))
        return to_rows(torch.conv2d(image, self.weight, self.bias, 1, 0, (1, self.dilation))[:, :, 0]).float()


class Moments:
    """Mean and variance of each channel, gathered piece by piece (Chan, Golub, LeVeque 1979), in float64."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean = torch.zeros(channels, dtype=torch.float64)
        self._squares = torch.zeros(channels, dtype=torch.float64)

    def add(self, rows: Tensor, scratch: Tensor) -> None:
        """Take (n, channels) in; `scratch` is at least as large, and overwritten."""
        count = rows.shape[0]
        ones = rows.new_ones(1, count)
        mean = (ones @ rows) / count  # a product of matrices: a sum over rows is several times slower
        apart = torch.sub(rows, mean, out=scratch[:count])
        squares = ones @ apart.mul_(apart)
        difference = mean[0].double() - self.mean
        whole = self.count + count
        self._squares += squares[0] + difference * difference * (self.count * count / whole)
        self.mean += difference * (count / whole)
        self.count = whole

    def inverse_deviation(self, epsilon: float) -> Tensor:
        """Give 1 / sqrt(variance + epsilon), float64 (channels,), as instance normalisation has it."""
        return torch.rsqrt(self._squares / self.count + epsilon)


def moments_of(rows: Tensor, scratch: Tensor) -> Moments:
    """Gather the moments of a whole signal."""
    found = Moments(rows.shape[1])
    for place in pieces(*rows.shape):
        found.add(rows[place], scratch)
    return found


class Scratch:
    """What a pass over pieces of one width writes in, again and again: it stays in the cache."""

    def __init__(self, length: int, channels: int, edge: int) -> None:
        first = pieces(length, channels)[0]
        rows = first.stop - first.start + 2 * edge
        self.active = torch.empty(rows, channels)
        self.spare = torch.empty(rows, channels)


def convolve_snakes(
    rows: Tensor, gain: Tensor, shift: Tensor, convolution: RowConvolution, scratch: Scratch
) -> Iterator[tuple[slice, Tensor]]:
    """Convolve z + sin(z)^2, where z = gain * rows + shift, piece by piece: give each piece's place and result.

    Snake of Kokoro is y + sin(a * y)^2 / a. With z = a * y it is (z + sin(z)^2) / a, whose division is in the
    convolution's weights. `gain` and `shift` are (channels,). Beyond the signal's ends there are zeros.
    """
    length, edge = rows.shape[0], convolution.edge
    for place in pieces(*rows.shape):
        first, last = max(0, place.start - edge), min(length, place.stop + edge)
        whole = scratch.active[: place.stop - place.start + 2 * edge]
        ahead, inside = first - (place.start - edge), last - first
        whole[:ahead] = 0
        whole[ahead + inside :] = 0
        active = torch.addcmul(shift, rows[first:last], gain, out=whole[ahead : ahead + inside])
        sine = torch.sin(active, out=scratch.spare[:inside])
        active.addcmul_(sine, sine)
        yield place, convolution(whole)
