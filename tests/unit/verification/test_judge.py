"""Every outcome of the verdict, by table."""

from __future__ import annotations

import pytest

from scripts.model.evidence import Observation, Outcome, Prediction, Reason, VerdictKind
from scripts.model.target import GB10
from scripts.verification.evidence import KOKORO_OPERATIONS, Evidence
from scripts.verification.judge import Case, judge
from tests.unit.verification.cases import (
    GARBAGE,
    REFUSED,
    cpu_build,
    device,
    device_code,
    ended,
    failing_nvrtc,
    nvrtc,
    passed,
    sound,
    spoke,
    working,
)

NOT_NEEDED, NEEDED = VerdictKind.NOT_NEEDED, VerdictKind.NEEDED
UNDECIDED, BROKEN, NOT_APPLICABLE = VerdictKind.UNDECIDED, VerdictKind.BROKEN, VerdictKind.NOT_APPLICABLE
FAILED, CRASHED, HUNG, KILLED = Outcome.FAILED, Outcome.CRASHED, Outcome.HUNG, Outcome.KILLED
NO_IMAGE = "AcceleratorError: CUDA error: no kernel image is available for execution on the device"


def stock(outcome: Outcome, error: str = "it failed", **detail: str) -> dict[str, Observation | None]:
    return {"kokoro_stock_cuda": ended("kokoro.stock.cuda", outcome, error, **detail), "sound_stock_cuda": None}


def bridged(outcome: Outcome, error: str = "it failed", **detail: str) -> dict[str, Observation | None]:
    return {"kokoro_bridged_cuda": ended("kokoro.bridged.cuda", outcome, error, **detail), "sound_bridged_cuda": None}


LAUNCH = "RuntimeError: CUDA driver error: unspecified launch failure"
MODULE = "RuntimeError: CUDA driver error: a PTX JIT compilation failed"
ON_CPU = {"kokoro_stock_cpu": ended("kokoro.stock.cpu", Outcome.HUNG, "no answer within 1 s")}


def canaries(outcome: Outcome, error: str, **detail: str) -> dict[str, Observation | None]:
    """Kokoro's three operations end like this, as do all that are compiled at run time."""
    return {f"canary_{name}": ended(f"canary.{name}", outcome, error, **detail) for name in KOKORO_OPERATIONS}


