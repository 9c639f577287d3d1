"""What each observation says, in one line. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripts.model.evidence import Observation, Outcome
from scripts.verification.causes import brief
from scripts.verification.kernel_cache import held_words
from scripts.verification.sound import describe


def summarise(observation: Observation) -> str:
    """Say an observation in one line: what was measured where it passed, else what went wrong."""
    if observation.outcome is not Outcome.PASSED:
        return brief(observation.error) or str(observation.outcome)
    family = observation.probe.partition(".")[0]
    if family == "sound":
        return describe(observation)
    describe_detail = _FAMILIES.get(family)
    return "" if describe_detail is None else describe_detail(observation.detail)


def _installed(detail: dict[str, Any]) -> str:
    return f"Python {detail['python']} in {detail['prefix']}"


def _integrity(detail: dict[str, Any]) -> str:
    if "image" in detail:
        return f"{detail['image']} is the image that was built: {detail['image_id']}"
    against = "and the environment's record" if detail["compared_with_record"] else "(no record of ours to compare)"
    return f"{detail['files']} files of {', '.join(detail['distributions'])} match their RECORD {against}"


def _device(detail: dict[str, Any]) -> str:
    build = f"CUDA {detail['cuda']}" if detail["built_with_cuda"] else "a CPU-only build"
    text = f"torch {detail['torch']}, {build}"
    device = detail["device"]
    if device is None:
        return f"{text}; no device: {detail['problem']}" if detail["problem"] else text
    label = "SIMULATED " if detail["simulated"] else ""
    driver = f", driver {detail['driver']}" if detail["driver"] else ""
    return f"{text}; {label}{device['name']}, compute capability {device['capability']}{driver}"


def _device_code(detail: dict[str, Any]) -> str:
    return "; ".join(f"for {capability}: {found}" for capability, found in detail["runs"].items())


def _nvrtc(detail: dict[str, Any]) -> str:
    answers = []
    for name, result in detail["compiles"].items():
        answers.append(f"{name} compiles" if result["ok"] else f"{name} refused ({result['log'] or result['name']})")
    supported = detail["supported"]
    newest = f", its newest is {supported[-1]}" if supported else ""
    return f"NVRTC {detail['version']}: {', '.join(answers)}{newest}; {detail['library']} ({detail['found_by']})"


def _kernel_cache(detail: dict[str, Any]) -> str:
    if detail["folder"] is None:
        return f"an application would keep none ({detail['chosen_by']})"
    held = "; ".join(f"for {architecture}, {held_words(held)}" for architecture, held in detail["kernels"].items())
    place = f"{detail['folder']} ({detail['chosen_by']})"
    if held:
        return f"{place}: {held}"
    return f"{place}: {detail['files']} kernel(s), none for this GPU" if detail["files"] else f"{place}: no kernels"


def _canary(detail: dict[str, Any]) -> str:
    compiled = f", {len(detail['kernels'])} kernel(s) compiled" if detail["kernels"] else ""
    return f"within {detail['max_error']:.1e} of the CPU{compiled}"


def _kokoro(detail: dict[str, Any]) -> str:
    text = f"{detail['seconds_of_sound']:.2f} s of sound in {detail['synthesis_seconds']:.2f} s"
    if detail["kernels"]:
        text += f", {len(detail['kernels'])} kernel(s) compiled"
    if detail["bridge"]:
        text += f", bridge {detail['bridge']['bridge']} from {detail['bridge']['module']}"
    return text


def _triton(detail: dict[str, Any]) -> str:
    return f"Triton {detail['triton']} compiles for {detail['target']} (PTX target {detail['ptx_target']})"


def _compile(detail: dict[str, Any]) -> str:
    return f"torch.compile works on {detail['device']}, first call {detail['first_call_seconds']:.1f} s"


def _onnx_device(detail: dict[str, Any]) -> str:
    build = f"CUDA {detail['cuda']}" if detail["cuda"] else "the CPU's build"
    text = f"ONNX Runtime {detail['onnxruntime']} ({detail['package']}), {build}"
    device = detail["device"]
    if device is None:
        text += f"; no device: {detail['problem']}"
    else:
        label = "SIMULATED " if detail["simulated"] else ""
        text += f"; {label}{device['name']}, compute capability {device['capability']}"
    return f"{text}; a session has {', '.join(detail['session'])}" if detail["session"] else text


def _onnx_kokoro(detail: dict[str, Any]) -> str:
    nodes = ", ".join(f"{count} nodes by {provider}" for provider, count in detail["nodes"].items())
    return f"{detail['seconds_of_sound']:.2f} s of sound in {detail['synthesis_seconds']:.2f} s, {nodes}"


_FAMILIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "installed": _installed,
    "integrity": _integrity,
    "device": _device,
    "device-code": _device_code,
    "nvrtc": _nvrtc,
    "canary": _canary,
    "kokoro": _kokoro,
    "kernel-cache": _kernel_cache,
    "triton": _triton,
    "compile": _compile,
    "onnx-device": _onnx_device,
    "onnx-kokoro": _onnx_kokoro,
}
