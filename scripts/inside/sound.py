"""Probe `sound`: utterances in one mode of Kokoro, as raw samples.

Request: `mode`, `weights`, `device` ("cpu", "cuda"), `dtype`, `utterances` ([{"name": TEXT, "voice": NAME,
"stretches": [phonemes, ...]}]), `folder` (where NAME.f32 is written: float32, little-endian, 24 kHz, whole or not at
all, so that whoever waits can count them). Answer: `samples` ({name: how many}), `seconds_load`, `seconds`, `dtype`
(what it really computes in) and `device`. Failures carry `cause` where the caller tells them apart: "old-runtime",
"no-gpu", "provider".

Noise: every stretch is spoken with the same seed, and on a GPU the random numbers are drawn on the CPU: CUDA draws
others from the same seed, and two seeds are 0.3 dB SNR of each other. TF32 is off: it drifts the phase of the
harmonics.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from scripts.inside.speakers import Line, Speaker, open_speaker

SEED = 0
GROUP = 8
"""Utterances that are given to a speaker at once: `batched` speaks them as one batch, the others in turn."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Speak every utterance into the folder."""
    start = time.perf_counter()
    on_cuda = request["device"].partition(":")[0] == "cuda"
    is_onnx = request["weights"]["kind"] == "onnx"
    if on_cuda and not is_onnx:
        _exact_matrices()
    speaker = open_speaker(
        request["mode"], request["weights"], device=request["device"], dtype=request["dtype"] or "float32"
    )
    loaded = time.perf_counter()
    folder = Path(request["folder"])
    counts: dict[str, int] = {}
    with _same_numbers(on_cuda=on_cuda and not is_onnx):
        for name, samples in _spoken(speaker, request["utterances"]):
            _write(folder / f"{name}.f32", samples)
            counts[name] = len(samples)
    done = time.perf_counter()
    return {
        "samples": counts,
        "seconds_load": loaded - start,
        "seconds": done - loaded,
        "dtype": speaker.dtype,
        "device": speaker.device,
    }


def _spoken(speaker: Speaker, utterances: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Give each utterance's samples, its stretches one after the other."""
    import numpy as np

    size = GROUP if speaker.mode == "batched" else 1
    for first in range(0, len(utterances), size):
        group = utterances[first : first + size]
        lines = [Line(phonemes=one, voice=each["voice"], seed=SEED) for each in group for one in each["stretches"]]
        sounds = iter(speaker.speak(lines))
        for each in group:
            yield each["name"], np.concatenate([next(sounds) for _ in each["stretches"]])


def _write(path: Path, samples: Any) -> None:
    part = path.with_name(path.name + ".part")
    samples.astype("<f4").tofile(part)
    os.replace(part, path)  # noqa: PTH105 - atomic, and the same on every Python


def _exact_matrices() -> None:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _same_numbers(*, on_cuda: bool) -> AbstractContextManager[Any]:
    if not on_cuda:
        return nullcontext()
    from scripts.inside.watching import Failed, draws_on_the_cpu

    context: AbstractContextManager[Any] = draws_on_the_cpu(Failed())
    return context
