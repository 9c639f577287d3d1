"""Is there the GPU that verify was told to insist on? Asked right after the device probe, before minutes of work."""

from __future__ import annotations

from scripts.errors import NoCandidateError
from scripts.model.evidence import Observation, Outcome
from scripts.verification.evidence import ONNX_DEVICE, Evidence


def require_real_gpu(device: Observation) -> None:
    """Refuse to go on without a real GPU. Raises NoCandidateError."""
    evidence = Evidence.of([device])
    if evidence.capability is not None and not evidence.simulated:
        return
    why = "the device is simulated" if evidence.capability is not None else _why_none(evidence, device)
    raise NoCandidateError(
        "--require-gpu: this environment has no GPU to verify on",
        context=why,
        reference="no-gpu",
        hint="check nvidia-smi and CUDA_VISIBLE_DEVICES; in a container, pass the GPU through; without --require-gpu "
        "verify predicts instead",
    )


def require_any_gpu(device: Observation) -> None:
    """Refuse to take a census where Kokoro runs on no GPU, real or simulated. Raises NoCandidateError."""
    evidence = Evidence.of([device])
    if device.probe == ONNX_DEVICE:
        raise NoCandidateError(
            "--census: torch compiles kernels at run time, and this environment has none: ONNX Runtime runs Kokoro",
            reference="no-torch",
            hint="leave --census out",
        )
    if evidence.capability is not None:
        return
    raise NoCandidateError(
        "--census: torch compiles kernels at run time on a GPU alone, and this environment has none",
        context=_why_none(evidence, device),
        reference="no-gpu",
        hint="run it on a machine with an NVIDIA GPU and in an environment with a CUDA build, or leave --census out",
    )


def _why_none(evidence: Evidence, device: Observation) -> str:
    """Say why there is no GPU."""
    if device.probe == ONNX_DEVICE:
        started = device.outcome is Outcome.PASSED
        return str(device.detail["problem"] or "ONNX Runtime is its CPU build") if started else device.error
    if device.outcome is not Outcome.PASSED:
        return f"torch does not start: {device.error}"
    if not evidence.cuda_build:
        return f"torch {device.detail['torch']} is a CPU-only build"
    return str(device.detail["problem"])
