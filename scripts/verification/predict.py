"""What evidence that needs no GPU says of a target: device code, then NVRTC. Pure.

With no NVRTC here (a CPU-only build) the pinned data speaks instead, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from scripts.model.evidence import Prediction, Reason, VerdictKind
from scripts.model.target import ComputeCapability
from scripts.model.wheels import Lane
from scripts.verification.causes import Cause, brief, cause_of, recognise
from scripts.verification.evidence import Evidence, kokoro_name, sound_name
from scripts.verification.sound import BRIDGE_SNR_DB, Sound, describe, quality
from scripts.wheels.nvrtc import TABLE, NvrtcAnswer, NvrtcTable, look_up

FROM_DATA = "predicted from data, not run"


def predict(evidence: Evidence, target: ComputeCapability) -> Prediction:
    """Predict what the verdict on a device of capability `target` would be."""
    kind, reasons = combined(_device_code(evidence, target), _nvrtc(evidence, target))
    if kind is VerdictKind.NEEDED:
        kind, about_bridge = _bridge(evidence)
        reasons += about_bridge
    return Prediction(target=target, kind=kind, reasons=reasons)


def combined(
    code: tuple[VerdictKind, Reason], nvrtc: tuple[VerdictKind, Reason]
) -> tuple[VerdictKind, tuple[Reason, ...]]:
    """Put rules 0 and 1 together: without device code nothing else matters, and NVRTC alone makes nothing run."""
    if code[0] is VerdictKind.BROKEN:
        return code[0], (code[1],)
    doubtful = nvrtc[0] is VerdictKind.NOT_NEEDED and code[0] is VerdictKind.UNDECIDED
    return VerdictKind.UNDECIDED if doubtful else nvrtc[0], (code[1], nvrtc[1])


def _bridge(evidence: Evidence) -> tuple[VerdictKind, tuple[Reason, ...]]:
    """Where the patch is needed: does the bridge do on the CPU what stock Kokoro does? Not tried says nothing."""
    run, comparison = evidence.get(kokoro_name("bridged", "cpu")), evidence.get(sound_name("bridged", "cpu"))
    cause = None if run is None else cause_of(run)
    if run is not None and cause is not None and not cause.is_from_outside and cause is not Cause.HUNG:
        text = f"and the bridge does not work on the CPU ({cause}): {brief(run.error)}"
        return VerdictKind.BROKEN, (Reason(text=text, evidence=run.probe),)
    sound = quality(comparison, threshold_db=BRIDGE_SNR_DB)
    if comparison is None or sound is Sound.UNKNOWN:
        return VerdictKind.NEEDED, ()
    text = f"the bridge's sound on the CPU is {sound} against stock Kokoro's: {describe(comparison)}"
    kinds = {Sound.RIGHT: VerdictKind.NEEDED, Sound.DOUBTFUL: VerdictKind.UNDECIDED, Sound.WRONG: VerdictKind.BROKEN}
    return kinds[sound], (Reason(text=text, evidence=comparison.probe),)


def predict_from_data(lane: Lane, table: NvrtcTable, target: ComputeCapability) -> Prediction:
    """Predict from the tables alone what an environment of a lane would give on `target`."""
    brings = f"{FROM_DATA}: `setup --strategy {lane.name}` brings CUDA {lane.cuda}"
    if lane.nvrtc is None:
        reason = Reason(text=f"{brings} and no NVRTC", evidence="constraints/lanes.toml")
        return Prediction(target=target, kind=VerdictKind.UNDECIDED, reasons=(reason,))
    kind, reason = from_table(lane.nvrtc, look_up(table, lane.nvrtc, target), target)
    return Prediction(target=target, kind=kind, reasons=(replace(reason, text=f"{brings}; {reason.text}"),))


def from_table(version: str, answer: NvrtcAnswer, target: ComputeCapability) -> tuple[VerdictKind, Reason]:
    """Rule 1, by what was measured of an NVRTC."""
    kind = {True: VerdictKind.NOT_NEEDED, False: VerdictKind.NEEDED, None: VerdictKind.UNDECIDED}[answer.compiles]
    words = {True: "compiles for", False: "refuses", None: "may or may not compile for"}[answer.compiles]
    text = f"NVRTC {version} {words} {target.sm} ({answer.how})"
    return kind, Reason(text=text, evidence=TABLE)


def _device_code(evidence: Evidence, target: ComputeCapability) -> tuple[VerdictKind, Reason]:
    """Rule 0. The kind is NOT_NEEDED where code runs there, BROKEN where none does, UNDECIDED where nobody knows."""
    found = evidence.device_code(target)
    if found is None:
        observation = evidence.get("device-code")
        why = brief(observation.error) if observation is not None and observation.error else "it was not read"
        return VerdictKind.UNDECIDED, Reason(text=f"torch's device code is not known: {why}", evidence="device-code")
    if found == "none":
        text = f"torch has no kernel image for {target}: neither a cubin that runs there nor PTX"
        return VerdictKind.BROKEN, Reason(text=text, evidence="device-code")
    return VerdictKind.NOT_NEEDED, Reason(text=f"torch has device code for {target}: {found}", evidence="device-code")


def _nvrtc(evidence: Evidence, target: ComputeCapability) -> tuple[VerdictKind, Reason]:
    """Rule 1: a real compile by the very library that this torch loads."""
    result = evidence.compile_result(target)
    if result is None:
        observation = evidence.get("nvrtc")
        why = brief(observation.error) if observation is not None and observation.error else "it was not asked"
        return VerdictKind.UNDECIDED, Reason(text=f"NVRTC did not answer: {why}", evidence="nvrtc")
    name = f"NVRTC {evidence.fact('nvrtc', 'version')}"
    if result["ok"]:
        return VerdictKind.NOT_NEEDED, Reason(text=f"{name} compiles for {target.sm}", evidence="nvrtc")
    said = f"error {result['code']} ({result['name']}): {result['log'] or 'no log'}"
    cause = recognise(f"{result['name']} {result['log']}")
    if cause is Cause.UNKNOWN_ARCHITECTURE:
        return VerdictKind.NEEDED, Reason(text=f"{name} does not know {target.sm}: {said}", evidence="nvrtc")
    if cause is Cause.BUILTINS_MISSING:
        return VerdictKind.NEEDED, Reason(text=f"{name} does not find its builtins: {said}", evidence="nvrtc")
    return VerdictKind.UNDECIDED, Reason(text=f"{name} fails in a way that is not known: {said}", evidence="nvrtc")