ON_DEVICE = {
    "everything works": (working(), NOT_NEEDED),
    "the bridge itself fails where it is not needed": (working(**bridged(FAILED)), NOT_NEEDED),
    "disable_complex differs, by design": (
        working(sound_disable_complex_cuda=sound("disable_complex", "cuda", snr_db=12.0)),
        NOT_NEEDED,
    ),
    "prod fails, which Kokoro does not use": (working(canary_prod=ended("canary.prod", FAILED)), NOT_NEEDED),
    "a canary was killed": (working(canary_abs=ended("canary.abs", KILLED)), NOT_NEEDED),
    "NVRTC does not know the device": (failing_nvrtc(), NEEDED),
    "NVRTC finds no builtins": (
        failing_nvrtc(
            nvrtc=nvrtc(
                ok=False,
                code=7,
                name="NVRTC_ERROR_BUILTIN_OPERATION_FAILURE",
                log="failed to open libnvrtc-builtins.so.13.0",
            ),
            **stock(FAILED, "RuntimeError: nvrtc: error: failed to open libnvrtc-builtins.so.13.0."),
        ),
        NEEDED,
    ),
    "only stock's own text tells of NVRTC": (working(**stock(FAILED, f"RuntimeError: {REFUSED}")), NEEDED),
    "stock crashes and canaries fail": (failing_nvrtc(**stock(CRASHED, "died of SIGSEGV")), NEEDED),
    "stock hangs and canaries fail": (failing_nvrtc(**stock(HUNG, "no answer within 600 s")), NEEDED),
    "stock is garbage and a canary is wrong": (
        working(
            sound_stock_cuda=passed("sound.stock.cuda", **GARBAGE),
            canary_exp=ended("canary.exp", FAILED, "complex exp is wrong", cause="numbers"),
        ),
        BROKEN,
    ),
    "stock is garbage, nothing says why": (working(sound_stock_cuda=passed("sound.stock.cuda", **GARBAGE)), UNDECIDED),
    "stock crashes, nothing says why": (working(**stock(CRASHED, "died of SIGSEGV")), UNDECIDED),
    "stock fails of something else": (working(**stock(FAILED, "ValueError: odd")), UNDECIDED),
    "stock is killed": (failing_nvrtc(**stock(KILLED, "killed from outside")), UNDECIDED),
    "stock runs out of memory": (working(**stock(FAILED, "OutOfMemoryError: CUDA out of memory.")), UNDECIDED),
    "stock is patched": (
        working(**stock(FAILED, "TorchSTFT.transform is not kokoro's own", cause="bridge")),
        UNDECIDED,
    ),
    "stock is patched and the bridge fails": (
        working(**stock(FAILED, "patched", cause="bridge"), **bridged(FAILED)),
        UNDECIDED,
    ),
    "stock works though NVRTC refuses": (working(nvrtc=nvrtc(ok=False)), UNDECIDED),
    "stock works though a canary crashes": (working(canary_angle=ended("canary.angle", CRASHED)), UNDECIDED),
    "stock works though a canary hangs": (working(canary_abs=ended("canary.abs", HUNG)), UNDECIDED),
    "the reference is missing": (working(sound_stock_cuda=None, sound_bridged_cuda=None), UNDECIDED),
    "stock is doubtful": (working(sound_stock_cuda=sound("stock", "cuda", snr_db=15.0)), UNDECIDED),
    "bridged is doubtful where it is needed": (
        failing_nvrtc(sound_bridged_cuda=sound("bridged", "cuda", snr_db=15.0)),
        UNDECIDED,
    ),
    "bridged is killed where it is needed": (failing_nvrtc(**bridged(KILLED)), UNDECIDED),
    "bridged was not run where it is needed": (
        failing_nvrtc(kokoro_bridged_cuda=None, sound_bridged_cuda=None),
        UNDECIDED,
    ),
    "a transform-only patch is not enough": (failing_nvrtc(**bridged(FAILED, f"RuntimeError: {REFUSED}")), BROKEN),
    "the bridge does not cover inverse": (
        failing_nvrtc(**bridged(FAILED, "the bridge does not cover TorchSTFT.inverse", cause="bridge")),
        BROKEN,
    ),
    "both crash": (failing_nvrtc(**stock(CRASHED), **bridged(CRASHED)), BROKEN),
    "both hang": (working(**stock(HUNG), **bridged(HUNG)), BROKEN),
    "both are garbage": (
        working(
            sound_stock_cuda=passed("sound.stock.cuda", **GARBAGE),
            sound_bridged_cuda=passed("sound.bridged.cuda", **GARBAGE),
        ),
        BROKEN,
    ),
    "the driver takes no module": (working(**stock(FAILED, MODULE), **canaries(FAILED, MODULE)), BROKEN),
    "kernels compiled at run time fail to launch": (
        working(**stock(FAILED, LAUNCH), **canaries(FAILED, LAUNCH)),
        BROKEN,
    ),
    "only stock's own text tells of the launch": (working(**stock(FAILED, LAUNCH)), BROKEN),
    "every launch fails": (
        working(**stock(FAILED, LAUNCH), **bridged(FAILED, LAUNCH), **canaries(FAILED, LAUNCH)),
        BROKEN,
    ),
    "a launch fails where NVRTC refuses as well": (
        failing_nvrtc(canary_exp=ended("canary.exp", FAILED, LAUNCH)),
        NEEDED,
    ),
    "stock works though a launch fails": (working(canary_abs=ended("canary.abs", FAILED, LAUNCH)), UNDECIDED),
    "an operation's numbers are wrong, and stock's sound": (
        working(
            sound_stock_cuda=passed("sound.stock.cuda", **GARBAGE),
            **canaries(FAILED, "complex abs is wrong", cause="numbers"),
        ),
        BROKEN,
    ),
    "an operation's numbers are wrong, and no sound": (
        working(canary_abs=ended("canary.abs", FAILED, "complex abs is wrong", cause="numbers")),
        UNDECIDED,
    ),
    "kernels compiled at run time crash": (
        working(**stock(CRASHED, "died of SIGSEGV"), **canaries(CRASHED, "died of SIGSEGV")),
        UNDECIDED,
    ),
    "kernels compiled at run time hang": (
        working(**stock(HUNG, "no answer within 5 s"), **canaries(HUNG, "no answer within 5 s")),
        UNDECIDED,
    ),
    "kernels compiled at run time are killed": (
        working(**stock(KILLED, "killed from outside"), **canaries(KILLED, "killed from outside")),
        UNDECIDED,
    ),
    "both hang, as does the CPU": (working(**stock(HUNG), **bridged(HUNG), **ON_CPU), UNDECIDED),
    "stock hangs, as does the CPU": (failing_nvrtc(**stock(HUNG), **ON_CPU), UNDECIDED),
    "both find no kernel image": (working(**stock(FAILED, NO_IMAGE), **bridged(FAILED, NO_IMAGE)), BROKEN),
    "no device code, whatever NVRTC says": (working(device_code=device_code(cc12_1="none")), BROKEN),
    "device code was not read": (working(device_code=None), NOT_NEEDED),
    "stock ran on the CPU in silence": (
        working(**stock(FAILED, "asked for cuda:0, but these were elsewhere: parameter bert", cause="placement")),
        BROKEN,
    ),
    "bridged ran on the CPU in silence": (working(**bridged(FAILED, "elsewhere", cause="placement")), BROKEN),
    "NaN on both": (
        working(
            **stock(FAILED, "the sound is not finite", cause="sound"),
            **bridged(FAILED, "the sound is not finite", cause="sound"),
        ),
        BROKEN,
    ),
}


