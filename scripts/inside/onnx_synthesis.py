"""Probe `onnx-kokoro`: phonemes to samples by kokoro-onnx, on the CPU or the GPU, and where its nodes really ran.

Request: `weights` (see onnx_loading), `phonemes`, `voice`, `speed`, `device` ("cpu" or "cuda"), `samples` (the file to
write: raw float32). The graph draws no random numbers: the same request gives the same sound.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure
from scripts.inside.onnx_loading import SAMPLE_RATE, load_voice, make_kokoro, require_kokoro
from scripts.inside.onnx_session import CUDA, load_runtime, open_session, read_profile

SAMPLES_PER_FRAME = 600
LOWEST_SHARE = 0.9
"""Of the convolutions, LSTMs and matrix products, how many must be on the GPU that was asked for. Reasoned, not
measured: float32 has CUDA kernels for all of them; of the int8 graph a third would stay on the CPU, and there nearly
all of the work is."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Speak `phonemes` once.

    Raises ProbeFailure with the causes of onnx_session; cause `sound` where the sound is not finite, silent or not
    whole frames; cause `placement` where it was asked for CUDA and too little of it ran there.
    """
    device = str(request["device"])
    start = time.perf_counter()
    onnxruntime, build = load_runtime()
    detail: dict[str, Any] = {"device": device, "onnxruntime": onnxruntime.__version__}
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-profile-") as folder:
        weights = request["weights"]
        session = open_session(onnxruntime, weights["model"], device, build=build, profile=Path(folder) / "run")
        require_kokoro(session, weights["model"])
        voice_file, voice = load_voice(weights, request.get("voice"))
        kokoro = make_kokoro(session, voice_file)
        loaded = time.perf_counter()
        try:
            samples, _ = kokoro.create(
                str(request["phonemes"]), voice, float(request.get("speed", 1.0)), is_phonemes=True, trim=False
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base but this
            text = f"{type(error).__name__}: {error}"
            raise ProbeFailure(text, {**detail, "cause": "synthesis"}) from error
        detail["load_seconds"] = round(loaded - start, 3)
        detail["synthesis_seconds"] = round(time.perf_counter() - loaded, 3)
        detail["providers"] = session.get_providers()
        detail |= read_profile(Path(session.end_profiling()))
    _check_sound(samples, Path(request["samples"]), detail)
    _check_placement(device, detail)
    return detail


def _check_sound(samples: Any, place: Path, detail: dict[str, Any]) -> None:
    """Record and keep the samples; refuse what is no speech of Kokoro's."""
    import numpy as np

    finite = bool(np.isfinite(samples).all())
    rms = float(np.sqrt(np.square(samples, dtype=np.float64).mean())) if finite and len(samples) else None
    detail |= {
        "samples": len(samples),
        "finite": finite,
        "rms": rms,
        "peak": float(np.abs(samples).max()) if rms is not None else None,
        "seconds_of_sound": round(len(samples) / SAMPLE_RATE, 4),
    }
    place.write_bytes(np.asarray(samples, dtype="<f4").tobytes())
    problem = None
    if not finite:
        problem = "the sound is not finite"
    elif not rms:
        problem = "the sound is silence"
    elif len(samples) % SAMPLES_PER_FRAME:
        problem = f"{len(samples)} samples are no whole frames of {SAMPLES_PER_FRAME}"
    if problem is not None:
        raise ProbeFailure(problem, {**detail, "cause": "sound"})


def _check_placement(device: str, detail: dict[str, Any]) -> None:
    """Record which share of the work was on the GPU, and refuse too little of it where that was asked for."""
    computing = detail["computing"]
    share = computing.get(CUDA, 0) / max(1, sum(computing.values()))
    detail["share_on_cuda"] = round(share, 3)
    if device.partition(":")[0] == "cuda" and share < LOWEST_SHARE:
        elsewhere = ", ".join(f"{count} {name}" for name, count in sorted(detail["computing_elsewhere"].items()))
        text = f"asked for CUDA, but {share:.0%} of the work's nodes ran there; elsewhere: {elsewhere or 'unknown'}"
        raise ProbeFailure(text, {**detail, "cause": "placement"})
