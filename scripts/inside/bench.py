"""Probe `bench`: modes of Kokoro that take turns in one process, so that all see the same machine.

Request: `modes` ([[mode, dtype], ...]), `weights`, `device`, `voice`, `turns` ([{"name": TEXT, "lines": [phonemes,
...], "repeat": N}]: each mode speaks the lines one after the other, and all modes do before one does again),
`concurrent`
({"lines": [phonemes, ...], "at": [N, ...], "modes": [mode, ...]}; null: none), `samples` ({"turn": NAME, "folder":
FOLDER}; null: none): where `MODE DTYPE.f32` is written. Before anything counts, every mode speaks each turn once where
it is short, else a shorter one.

Answer: `timings` ([{"mode", "dtype", "turn", "seconds": [...], "audio": seconds of sound}]), `concurrent` ([{"mode",
"dtype", "at", "seconds", "audio", "latencies": [...]}]), `failures` ([{"mode", "dtype", "error", "cause"}]), `warm_up`
(utterances of each mode that were not counted), `threads`, `versions`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from scripts.inside.failure import ProbeFailure
from scripts.inside.speakers import Line, Speaker, open_speaker

_RATE = 24_000
_WARM_UP_SYMBOLS = 120
"""A turn of more is not spoken twice only to warm up: what is compiled or cached does not depend on the length."""
_PACKAGES = ("torch", "kokoro", "kokoro_spark", "onnxruntime", "onnxruntime-gpu", "kokoro-onnx")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Measure. A mode that fails is told in `failures`, and the others go on."""
    bench = _Bench(request)
    bench.warm_up()
    for turn in request["turns"]:
        for _ in range(int(turn["repeat"])):
            bench.take_turns(turn)
    if request["concurrent"]:
        for at in request["concurrent"]["at"]:
            bench.serve(request["concurrent"], int(at))
    if request["samples"]:
        bench.keep_samples(request["samples"])
    return bench.answer()


