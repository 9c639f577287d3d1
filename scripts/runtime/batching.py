"""Many utterances at once: `kokoro_spark.batched(model).forward_batch(utterances)`.

On a GPU every stage takes all utterances together, padded to the longest and masked (together.py): one launch of a
kernel does the work of many. On a CPU that was measured to be slower than one by one: its convolutions are busy with
one utterance. There each thread takes an utterance of its own, so that no thread waits for another after every
operation; and each utterance is to the last bit what it is alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from kokoro.model import KModel
from torch import Tensor

from .together import Together
from .tuning import TunedModel, tuned

MOST_PHONEMES = 510
STYLE_CHANNELS = 256
BATCH = 16
"""Utterances of one pass on a GPU, at most."""
SPREAD = 1.5
"""How much longer than the shortest of a pass its longest may be: what is padded is computed in vain."""


@dataclass(frozen=True)
class Utterance:
    """What is to be spoken, and how."""

    phonemes: str
    """Symbols of Kokoro's vocabulary, at most 510; others are left out, as KModel leaves them out."""
    style: Tensor
    """Float (1, 256) or (256,): of a voice pack the entry for the count of phonemes, `pack[len(phonemes) - 1]`."""
    speed: float = 1.0
    seed: int | None = None
    """Of the noise: the sound is that of `torch.manual_seed(seed)` before the model is called with this utterance
    alone. None: the noise is another every time."""


class Batched:
    """A model that speaks many utterances at once."""

    def __init__(self, model: TunedModel, *, together: bool | None) -> None:
        self.model = model
        on_a_gpu = torch.device(model.device).type != "cpu"
        self._together = Together(model) if (on_a_gpu if together is None else together) else None

    def forward_batch(self, utterances: Sequence[Utterance]) -> list[Any]:
        """Speak all of them; give KModel.Output (audio float32 (samples,) at 24 kHz, pred_dur) for each, in order.

        Raises ValueError, which names the utterance by its number from 0, for phonemes that are none or too many, a
        style of another shape or not finite, a speed that is no positive number.
        """
        tokens = [self._checked(number, one) for number, one in enumerate(utterances)]
        if self._together is None:
            outputs = _each(self.model, utterances, tokens)
        else:
            outputs = self._all_together(self._together, utterances, tokens)
        return [KModel.Output(audio=audio, pred_dur=durations) for audio, durations in outputs]

    def _all_together(
        self, together: Together, utterances: Sequence[Utterance], tokens: list[list[int]]
    ) -> list[tuple[Tensor, Tensor]]:
        device = self.model.device
        outputs: dict[int, tuple[Tensor, Tensor]] = {}
        for places in buckets([len(one) for one in tokens]):
            chosen = [utterances[place] for place in places]
            styles = torch.stack([one.style.reshape(-1).to(device, torch.float32) for one in chosen])
            speeds = torch.tensor([one.speed for one in chosen], dtype=torch.float64, device=device)
            noises = [_noise(one.seed, device) for one in chosen]
            with torch.inference_mode():
                spoken = together([tokens[place] for place in places], styles, speeds, noises)
            for place, (audio, durations) in zip(places, spoken, strict=True):
                outputs[place] = audio.cpu().clone(), durations.cpu().clone()
        return [outputs[place] for place in range(len(utterances))]

    def _checked(self, number: int, one: Utterance) -> list[int]:
        """Give an utterance's tokens."""
        vocabulary = self.model.vocab
        tokens = [vocabulary[symbol] for symbol in one.phonemes if symbol in vocabulary]
        problem = None
        if not tokens:
            problem = f"the model knows none of its phonemes {one.phonemes[:40]!r}"
        elif len(tokens) > min(MOST_PHONEMES, self.model.context_length - 2):
            problem = f"{len(tokens)} phonemes, at most {MOST_PHONEMES}: part the text"
        elif one.style.numel() != STYLE_CHANNELS:
            problem = (
                f"a style of shape {tuple(one.style.shape)}, not (1, {STYLE_CHANNELS}): take pack[len(phonemes) - 1]"
            )
        elif not bool(torch.isfinite(one.style).all()):
            problem = "its style is not finite: the voice pack is damaged"
        elif not (math.isfinite(one.speed) and one.speed > 0):
            problem = f"{one.speed!r} is no speed"
        if problem is not None:
            raise ValueError(f"utterance {number}: {problem}")
        return [0, *tokens, 0]


def batched(model: KModel, *, dtype: str = "float32", together: bool | None = None) -> Batched:
    """Make a model that speaks many utterances at once of `model`, which is left as it is.

    A tuned model is taken as it is, another is tuned first, with `dtype`. `together`: whether every stage takes all
    utterances at once; None: on a GPU. On a CPU forward_batch sets torch's threads to one in threads of its own while
    it runs.

    Raises what `tuned` raises.
    """
    return Batched(model if isinstance(model, TunedModel) else tuned(model, dtype=dtype), together=together)


def buckets(lengths: Sequence[int], *, most: int = BATCH, spread: float = SPREAD) -> list[list[int]]:
    """Part the places of `lengths` into passes of like lengths.

    A pass has at most `most`, none of them longer than `spread` times its shortest.
    """
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if found and len(found[-1]) < most and lengths[place] <= spread * lengths[found[-1][0]]:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _each(model: TunedModel, utterances: Sequence[Utterance], tokens: list[list[int]]) -> list[tuple[Tensor, Tensor]]:
    """Speak each utterance in one thread, as many at a time as torch has threads, the longest first."""
    threads = torch.get_num_threads()

    def speak(place: int) -> tuple[Tensor, Tensor]:
        torch.set_num_threads(1)  # of this thread; it is new, and ends with the batch
        one = utterances[place]
        ids = torch.tensor([tokens[place]], device=model.device)
        style = one.style.reshape(1, -1).to(model.device, torch.float32)
        with torch.inference_mode():
            audio, durations = model.infer(ids, style, one.speed, noise=_noise(one.seed, model.device), threads=threads)
        return audio.cpu().clone(), durations.cpu().clone()

    order = sorted(range(len(utterances)), key=lambda place: -len(tokens[place]))
    pool = ThreadPoolExecutor(max_workers=max(1, min(threads, len(utterances))), thread_name_prefix="kokoro-spark")
    try:
        spoken = dict(zip(order, pool.map(speak, order), strict=True))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # set_num_threads is also the default of threads that are yet to come
    return [spoken[place] for place in range(len(utterances))]


def _noise(seed: int | None, device: Any) -> torch.Generator:
    generator = torch.Generator(device)
    generator.manual_seed(int(torch.randint(1 << 62, ()).item()) if seed is None else seed)
    return generator
