"""Kokoro itself, once: stock, bridged, with disable_complex or the research note's patch, on the CPU or the GPU.

Runs are made comparable: the same seed, phonemes and voice; random numbers drawn on the CPU whatever the device (CUDA
draws others from the same seed, and two seeds are 0.3 dB SNR of each other); TF32 off (its 10 bits of mantissa drift
the phase of the harmonics).
"""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

from scripts.inside.canary import kernels
from scripts.inside.failure import ProbeFailure
from scripts.inside.modes import MODES, prepare
from scripts.inside.placement import Placement
from scripts.inside.watching import Failed, as_failure, draws_on_the_cpu

SAMPLES_PER_FRAME = 600
"""24 kHz; one frame of predicted duration is 600 samples."""
SEED = 20


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Speak `phonemes` with `weights` and `voice` in `mode` on `device`; write float32 samples to the file `samples`.

    Raises ProbeFailure where a bridge is in the wrong place, sound is not finite or not of the predicted length, or
    anything ran elsewhere than on `device`. What torch raises is the answer's error as it stands, with the kernels that
    had been compiled until then (`kernels`), the operation that raised (`failed_operation`) and the kernel that NVRTC
    refused (`refused_kernel`).
    """
    mode, device = str(request["mode"]), str(request["device"])
    if mode not in MODES:
        raise ProbeFailure(f"unknown mode {mode!r}; known: {', '.join(MODES)}")
    from scripts.inside.loading import load_model, load_voice

    start = time.perf_counter()
    importlib.import_module("kokoro")
    detail: dict[str, Any] = {"mode": mode, "device": device, "import_seconds": _since(start)}
    prepare(mode, detail)
    start = time.perf_counter()
    model = load_model(request["weights"], disable_complex=mode == "disable_complex").to(device)
    voice = load_voice(request["weights"], request.get("voice"))
    detail["load_seconds"] = _since(start)
    placement = Placement(model)
    start = time.perf_counter()
    failed = Failed()
    try:
        output = _speak(model, voice, request, failed)
    except Exception as error:
        known = {"kernels": kernels(), "failed_operation": failed.operation}
        raise as_failure(error, {**detail, **known}) from error
    detail["kernels"] = kernels()
    detail["placement"] = placement.summary()
    detail["synthesis_seconds"] = _since(start)
    _check_sound(output, Path(request["samples"]), detail)
    strays = placement.strays(device)
    if strays:
        shown = ", ".join(strays[:5]) + (" ..." if len(strays) > 5 else "")
        raise ProbeFailure(f"asked for {device}, but these were elsewhere: {shown}", {**detail, "cause": "placement"})
    return detail


def _speak(model: Any, voice: Any, request: dict[str, Any], failed: Failed) -> Any:
    import torch

    _no_tf32(torch)
    phonemes = str(request["phonemes"])
    known = [symbol for symbol in phonemes if symbol in model.vocab]
    if not known:
        raise ProbeFailure(f"the model knows none of the phonemes {phonemes!r}")
    style = voice[len(known) - 1]
    torch.manual_seed(SEED)
    with torch.no_grad(), draws_on_the_cpu(failed):
        return model("".join(known), style, float(request.get("speed", 1.0)), return_output=True)


def _check_sound(output: Any, place: Path, detail: dict[str, Any]) -> None:
    """Record and keep the samples; refuse sound that is not finite or not of the predicted length."""
    import torch

    audio = output.audio.detach().float().cpu().contiguous()
    frames = int(output.pred_dur.sum())
    finite = bool(torch.isfinite(audio).all())
    rms = float(audio.square().mean().sqrt()) if finite else None
    detail |= {
        "samples": audio.numel(),
        "frames": frames,
        "finite": finite,
        "rms": rms,
        "peak": float(audio.abs().max()) if finite else None,
        "seconds_of_sound": round(audio.numel() / 24000, 4),
    }
    place.write_bytes(audio.numpy().astype("<f4").tobytes())
    if not finite:
        raise ProbeFailure("the sound is not finite", {**detail, "cause": "sound"})
    if audio.numel() != SAMPLES_PER_FRAME * frames:
        expected = f"{SAMPLES_PER_FRAME} x {frames} = {SAMPLES_PER_FRAME * frames}"
        raise ProbeFailure(f"{audio.numel()} samples, expected {expected}", {**detail, "cause": "sound"})
    if not rms:
        raise ProbeFailure("the sound is silence", {**detail, "cause": "sound"})


def _no_tf32(torch: Any) -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)
