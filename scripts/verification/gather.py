"""The probes of one verify, in order. What cannot be asked here is noted with its reason. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.model.evidence import Observation, Outcome
from scripts.model.target import ComputeCapability
from scripts.verification.causes import cause_of
from scripts.verification.device_code import observe_device_code
from scripts.verification.evidence import CANARIES, MODES, NOTE_MODE, Evidence, kokoro_name, sound_name
from scripts.verification.kernel_cache import PROBE as KERNEL_CACHE
from scripts.verification.kernel_cache import observe_kernel_cache
from scripts.verification.questions import Questions, skipped

PHONEMES = "həlˈO wˈɜɹld"  # phonemes
"""`hello world` as misaki writes it: short, because rounding drifts apart with time."""
SYNTHETIC_SPEED = 10.0
"""Random weights hold each phoneme for about 24 frames (0.6 s); at this speed the whole is 0.7 s."""
_NO_GPU = "no GPU here"
_CPU_BUILD = "a CPU-only build of torch has none"


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What Kokoro is asked to say, and where its samples go."""

    weights: dict[str, Any]
    """As scripts/inside/loading.py takes it."""
    folder: Path

    def request(self, mode: str, device: str) -> dict[str, Any]:
        """Make one run's request. `device` is `cpu` or `cuda`."""
        return {
            "mode": mode,
            "device": "cuda:0" if device == "cuda" else device,
            "weights": self.weights,
            "phonemes": PHONEMES,
            "speed": SYNTHETIC_SPEED if self.weights.get("kind") == "synthetic" else 1.0,
            "samples": str(self.samples(mode, device)),
        }

    def samples(self, mode: str, device: str) -> Path:
        """Name the file of a run's samples."""
        return self.folder / f"{mode}-{device}.f32"


def about_torch(questions: Questions, device: Observation, target: ComputeCapability) -> Iterator[Observation]:
    """Ask what needs no GPU, for the device's capability and the target: device code, NVRTC, kernels cached, Triton."""
    evidence = Evidence.of([device])
    if not evidence.cuda_build:
        why = _CPU_BUILD if device.outcome is Outcome.PASSED else "torch does not start"
        yield from (skipped(name, why) for name in ("device-code", "nvrtc", KERNEL_CACHE, "triton"))
        return
    targets = tuple(dict.fromkeys(one for one in (evidence.capability, target) if one is not None))
    yield questions.on_host(
        "device-code", lambda: observe_device_code(device, targets, questions.place, questions.workdir)
    )
    yield questions.ask("nvrtc", {"targets": [str(one) for one in targets]})
    if questions.place.image is None:
        yield questions.on_host(KERNEL_CACHE, lambda: observe_kernel_cache(questions.environ, targets))
    else:
        yield skipped(KERNEL_CACHE, "what an application in a container keeps is the container's own")
    yield questions.ask("triton", {"capability": str(evidence.capability or target)})


def about_device(questions: Questions, device: Observation) -> Iterator[Observation]:
    """Ask what needs a GPU, Kokoro aside."""
    if Evidence.of([device]).capability is None:
        yield from (skipped(name, _NO_GPU) for name in (*(f"canary.{one}" for one in CANARIES), "compile"))
        return
    for operation in CANARIES:
        yield questions.ask(f"canary.{operation}", {"operation": operation, "device": "cuda:0"})
    yield questions.ask("compile", {"device": "cuda:0"})


def about_kokoro(questions: Questions, device: Observation, speech: Speech) -> Iterator[Observation]:
    """Run Kokoro: stock on the CPU as the reference, then every mode on the GPU, or on the CPU where there is none.

    The research note's patch is tried where NVRTC is why stock Kokoro fails on the GPU.
    """
    if device.outcome is not Outcome.PASSED:
        yield from (skipped(kokoro_name(mode, "cpu"), "torch does not start") for mode in MODES)
        return
    runs = [("stock", "cpu")]
    if Evidence.of([device]).capability is None:
        runs += [(mode, "cpu") for mode in MODES if mode != "stock"]
    else:
        runs += [(mode, "cuda") for mode in MODES]
    observations = []
    for mode, where in runs:
        observations.append(questions.ask(kokoro_name(mode, where), speech.request(mode, where)))
        yield observations[-1]
    if _nvrtc_failed(observations, kokoro_name("stock", "cuda")):
        runs.append((NOTE_MODE, "cuda"))
        observations.append(questions.ask(kokoro_name(*runs[-1]), speech.request(*runs[-1])))
        yield observations[-1]
    yield from _sounds(questions, speech, runs, observations)


def _nvrtc_failed(observations: Sequence[Observation], name: str) -> bool:
    causes = [cause_of(one) for one in observations if one.probe == name]
    return any(cause is not None and cause.is_nvrtc for cause in causes)


def _sounds(
    questions: Questions, speech: Speech, runs: Sequence[tuple[str, str]], observations: Sequence[Observation]
) -> Iterator[Observation]:
    """Compare every run's sound with the first run's, in one process; one observation for each."""
    spoke = [one.outcome is Outcome.PASSED for one in observations]
    reference = speech.samples(*runs[0])
    pairs = [
        {"name": sound_name(*run), "reference": str(reference), "candidate": str(speech.samples(*run))}
        for run, ok in zip(runs[1:], spoke[1:], strict=True)
        if ok and spoke[0]
    ]
    answer = questions.ask("compare", {"pairs": pairs}) if pairs else skipped("compare", "")
    compared = answer.detail.get("pairs", {}) if answer.outcome is Outcome.PASSED else {}
    for run, ok in zip(runs[1:], spoke[1:], strict=True):
        name = sound_name(*run)
        if not ok or not spoke[0]:
            yield skipped(name, "there are no two sounds to compare")
        elif name in compared:
            yield Observation(probe=name, outcome=Outcome.PASSED, detail=compared[name], seconds=answer.seconds)
        else:
            yield Observation(probe=name, outcome=answer.outcome, error=answer.error or "not answered")