@pytest.mark.parametrize(("evidence", "kind"), ON_DEVICE.values(), ids=ON_DEVICE.keys())
def test_on_a_device(evidence: Evidence, kind: VerdictKind) -> None:
    verdict = judge(Case(evidence=evidence, target=GB10, strategy="cu130", planned_cuda="13.0"))
    assert verdict.kind is kind, [reason.text for reason in verdict.reasons]
    assert verdict.device == "NVIDIA GB10"
    assert not verdict.simulated
    assert verdict.reasons
    assert {reason.evidence for reason in verdict.reasons} <= {one.probe for one in evidence.observations} | {
        "kokoro.bridged.cuda"
    }


DATA = Prediction(
    target=GB10, kind=NOT_NEEDED, reasons=(Reason(text="predicted from data, not run", evidence="table"),)
)
NO_GPU = (device(None), device_code(cc12_1="cubin sm_120"), nvrtc())
CPU = spoke("stock", "cpu")

WITHOUT_DEVICE = {
    "no GPU": ((*NO_GPU, CPU), None, "13.2", UNDECIDED, NOT_NEEDED),
    "no GPU, old NVRTC": (
        (device(None), device_code(cc12_1="cubin sm_120"), nvrtc(ok=False), CPU),
        None,
        None,
        UNDECIDED,
        NEEDED,
    ),
    "no GPU, no device code": ((device(None), device_code(cc12_1="none"), nvrtc(), CPU), None, None, UNDECIDED, BROKEN),
    "no GPU, Kokoro fails": ((*NO_GPU, ended("kokoro.stock.cpu", FAILED)), None, "13.2", BROKEN, NOT_NEEDED),
    "no GPU, Kokoro crashes": ((*NO_GPU, ended("kokoro.stock.cpu", CRASHED)), None, "13.2", BROKEN, NOT_NEEDED),
    "no GPU, Kokoro hangs": ((*NO_GPU, ended("kokoro.stock.cpu", HUNG)), None, "13.2", UNDECIDED, NOT_NEEDED),
    "no GPU, Kokoro killed": ((*NO_GPU, ended("kokoro.stock.cpu", KILLED)), None, "13.2", UNDECIDED, NOT_NEEDED),
    "no GPU, Kokoro not run": (NO_GPU, None, "13.2", UNDECIDED, NOT_NEEDED),
    "cpu strategy, CPU build": ((cpu_build(), CPU), "cpu", None, NOT_APPLICABLE, NOT_NEEDED),
    "cpu strategy, CUDA build": ((*NO_GPU, CPU), "cpu", "13.2", NOT_APPLICABLE, NOT_NEEDED),
    "cpu strategy, Kokoro fails": ((cpu_build(), ended("kokoro.stock.cpu", FAILED)), "cpu", None, BROKEN, NOT_NEEDED),
    "cpu strategy, Kokoro killed": (
        (cpu_build(), ended("kokoro.stock.cpu", KILLED)),
        "cpu",
        None,
        UNDECIDED,
        NOT_NEEDED,
    ),
    "a stranger's CPU build": ((cpu_build(), CPU), None, None, NOT_APPLICABLE, NOT_NEEDED),
    "a CPU build where CUDA was planned": ((cpu_build(), CPU), "cu130", "13.0", BROKEN, NOT_NEEDED),
    "torch cannot be imported": ((ended("device", FAILED), CPU), "cu130", "13.0", BROKEN, UNDECIDED),
    "torch crashes": ((ended("device", CRASHED), CPU), "cu130", "13.0", BROKEN, UNDECIDED),
    "torch hangs": ((ended("device", HUNG), CPU), "cu130", "13.0", UNDECIDED, UNDECIDED),
    "torch is killed": ((ended("device", KILLED), CPU), "cu130", "13.0", UNDECIDED, UNDECIDED),
    "nothing was asked": ((), None, None, UNDECIDED, UNDECIDED),
}


