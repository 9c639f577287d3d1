"""An environment where ONNX Runtime runs Kokoro: what is asked there, and what it means.

There is no Jiterator, so the question of the patch does not arise. What can be wrong is that it does not speak, or that
it runs on the CPU where a GPU was meant: ONNX Runtime falls back to the CPU by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.model.evidence import Observation, Outcome, Prediction, Reason, VerdictKind
from scripts.model.plan import Plan
from scripts.model.target import ComputeCapability
from scripts.verification.by_runs import Judgement
from scripts.verification.causes import brief
from scripts.verification.evidence import ONNX_DEVICE, Evidence
from scripts.verification.gather import PHONEMES, Speech
from scripts.verification.questions import Questions, skipped
from scripts.verification.sound import GPU_SNR_DB, Sound, describe, quality

ON_CPU, ON_GPU = "onnx-kokoro.cpu", "onnx-kokoro.cuda"
SOUND = "sound.onnx.cuda"
NOTE = (
    "sounds are compared in float32, with TF32 off; the threshold between GPU and CPU, and the share of nodes that "
    "must be on the GPU, are reasoned, not measured (scripts/verification/sound.py, scripts/inside/onnx_synthesis.py)"
)
_NO_JITERATOR = "the patch question does not arise: ONNX Runtime runs Kokoro, and it has no Jiterator"
_LOADING_ERROR = re.compile(r"Failed to load library (\S+) with error: (.+)")
_FROM_OUTSIDE = frozenset({Outcome.KILLED, Outcome.HUNG})


def device_request(plan: Plan, weights: dict[str, Any]) -> dict[str, Any]:
    """Make the request of `onnx-device`: a session on the GPU where the plan is for one and the driver lists one."""
    return {"model": weights.get("model"), "cuda": plan.cuda is not None}


def about_onnx(questions: Questions, device: Observation, speech: Speech) -> Iterator[Observation]:
    """Run Kokoro on the CPU, and on the GPU where the build is for one and there is one; compare the two sounds."""
    if device.outcome is not Outcome.PASSED:
        yield skipped(ON_CPU, "ONNX Runtime does not start as it should")
        return
    on_cpu = questions.ask(ON_CPU, _run_request(speech, "cpu"))
    yield on_cpu
    if Evidence.of([device]).capability is None:
        why = "no GPU here" if device.detail["cuda"] else "the build is for the CPU"
        yield from (skipped(name, why) for name in (ON_GPU, SOUND))
        return
    on_gpu = questions.ask(ON_GPU, _run_request(speech, "cuda"))
    yield on_gpu
    if not on_cpu.outcome is on_gpu.outcome is Outcome.PASSED:
        yield skipped(SOUND, "there are no two sounds to compare")
        return
    yield _compared(questions, speech)


def _run_request(speech: Speech, device: str) -> dict[str, Any]:
    samples = str(speech.samples("onnx", device))
    return {"weights": speech.weights, "phonemes": PHONEMES, "speed": 1.0, "device": device, "samples": samples}


def _compared(questions: Questions, speech: Speech) -> Observation:
    """Compare the GPU's sound with the CPU's. The graph draws no random numbers, so they should be the same."""
    reference, candidate = (str(speech.samples("onnx", device)) for device in ("cpu", "cuda"))
    pair = {"name": SOUND, "reference": reference, "candidate": candidate}
    answer = questions.ask("compare", {"pairs": [pair]})
    detail = answer.detail.get("pairs", {}).get(SOUND, answer.detail)
    return Observation(probe=SOUND, outcome=answer.outcome, detail=detail, error=answer.error, seconds=answer.seconds)


def predict_onnx(target: ComputeCapability) -> Prediction:
    """Say of a target what holds on any."""
    reason = Reason(text=_NO_JITERATOR, evidence=ONNX_DEVICE)
    return Prediction(target=target, kind=VerdictKind.NOT_APPLICABLE, reasons=(reason,))


def judge_onnx(evidence: Evidence, planned_cuda: str | None) -> Judgement:
    """Judge: not-applicable where it speaks on what it was made for, else broken; undecided where that is not known."""
    device = evidence.get(ONNX_DEVICE)
    assert device is not None, "onnx-device was asked"
    if device.outcome is not Outcome.PASSED:
        return _not_started(device)
    about = Reason(text=_NO_JITERATOR, evidence=ONNX_DEVICE)
    if planned_cuda is not None and device.detail["cuda"] is None:
        found = f"this ONNX Runtime {device.detail['onnxruntime']} is the CPU's build"
        text = f"the plan was CUDA {planned_cuda}, but {found}"
        return VerdictKind.BROKEN, (Reason(text=text, evidence=ONNX_DEVICE), about)
    trouble = _trouble(evidence, ON_CPU, "the CPU")
    if trouble is None and evidence.capability is not None:
        trouble = _trouble(evidence, ON_GPU, "the GPU") or _other_sound(evidence)
    if trouble is not None:
        kind, reason = trouble
        return kind, (reason, about)
    if planned_cuda is not None and evidence.capability is None:  # it spoke, on the CPU: not what it was made for
        return VerdictKind.UNDECIDED, (*_provider(evidence, device), about)
    return VerdictKind.NOT_APPLICABLE, (about, *_provider(evidence, device))


def _not_started(device: Observation) -> Judgement:
    kind = VerdictKind.UNDECIDED if device.outcome in _FROM_OUTSIDE else VerdictKind.BROKEN
    if device.detail.get("cause") == "provider":
        text = f"there is a GPU, and ONNX Runtime does not use it: {brief(device.error)}{_loading_error(device)}"
    else:
        text = f"ONNX Runtime does not start as it should: {brief(device.error)}"
    return kind, (Reason(text=text, evidence=ONNX_DEVICE),)


def _loading_error(device: Observation) -> str:
    """Find what ONNX Runtime logs of the library that it could not load: its answer does not say it."""
    found = _LOADING_ERROR.search(str(device.detail.get("stderr_tail", "")))
    return f" ({Path(found[1]).name}: {found[2].rpartition('.so: ')[2]})" if found else ""


def _trouble(evidence: Evidence, name: str, where: str) -> tuple[VerdictKind, Reason] | None:
    """Say what is wrong with a run; None where it went well."""
    found = evidence.get(name)
    if found is None or found.outcome is Outcome.SKIPPED:
        why = "" if found is None else f": {found.error}"
        return VerdictKind.UNDECIDED, Reason(text=f"Kokoro was not run on {where}{why}", evidence=name)
    if found.outcome is Outcome.PASSED:
        return None
    kind = VerdictKind.UNDECIDED if found.outcome in _FROM_OUTSIDE else VerdictKind.BROKEN
    return kind, Reason(text=f"Kokoro does not run on {where}: {brief(found.error)}", evidence=name)


def _other_sound(evidence: Evidence) -> tuple[VerdictKind, Reason] | None:
    """Say that the GPU's sound is not the CPU's; None where it is."""
    compared = evidence.get(SOUND)
    found = quality(compared, threshold_db=GPU_SNR_DB)
    if found is Sound.RIGHT:
        return None
    words = "it was not compared" if compared is None else describe(compared)
    kind = VerdictKind.BROKEN if found is Sound.WRONG else VerdictKind.UNDECIDED
    return kind, Reason(text=f"the GPU's sound is not shown to be the CPU's: {words}", evidence=SOUND)


def _provider(evidence: Evidence, device: Observation) -> Iterator[Reason]:
    """Say which provider ran Kokoro: the label that a result must never lose."""
    build, listed = device.detail["cuda"], device.detail["device"]
    if evidence.capability is not None:
        share = evidence.fact(ON_GPU, "share_on_cuda")
        text = f"CUDAExecutionProvider is in use: {share:.0%} of convolutions, LSTMs and matrix products ran on the GPU"
        yield Reason(text=text, evidence=ON_GPU)
        return
    yield Reason(text="CPUExecutionProvider ran Kokoro: this was on the CPU", evidence=ON_CPU)
    if build is not None:
        text = f"the build is for CUDA {build}, and there is no GPU to show it on: {device.detail['problem']}"
        yield Reason(text=text, evidence=ONNX_DEVICE)
    elif listed is not None:
        text = f"the driver lists {listed['name']} here, which the CPU's build cannot use: set up --source gpu"
        yield Reason(text=text, evidence=ONNX_DEVICE)
