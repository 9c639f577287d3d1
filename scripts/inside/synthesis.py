"""Kokoro itself, once: stock, bridged or with disable_complex, on the CPU or the GPU.

Runs are made comparable: the same seed, phonemes and voice; random numbers drawn on the CPU whatever the device (CUDA
draws others from the same seed, and two seeds are 0.3 dB SNR of each other); TF32 off (its 10 bits of mantissa drift
the phase of the harmonics).
"""

from __future__ import annotations

import importlib
import inspect
import time
from pathlib import Path
from typing import Any

from scripts.inside.bridging import enable_bridge
from scripts.inside.canary import kernels
from scripts.inside.failure import ProbeFailure
from scripts.inside.placement import Placement

SAMPLES_PER_FRAME = 600
"""24 kHz; one frame of predicted duration is 600 samples."""
SEED = 20
MODES = ("stock", "bridged", "disable_complex")
STFT = "kokoro.istftnet"


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Speak `phonemes` with `weights` and `voice` in `mode` on `device`; write float32 samples to the file `samples`.

    Raises ProbeFailure where a bridge is in the wrong place, sound is not finite or not of the predicted length, or
    anything ran elsewhere than on `device`. What torch raises is the answer's error as it stands.
    """
    mode, device = str(request["mode"]), str(request["device"])
    if mode not in MODES:
        raise ProbeFailure(f"unknown mode {mode!r}; known: {', '.join(MODES)}")
    from scripts.inside.loading import load_model, load_voice

    start = time.perf_counter()
    importlib.import_module("kokoro")
    detail: dict[str, Any] = {"mode": mode, "device": device, "import_seconds": _since(start)}
    detail["bridge"] = enable_bridge() if mode == "bridged" else None
    _check_mode(mode, detail)
    start = time.perf_counter()
    model = load_model(request["weights"], disable_complex=mode == "disable_complex").to(device)
    voice = load_voice(request["weights"], request.get("voice"))
    detail["load_seconds"] = _since(start)
    placement = Placement(model)
    start = time.perf_counter()
    try:
        output = _speak(model, voice, request)
    finally:
        detail["kernels"] = kernels()
        detail["placement"] = placement.summary()
    detail["synthesis_seconds"] = _since(start)
    _check_sound(output, Path(request["samples"]), detail)
    strays = placement.strays(device)
    if strays:
        shown = ", ".join(strays[:5]) + (" ..." if len(strays) > 5 else "")
        raise ProbeFailure(f"asked for {device}, but these were elsewhere: {shown}", {**detail, "cause": "placement"})
    return detail


def _speak(model: Any, voice: Any, request: dict[str, Any]) -> Any:
    import torch

    _no_tf32(torch)
    phonemes = str(request["phonemes"])
    known = [symbol for symbol in phonemes if symbol in model.vocab]
    if not known:
        raise ProbeFailure(f"the model knows none of the phonemes {phonemes!r}")
    style = voice[len(known) - 1]
    torch.manual_seed(SEED)
    with torch.no_grad(), _draws_on_the_cpu():
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


def _check_mode(mode: str, detail: dict[str, Any]) -> None:
    """Make sure that the code under test is what the mode says: stock means kokoro's own, untouched."""
    module = importlib.import_module(STFT)
    methods = {name: inspect.unwrap(getattr(module.TorchSTFT, name)) for name in ("transform", "inverse")}
    detail["stft"] = {name: method.__module__ for name, method in methods.items()}
    own = {name: method.__code__.co_filename == module.__file__ for name, method in methods.items()}
    if mode == "bridged":
        left = [name for name, is_own in own.items() if is_own]
        if left:
            text = f"the bridge does not cover TorchSTFT.{' and '.join(left)}"
            raise ProbeFailure(text, {**detail, "cause": "bridge"})
    elif not all(own.values()):
        patched = " and ".join(name for name, is_own in own.items() if not is_own)
        text = f"TorchSTFT.{patched} is not kokoro's own: a patch is active where the stock code was to be judged"
        raise ProbeFailure(text, {**detail, "cause": "bridge"})


def _no_tf32(torch: Any) -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _draws_on_the_cpu() -> Any:
    """Give a context in which random tensors are drawn on the CPU and moved to where they were asked for."""
    import torch
    from torch.overrides import TorchFunctionMode

    class DrawsOnTheCpu(TorchFunctionMode):  # type: ignore[misc] # torch is not installed where mypy runs
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if function in (torch.rand_like, torch.randn_like):
                device = kwargs.pop("device", None) or args[0].device
                return function(torch.empty_like(args[0], device="cpu"), *args[1:], **kwargs).to(device)
            if function in (torch.rand, torch.randn):
                device = kwargs.pop("device", None)
                drawn = function(*args, **kwargs)
                return drawn if device is None else drawn.to(device)
            return function(*args, **kwargs)

    return DrawsOnTheCpu()


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)
