"""The same voice, faster: `kokoro_spark.tuned(model)`.

What was tried, and what each change measured, is in docs/performance.md. What is kept:

- weight norm folded into the weights (bit-exact), inference mode, the alignment as a choice of columns (bit-exact);
- the generator over rows, in pieces that stay in the cache, its Snakes fused with their normalisations (rows.py);
- the harmonic source at the rate of frames (harmonics.py).

What decides durations and pitch is left as it is to the last bit: a pitch that is off by one part in a million is
half a radian off after twenty seconds.
"""

from __future__ import annotations

import copy
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from kokoro.model import KModel
from torch import Tensor, nn

from .generator import TunedGenerator

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_MEASURED = frozenset({"x86_64", "AMD64"})
"""Machines on whose CPUs rows were measured faster. On others the layers are only folded, unless asked otherwise."""


class TunedModel(KModel):  # type: ignore[misc] # kokoro is not installed where mypy runs
    """A KModel for inference alone: give it to a KPipeline as `model`, or call it as you call KModel."""

    def forward_with_tokens(self, input_ids: Tensor, ref_s: Tensor, speed: float = 1) -> tuple[Tensor, Tensor]:
        """Give sound, float32 (samples,), and the frames of each token, of token numbers (1, tokens) and a style.

        Nothing is copied between host and device but what decides the length of the sound.
        """
        with torch.inference_mode():
            audio, durations = self.infer(input_ids, ref_s, speed)
        return audio.clone(), durations.clone()  # tensors of inference mode could not be changed in place by the caller

    def infer(
        self,
        input_ids: Tensor,
        ref_s: Tensor,
        speed: float,
        *,
        noise: torch.Generator | None = None,
        threads: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute as kokoro 0.9.4's KModel.forward_with_tokens does for one utterance, in inference mode.

        `noise` is what random numbers are drawn from; None: torch's own. `threads`: of torch until durations and pitch
        are known; None: as many as it has. Some products of matrices add up in an order that depends on it.
        """
        with _threads(threads):
            aligned, pitch, energy, durations = self._prosody(input_ids, ref_s[:, 128:], speed)
        voice = ref_s[:, :128]
        features = _features(self.decoder, aligned, pitch, energy, voice)
        return self.decoder.generator(features, voice, pitch, noise).reshape(-1), durations

    def _prosody(self, input_ids: Tensor, style: Tensor, speed: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give text features and pitch and energy, by frame, and durations, by token."""
        count = input_ids.shape[-1]
        lengths = torch.full((input_ids.shape[0],), count, dtype=torch.long)  # on the host: packing asks for them there
        mask = torch.zeros(input_ids.shape, dtype=torch.bool, device=input_ids.device)
        hidden = self.bert(input_ids, attention_mask=(~mask).int())
        text = self.bert_encoder(hidden).transpose(-1, -2)
        text = self.predictor.text_encoder(text, style, lengths, mask)
        predicted, _ = self.predictor.lstm(text)
        duration = torch.sigmoid(self.predictor.duration_proj(predicted)).sum(dim=-1) / speed
        durations = torch.round(duration).clamp(min=1).long()[0]
        columns = torch.repeat_interleave(torch.arange(count, device=input_ids.device), durations)
        pitch, energy = self.predictor.F0Ntrain(text.transpose(-1, -2)[..., columns], style)
        return self.text_encoder(input_ids, lengths, mask)[..., columns], pitch, energy, durations


def tuned(model: KModel, *, dtype: str = "float32", rows: bool | None = None) -> TunedModel:
    """Make a faster model of `model`, which is left as it is; parts that do not change are shared.

    `dtype`: of the generator's convolutions on a CPU: "float32", the same sound (60 dB SNR and better), or "bfloat16",
    the same words, for CPUs that compute in it. `rows`: whether to compute over rows on a CPU; None: where that was
    measured to be faster. On a GPU neither matters.

    Raises TypeError for what is no KModel, ValueError for an unknown dtype, and for a model with disable_complex, which
    is another sound.
    """
    if not isinstance(model, KModel):
        raise TypeError(f"tuned takes a kokoro.KModel, not {type(model).__name__}")
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}: choose one of {', '.join(DTYPES)}")
    if isinstance(model, TunedModel):
        raise ValueError("this model is tuned already")  # noqa: TRY004 - its type is right
    if type(model.decoder.generator.stft).__name__ != "TorchSTFT":
        raise ValueError("this model has disable_complex, which is another sound: load it without")
    made: TunedModel = TunedModel.__new__(TunedModel)
    made.__dict__ = {**model.__dict__, "_modules": dict(model._modules)}  # noqa: SLF001 - how nn.Module keeps its parts
    for name in ("predictor", "text_encoder", "decoder"):
        setattr(made, name, _folded(getattr(model, name)))
    over_rows = platform.machine() in _MEASURED if rows is None else rows
    made.decoder.generator = TunedGenerator(made.decoder.generator, DTYPES[dtype], rows=over_rows)
    made.eval()
    return made


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Have this thread compute with so many; None: as it does."""
    if count is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _features(decoder: Any, aligned: Tensor, pitch: Tensor, energy: Tensor, style: Tensor) -> Tensor:
    """Compute as kokoro 0.9.4's Decoder.forward does before its generator: (1, channels, 2 * frames)."""
    curves = (decoder.F0_conv(pitch[:, None]), decoder.N_conv(energy[:, None]))
    x = decoder.encode(torch.cat([aligned, *curves], dim=1), style)
    residual = decoder.asr_res(aligned)
    for block in decoder.decode:  # the last one raises the rate, and nothing is added after it
        x = block(torch.cat([x, residual, *curves], dim=1), style)
    return x


def _folded(module: Any) -> Any:
    """Copy a module and fold its weight norms: the weights are computed once, as they were for every utterance."""
    # The last weight that a norm computed may hang in autograd's graph, where it cannot be copied.
    computed = {id(part.weight): part.weight.detach() for part in module.modules() if hasattr(part, "weight_g")}
    made = copy.deepcopy(module, computed)
    for part in made.modules():
        if hasattr(part, "weight_g"):
            nn.utils.remove_weight_norm(part)
    return made.requires_grad_(requires_grad=False)
