"""Measures, rows and reports of `invoke sound`, made up; and a runner that answers its probes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scripts.model.modes import Mode, mode_named
from scripts.model.plan import WeightsSource
from scripts.model.sound import Heard, Measures, Sentence, SoundReport, SoundRow
from scripts.model.weights import WEIGHTS_SCHEMA
from scripts.operations.context import Context
from scripts.shell import Completed
from scripts.verification.fidelity import judge, judge_mode, limits_of
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import plan, put, record

IDENTICAL = Measures(
    samples=72_000,
    samples_reference=72_000,
    finite=True,
    identical=True,
    snr_db=None,
    gain_db=0.0,
    tilt_db=0.0,
    log_mel_db=0.0,
    log_mel_correlation=1.0,
    clipped=0.0,
    silence=0.25,
    silence_reference=0.25,
    longest_silence_s=0.4,
    longest_silence_reference_s=0.4,
)
CLOSE = replace(IDENTICAL, identical=False, snr_db=116.0)
"""As the bridge was measured."""
TILTED = replace(CLOSE, snr_db=5.2, gain_db=1.4, tilt_db=-3.3, log_mel_db=3.9, log_mel_correlation=0.98)
"""As disable_complex was."""
ONNX = replace(CLOSE, samples=72_600, snr_db=-4.2, gain_db=3.15, tilt_db=0.2, log_mel_db=2.3, log_mel_correlation=0.99)
FOX = Sentence(id="fox", language="en", text="The quick brown fox jumps over the lazy dog.")
HOLA = Sentence(id="hola", language="e", text="Buenos días.")


def mode(name: str) -> Mode:
    found = mode_named(name)
    assert found is not None
    return found


def row(
    name: str,
    measures: Measures,
    heard: Heard | None = None,
    *,
    dtype: str = "float32",
    sentence: Sentence = FOX,
    voice: str = "af_heart",
) -> SoundRow:
    kind, why = judge(measures, heard, limits_of(mode(name), device="cpu", dtype=dtype))
    return SoundRow(
        mode=name,
        device="cpu",
        dtype=dtype,
        sentence=sentence.id,
        voice=voice,
        measures=measures,
        heard=heard,
        kind=kind,
        why=why,
    )


def heard(errors: int = 0, reference: int = 0, *, words: int = 9, text: str = "The quick brown fox.") -> Heard:
    return Heard(words=words, errors=errors, errors_reference=reference, text=text)


def report(*rows: SoundRow, **changes: Any) -> SoundReport:
    """A report of these rows, each mode judged by its own."""
    keys = dict.fromkeys((one.mode, one.dtype) for one in rows)
    modes = tuple(
        judge_mode(
            mode(name), [one for one in rows if (one.mode, one.dtype) == (name, dtype)], device="cpu", dtype=dtype
        )
        for name, dtype in keys
    )
    values: dict[str, Any] = {
        "schema": 1,
        "created": "2026-12-01",
        "reference": "stock Kokoro, float32, CPU",
        "weights": "made up",
        "machine": "x86_64, torch 2.15.0, 2 processors",
        "recogniser": "Whisper tiny.en",
        "sentences": (FOX, HOLA),
        "voices": ("af_heart", "ef_dora"),
        "modes": modes,
        "rows": tuple(rows),
        **changes,
    }
    return SoundReport(**values)


@dataclass
class Speaking:
    """Answers the probes of `invoke sound` as environments would, and makes the recogniser's environment."""

    measures: Mapping[str, Measures] = field(default_factory=dict)
    """By mode; IDENTICAL without."""
    failing: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Of a mode or another probe: its error and its cause."""
    words: str = FOX.text
    uv_says: str = ""
    """What uv fails with; empty: it does not."""
    raising: Mapping[str, BaseException] = field(default_factory=dict)
    """By mode: raised where it is to speak."""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tee: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        if argv[0] == "uv":
            if self.uv_says:
                return Completed(argv=tuple(argv), returncode=2, stdout="", stderr=self.uv_says, seconds=0.1)
            if "venv" in argv:
                python = Path(argv[-1]) / "bin" / "python"
                python.parent.mkdir(parents=True)
                python.touch()
        else:
            request = json.loads(Path(argv[-2]).read_text())
            self.asked.append(request)
            Path(argv[-1]).write_text(json.dumps(self.answer(request)))
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="", seconds=0.1)

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        probe = request["probe"]
        subject = request["mode"] if probe == "sound" else probe
        if subject in self.raising and Path(str(request.get("folder"))).name != "reference":
            raise self.raising[subject]
        if subject in self.failing and Path(str(request.get("folder"))).name != "reference":
            error, cause = self.failing[subject]
            return {"ok": False, "error": error, "detail": {"cause": cause} if cause else {}}
        return {"ok": True, "detail": getattr(self, f"_{probe}")(request)}

    def _phonemes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "stretches": {one["name"]: [one["text"].lower()] for one in request["texts"] if one["language"] != "h"},
            "left_out": {one["name"]: "no package for h" for one in request["texts"] if one["language"] == "h"},
            "device": "cpu",
            "device_name": None,
            "torch": "2.15.0",
            "processors": 2,
        }

    def _sound(self, request: Mapping[str, Any]) -> dict[str, Any]:
        for one in request["utterances"]:
            (Path(request["folder"]) / f"{one['name']}.f32").write_bytes(struct.pack("<4f", 0.0, 0.5, -0.5, 0.0))
        return {"samples": {}, "seconds_load": 1.0, "seconds": 2.0, "dtype": request["dtype"], "device": "cpu"}

    def _measure(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for pair in request["pairs"]:
            name = Path(pair["candidate"]).parent.name.split()[0]
            found[pair["name"]] = vars(self.measures.get(name, IDENTICAL))
        return {"pairs": found}

    def _hear(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"texts": dict.fromkeys(request["files"], self.words), "recogniser": "Whisper tiny.en"}


VOICES = ("af_heart", "bm_george", "ef_dora", "hf_alpha")


def stand_in_weights(made: Context, name: str, *, suffix: str = ".pt", model: str = "kokoro-v1_0.pth") -> str:
    """Write a weights folder that holds empty files."""
    folder = made.home.weights / name
    (folder / "voices").mkdir(parents=True)
    files = [model, *(f"voices/{voice}{suffix}" for voice in VOICES)]
    for path in files:
        (folder / path).touch()
    written = {
        "schema": WEIGHTS_SCHEMA,
        "tool": "kokoro-spark",
        "source": WeightsSource.REGISTRY,
        "label": "made up",
        "created": "2026-12-01",
        "files": [{"path": path, "sha256": "", "size": 0} for path in files],
    }
    (folder / "weights.json").write_text(json.dumps(written))
    return name


def speaking_world(folder: Path, run: Any) -> Context:
    """Give a machine with an environment of torch, current, and one of ONNX Runtime."""
    made = context(folder, PC, run=run)
    put(made.store, record("cpu-0123456789ab", weights=stand_in_weights(made, "registry-1")))
    onnx = stand_in_weights(made, "onnx-1", suffix=".npy", model="model.onnx")
    put(made.store, record("onnx-0123456789ab", weights=onnx, plan=plan(strategy="onnx")))
    made.store.use("cpu-0123456789ab")
    return made
