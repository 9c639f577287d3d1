"""The verdict: one pure function from observations to what they mean (docs/decisions.md, the verdict)."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.model.evidence import Outcome, Prediction, Reason, Verdict, VerdictKind
from scripts.model.target import ComputeCapability
from scripts.verification.by_runs import Judgement, asides, by_runs
from scripts.verification.causes import Cause, brief, cause_of, recognise
from scripts.verification.evidence import ONNX_DEVICE, Evidence, kokoro_name
from scripts.verification.onnx import judge_onnx, predict_onnx
from scripts.verification.predict import predict
from scripts.verification.runs import Run

WITHOUT_JITERATOR = frozenset({"cpu", "onnx"})
"""Strategies whose environments never compile a kernel at run time, whatever torch they hold."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is judged."""

    evidence: Evidence
    target: ComputeCapability
    """What to predict for. The verdict is for the device's own capability where there is a device."""
    strategy: str | None = None
    """The environment's strategy; None: not an environment of ours."""
    planned_cuda: str | None = None
    """The CUDA that the plan promised; None: a CPU-only plan, or no plan."""
    from_data: Prediction | None = None
    """What the tables predict where this environment has no NVRTC to ask."""
    lowest_driver: str | None = None
    """The oldest driver on which this torch's CUDA runs, `580`; None: not known."""


def judge(case: Case) -> Verdict:
    """Judge a case."""
    evidence = case.evidence
    on_onnx = evidence.get(ONNX_DEVICE) is not None
    kind, reasons = judge_onnx(evidence, case.planned_cuda) if on_onnx else _judgement(case)
    if evidence.simulated_by is not None:
        text = "the device is simulated: nothing here is verified on hardware"
        label = Reason(text=text, evidence=evidence.simulated_by)
        reasons = (label, *reasons)
    return Verdict(
        kind=kind,
        reasons=reasons,
        prediction=predict_onnx(case.target) if on_onnx else prediction(case),
        device=evidence.device_name,
        simulated=evidence.simulated,
    )


def prediction(case: Case) -> Prediction:
    """Predict for the target from this environment, or from the tables where it has no CUDA to ask."""
    if case.from_data is not None and case.evidence.passed("device") and not case.evidence.cuda_build:
        return case.from_data
    return predict(case.evidence, case.target)


def _judgement(case: Case) -> Judgement:
    evidence = case.evidence
    device = evidence.get("device")
    if device is None or device.outcome is Outcome.SKIPPED:
        return VerdictKind.UNDECIDED, (Reason(text="torch was not asked", evidence="device"),)
    if device.outcome is not Outcome.PASSED:
        outside = device.outcome in {Outcome.KILLED, Outcome.HUNG}
        kind = VerdictKind.UNDECIDED if outside else VerdictKind.BROKEN
        return kind, (Reason(text=f"torch does not start: {brief(device.error)}", evidence="device"),)
    if case.strategy in WITHOUT_JITERATOR or (not evidence.cuda_build and case.planned_cuda is None):
        return _without_jiterator(case)
    if not evidence.cuda_build:
        text = f"the plan was CUDA {case.planned_cuda}, but this torch {device.detail['torch']} is a CPU-only build"
        return VerdictKind.BROKEN, (Reason(text=text, evidence="device"),)
    if evidence.capability is None:
        return _without_device(case)
    return _on_device(case, evidence.capability)


def _without_jiterator(case: Case) -> Judgement:
    """Judge a CPU environment: nothing is compiled at run time, so the question does not arise. It must work."""
    evidence = case.evidence
    reasons = []
    if case.strategy in WITHOUT_JITERATOR:
        text = f"strategy {case.strategy} runs on the CPU: no Jiterator, so no patch to need"
    else:
        text = "this torch is a CPU-only build: no Jiterator, so no patch to need"
    reasons.append(Reason(text=text, evidence="device"))
    seen = evidence.fact("device", "driver_devices")
    if seen and case.strategy not in WITHOUT_JITERATOR:
        text = f"the driver lists {seen} GPU(s) here that this torch cannot use: set up a CUDA strategy"
        reasons.append(Reason(text=text, evidence="device"))
    trouble = _cpu_trouble(evidence)
    if trouble is not None:
        kind, reason = trouble
        return kind, (*reasons, reason)
    return VerdictKind.NOT_APPLICABLE, tuple(reasons)


def _without_device(case: Case) -> Judgement:
    """Judge a CUDA build that sees no GPU: never more than undecided; the prediction stands beside it."""
    evidence = case.evidence
    problem = evidence.fact("device", "problem") or "torch sees no device"
    reasons = [Reason(text=f"no GPU to judge on: {problem}", evidence="device")]
    if recognise(problem) is Cause.DRIVER_TOO_OLD:
        reasons.append(_driver_reason(evidence, case.lowest_driver))
    trouble = _cpu_trouble(evidence)
    if trouble is not None:
        kind, why = trouble
        return kind, (*reasons, why)
    return VerdictKind.UNDECIDED, tuple(reasons)


def _driver_reason(evidence: Evidence, lowest: str | None) -> Reason:
    wanted = f"driver {lowest} or newer" if lowest else "a newer driver"
    cuda = evidence.fact("device", "cuda")
    text = f"{Cause.DRIVER_TOO_OLD}: this torch's CUDA {cuda} wants {wanted}; the remedy is that, or an older CUDA"
    return Reason(text=text, evidence="device")


def _cpu_trouble(evidence: Evidence) -> tuple[VerdictKind, Reason] | None:
    """Say what is wrong with stock Kokoro on the CPU; None where it works."""
    name = kokoro_name("stock", "cpu")
    stock = evidence.get(name)
    if stock is None or stock.outcome is Outcome.SKIPPED:
        why = "" if stock is None else f": {stock.error}"
        return VerdictKind.UNDECIDED, Reason(text=f"Kokoro was not run on the CPU{why}", evidence=name)
    cause = cause_of(stock)
    if cause is None:
        return None
    outside = cause is Cause.HUNG or cause.is_from_outside
    kind = VerdictKind.UNDECIDED if outside else VerdictKind.BROKEN
    return kind, Reason(text=f"Kokoro does not run on the CPU ({cause}): {brief(stock.error)}", evidence=name)


def _on_device(case: Case, capability: ComputeCapability) -> Judgement:
    """Judge on a device: rules 0 to 4."""
    evidence = case.evidence
    about: list[Reason] = []
    if capability != case.target:
        text = f"this device is {capability}: the verdict is for it, the prediction for {case.target}"
        about.append(Reason(text=text, evidence="device"))
    if evidence.device_code(capability) == "none":
        text = f"torch has no kernel image for {capability}: neither a cubin that runs there nor PTX"
        return VerdictKind.BROKEN, (*about, Reason(text=text, evidence="device-code"))
    stock, bridged = Run.on_gpu(evidence, "stock"), Run.on_gpu(evidence, "bridged")
    strayed = [run.reason for run in (stock, bridged) if run.cause is Cause.PLACEMENT]
    if strayed:
        return VerdictKind.BROKEN, (*about, *strayed)
    kind, reasons = by_runs(evidence, stock, bridged)
    return kind, (*about, *reasons, *asides(evidence))