class _Bench:
    """The speakers and what was measured."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._failures: list[dict[str, Any]] = []
        self._timings: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._concurrent: list[dict[str, Any]] = []
        self._warmed = 0
        self._speakers: dict[tuple[str, str], Speaker] = {}
        for mode, dtype in request["modes"]:
            self._guarded(mode, dtype, partial(self._open, mode, dtype))

    def _open(self, mode: str, dtype: str) -> None:
        request = self._request
        self._speakers[mode, dtype] = open_speaker(mode, request["weights"], device=request["device"], dtype=dtype)

    def _guarded(self, mode: str, dtype: str, action: Callable[[], None]) -> None:
        """Do it; a mode that fails is told, and left out from then on."""
        try:
            action()
        except (Exception, SystemExit) as error:
            known = isinstance(error, ProbeFailure)
            text = error.message if isinstance(error, ProbeFailure) else f"{type(error).__name__}: {error}"
            cause = error.detail.get("cause") if isinstance(error, ProbeFailure) else None
            self._failures.append({"mode": mode, "dtype": dtype, "error": text[:600], "cause": cause, "known": known})
            self._speakers.pop((mode, dtype), None)

    def _lines(self, phonemes: list[str]) -> list[Line]:
        return [Line(phonemes=one, voice=self._request["voice"]) for one in phonemes]

    def warm_up(self) -> None:
        """Have every mode speak each short turn once, and a long one's beginning."""
        for turn in self._request["turns"]:
            lines = self._lines([turn["lines"][0][:_WARM_UP_SYMBOLS]])
            for (mode, dtype), speaker in list(self._speakers.items()):
                self._guarded(mode, dtype, partial(_discard, speaker, lines))
            self._warmed += 1

    def take_turns(self, turn: dict[str, Any]) -> None:
        """Have every mode speak the turn once, one mode after the other."""
        lines = self._lines(turn["lines"])
        for (mode, dtype), speaker in list(self._speakers.items()):

            def speak(mode: str = mode, dtype: str = dtype, speaker: Speaker = speaker) -> None:
                start = time.perf_counter()
                sounds = [speaker.speak([line])[0] for line in lines]
                seconds = time.perf_counter() - start
                audio = sum(map(len, sounds)) / _RATE
                found = self._timings.setdefault((mode, dtype, turn["name"]), {"seconds": [], "audio": audio})
                found["seconds"].append(seconds)

            self._guarded(mode, dtype, speak)

    def serve(self, concurrent: dict[str, Any], at: int) -> None:
        """Have each mode answer all requests, `at` at a time: in threads, as a server does; batched: as batches."""
        lines = self._lines(concurrent["lines"])
        for (mode, dtype), speaker in list(self._speakers.items()):
            if mode in concurrent["modes"]:
                answer = _batches if mode == "batched" else _threads

                def speak(
                    mode: str = mode, dtype: str = dtype, speaker: Speaker = speaker, answer: Any = answer
                ) -> None:
                    start = time.perf_counter()
                    latencies, samples = answer(speaker, lines, at)
                    found = {"at": at, "seconds": time.perf_counter() - start, "audio": samples / _RATE}
                    self._concurrent.append({"mode": mode, "dtype": dtype, **found, "latencies": latencies})

                self._guarded(mode, dtype, speak)

    def keep_samples(self, wanted: dict[str, Any]) -> None:
        """Write what each mode makes of a turn, float32, little-endian."""
        turn = next(one for one in self._request["turns"] if one["name"] == wanted["turn"])
        for (mode, dtype), speaker in list(self._speakers.items()):
            path = Path(wanted["folder"]) / f"{mode} {dtype}.f32"

            def write(speaker: Speaker = speaker, path: Path = path) -> None:
                speaker.speak(self._lines(turn["lines"]))[0].astype("<f4").tofile(path)

            self._guarded(mode, dtype, write)

    def answer(self) -> dict[str, Any]:
        """Give what was measured."""
        timings = [
            {"mode": mode, "dtype": self._dtype(mode, dtype), "turn": turn, **found}
            for (mode, dtype, turn), found in self._timings.items()
        ]
        concurrent = [{**one, "dtype": self._dtype(one["mode"], one["dtype"])} for one in self._concurrent]
        return {
            "timings": timings,
            "concurrent": concurrent,
            "failures": self._failures,
            "warm_up": self._warmed,
            "threads": _threads_of(self._request),
            "versions": [f"{name} {version}" for name in _PACKAGES if (version := _version(name))],
        }

    def _dtype(self, mode: str, dtype: str) -> str:
        """Give what a mode really computes in: an ONNX file's is its own."""
        speaker = self._speakers.get((mode, dtype))
        return dtype if speaker is None else speaker.dtype


def _threads(speaker: Speaker, lines: list[Line], at: int) -> tuple[list[float], int]:
    """Give each request's seconds from when it was sent, and how many samples came back. `at` users ask at a time."""

    def ask(line: Line) -> tuple[float, int]:
        start = time.perf_counter()
        samples = len(speaker.speak([line])[0])
        return time.perf_counter() - start, samples

    with ThreadPoolExecutor(at) as users:
        answers = list(users.map(ask, lines))
    return [seconds for seconds, _ in answers], sum(samples for _, samples in answers)


def _batches(speaker: Speaker, lines: list[Line], at: int) -> tuple[list[float], int]:
    """Give the same of batches of `at`: each request waits for its whole batch."""
    latencies, samples = [], 0
    for first in range(0, len(lines), at):
        start = time.perf_counter()
        sounds = speaker.speak(lines[first : first + at])
        latencies += [time.perf_counter() - start] * len(sounds)
        samples += sum(map(len, sounds))
    return latencies, samples


def _discard(speaker: Speaker, lines: list[Line]) -> None:
    """Speak to warm up."""
    speaker.speak(lines)


def _threads_of(request: dict[str, Any]) -> int | None:
    """Give torch's threads; None: ONNX Runtime's are its own."""
    if request["weights"]["kind"] == "onnx":
        return None
    import torch

    return int(torch.get_num_threads())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
