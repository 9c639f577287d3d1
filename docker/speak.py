"""Speak in a running container of the image, by the service's weights and offline; a WAV file comes out of stdout.

    docker compose --file docker/compose.yaml exec -T kokoro python - "Hello there." < docker/speak.py > hello.wav

The second argument is a voice (af_heart), the third a device (cuda): without a GPU it speaks only where that is `cpu`.
Each call loads the model anew: a server that keeps it is not built yet.
"""
# ruff: noqa: INP001 - no package: it is piped into a container

from __future__ import annotations

import io
import os
import sys
import wave
from pathlib import Path

SAMPLE_RATE = 24_000


def main(text: str, voice: str = "af_heart", device: str = "cuda") -> None:
    """Load, speak, write. Never on the CPU unless that was asked for."""
    import torch  # noqa: PLC0415 - after the variables below

    if device != "cpu" and not torch.cuda.is_available():
        raise SystemExit('there is no GPU in this container; `python - "TEXT" af_heart cpu` speaks on the CPU')
    from kokoro import KModel, KPipeline  # noqa: PLC0415
    from kokoro_spark import bridge  # noqa: PLC0415

    if os.environ.get("KOKORO_SPARK_BRIDGE") == "1":  # `invoke verify` says whether it is needed
        bridge.enable()
    weights = Path(os.environ["KOKORO_SPARK_WEIGHTS"])
    sys.stderr.write(f"on {device}: torch {torch.__version__} of {torch.__file__}\n")
    # No name of the hub's is in it: nothing is looked up.
    model = KModel(repo_id="", config=str(weights / "config.json"), model=str(weights / "kokoro-v1_0.pth"))
    pipeline = KPipeline(lang_code=voice[0], repo_id="", model=model.to(device).eval())
    samples = [one.audio for one in pipeline(text, voice=str(weights / "voices" / f"{voice}.pt"))]
    pcm = (torch.cat(samples).clamp(-1, 1) * 32767).to(torch.int16).numpy()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.tobytes())
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main(*sys.argv[1:4])