@pytest.mark.parametrize(
    ("observations", "strategy", "planned", "kind", "predicted"), WITHOUT_DEVICE.values(), ids=WITHOUT_DEVICE.keys()
)
def test_without_a_device(observations, strategy, planned, kind, predicted) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    case = Case(
        evidence=Evidence.of(observations), target=GB10, strategy=strategy, planned_cuda=planned, from_data=DATA
    )
    verdict = judge(case)
    assert (verdict.kind, verdict.prediction.kind) == (kind, predicted), [reason.text for reason in verdict.reasons]
    assert verdict.device is None


def test_a_simulated_device_keeps_its_label() -> None:
    verdict = judge(Case(evidence=working(device=device(simulated=True)), target=GB10))
    assert verdict.simulated
    assert "simulated" in verdict.reasons[0].text
    assert verdict.reasons[0].evidence == "device"


@pytest.mark.parametrize("outcome", [Outcome.CRASHED, Outcome.HUNG, Outcome.KILLED, Outcome.FAILED])
@pytest.mark.parametrize("simulated", [True, False])
def test_a_torch_that_dies_under_a_simulator_keeps_its_label(outcome: Outcome, *, simulated: bool) -> None:
    evidence = Evidence.of([passed("installed", simulated=simulated), ended("device", outcome)])
    verdict = judge(Case(evidence=evidence, target=GB10))
    assert verdict.simulated is simulated
    assert (verdict.reasons[0].evidence == "installed") is simulated


def test_the_verdict_is_for_the_device_and_the_prediction_for_the_target() -> None:
    evidence = working(device=device("9.0"), device_code=device_code(cc9_0="cubin sm_90", cc12_1="none"))
    verdict = judge(Case(evidence=evidence, target=GB10))
    assert verdict.kind is NOT_NEEDED
    assert verdict.prediction.kind is BROKEN
    assert verdict.prediction.target == GB10
    assert "9.0" in verdict.reasons[0].text


def test_a_gpu_that_a_cpu_build_cannot_use_is_mentioned() -> None:
    verdict = judge(Case(evidence=Evidence.of([cpu_build(driver_devices=1), CPU]), target=GB10))
    assert verdict.kind is NOT_APPLICABLE
    assert any("cannot use" in reason.text for reason in verdict.reasons)


REASONS = {
    "the driver takes no module": ("module-load", "a fault of the driver or the GPU"),
    "every launch fails": ("launch", "unspecified launch failure"),
    "an operation's numbers are wrong, and stock's sound": ("numbers", "a fault of the driver or the GPU"),
    "kernels compiled at run time crash": ("crashed", "nothing shows that run-time compiling is why"),
    "kernels compiled at run time hang": ("hung", "nothing shows that run-time compiling is why"),
    "kernels compiled at run time are killed": ("killed", "killed from outside"),
    "both hang, as does the CPU": ("hung", "needs a longer time-out"),
}


@pytest.mark.parametrize(("case", "words"), REASONS.items(), ids=REASONS.keys())
def test_the_reason_is_told(case: str, words: tuple[str, str]) -> None:
    verdict = judge(Case(evidence=ON_DEVICE[case][0], target=GB10))
    told = "\n".join(reason.text for reason in verdict.reasons)
    assert all(word in told for word in words), told


NOTE = {
    "exp is refused": (
        ended("kokoro.transform_only.cuda", FAILED, f"RuntimeError: {REFUSED}", failed_operation="exp"),
        None,
        "is not enough: exp in inverse fails (unknown-architecture): RuntimeError: nvrtc: error: invalid value",
    ),
    "something is refused": (
        ended("kokoro.transform_only.cuda", FAILED, f"RuntimeError: {REFUSED}"),
        None,
        "is not enough: it fails (unknown-architecture)",
    ),
    "it works": (spoke("transform_only", "cuda"), sound("transform_only", "cuda"), "is enough here: 62.0 dB SNR"),
    "it is another sound": (
        spoke("transform_only", "cuda"),
        passed("sound.transform_only.cuda", **GARBAGE),
        "its sound is wrong: -0.4 dB SNR",
    ),
    "it was not compared": (spoke("transform_only", "cuda"), None, "could not be compared"),
    "it is killed": (ended("kokoro.transform_only.cuda", KILLED), None, "did not show what it does (killed)"),
}


@pytest.mark.parametrize(("run", "comparison", "words"), NOTE.values(), ids=NOTE.keys())
def test_the_research_notes_patch_is_an_aside(run: Observation, comparison: Observation | None, words: str) -> None:
    more = [one for one in (run, comparison) if one is not None]
    evidence = Evidence.of([*failing_nvrtc().observations, *more])
    verdict = judge(Case(evidence=evidence, target=GB10))
    assert verdict.kind is NEEDED, "it never decides"
    (aside,) = (reason for reason in verdict.reasons if reason.evidence == "kokoro.transform_only.cuda")
    assert aside.text.startswith("the research note's patch of transform alone ")
    assert words in aside.text


TOO_OLD = "The NVIDIA driver on your system is too old (found version 12040)."


@pytest.mark.parametrize(("lowest", "wants"), [("580", "wants driver 580 or newer"), (None, "wants a newer driver")])
def test_a_driver_that_is_too_old_is_told_what_it_takes(lowest: str | None, wants: str) -> None:
    evidence = Evidence.of([device(None, problem=TOO_OLD), *NO_GPU[1:], CPU])
    verdict = judge(Case(evidence=evidence, target=GB10, planned_cuda="13.2", lowest_driver=lowest))
    assert verdict.kind is UNDECIDED
    assert verdict.reasons[0].text == f"no GPU to judge on: {TOO_OLD}"
    assert wants in verdict.reasons[1].text
    assert "driver-too-old" in verdict.reasons[1].text


def test_a_simulator_without_a_device_keeps_its_label_too() -> None:
    evidence = Evidence.of([device(None, simulated=True), *NO_GPU[1:], CPU])
    verdict = judge(Case(evidence=evidence, target=GB10))
    assert verdict.simulated
    assert verdict.kind is UNDECIDED
