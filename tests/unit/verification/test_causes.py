from __future__ import annotations

import pytest

from scripts.model.evidence import Outcome
from scripts.verification.causes import Cause, brief, cause_of, recognise
from tests.unit.verification.cases import ended, passed

# Texts as the libraries print them.
TEXTS = {
    "nvrtc: error: invalid value for --gpu-architecture (-arch)": Cause.UNKNOWN_ARCHITECTURE,
    "RuntimeError: nvrtc: error: invalid value for --gpu-architecture (-arch)\n": Cause.UNKNOWN_ARCHITECTURE,
    "CUDA driver error: NVRTC_ERROR_INVALID_OPTION": Cause.UNKNOWN_ARCHITECTURE,
    "nvrtc: error: failed to open libnvrtc-builtins.so.13.0.": Cause.BUILTINS_MISSING,
    "nvrtc: error: failed to open nvrtc-builtins64_118.dll.": Cause.BUILTINS_MISSING,
    "Error in dlopen: libnvrtc.so.12: cannot open shared object file": Cause.NVRTC,
    "CUDA error: no kernel image is available for execution on the device": Cause.NO_KERNEL_IMAGE,
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB": Cause.OUT_OF_MEMORY,
    "RuntimeError: CUDA driver error: a PTX JIT compilation failed": Cause.MODULE_LOAD,
    "RuntimeError: CUDA driver error: device kernel image is invalid": Cause.MODULE_LOAD,
    "CUDA driver error: the provided PTX was compiled with an unsupported toolchain.": Cause.MODULE_LOAD,
    "RuntimeError: CUDA driver error: unspecified launch failure": Cause.LAUNCH,
    "torch.AcceleratorError: CUDA error: unspecified launch failure": Cause.LAUNCH,
    "torch.AcceleratorError: CUDA error: an illegal memory access was encountered": Cause.LAUNCH,
    "CUDA error: the launch timed out and was terminated": Cause.LAUNCH,
    "CUDA error: misaligned address": Cause.LAUNCH,
    "RuntimeError: CUDA driver error: initialization error": Cause.DRIVER,
    "torch.AcceleratorError: CUDA error: uncorrectable ECC error encountered": Cause.DRIVER,
    "torch.AcceleratorError: CUDA error: invalid argument": Cause.OTHER,
    "RuntimeError: CUDA driver error: out of memory": Cause.OUT_OF_MEMORY,
    "CUDA driver error: no kernel image is available for execution on the device": Cause.NO_KERNEL_IMAGE,
    "The NVIDIA driver on your system is too old (found version 12040).": Cause.DRIVER_TOO_OLD,
    "CUDA error: CUDA driver version is insufficient for CUDA runtime version": Cause.DRIVER_TOO_OLD,
    "ValueError: something else": Cause.OTHER,
    "": Cause.OTHER,
}


@pytest.mark.parametrize(("text", "cause"), TEXTS.items())
def test_recognise(text: str, cause: Cause) -> None:
    assert recognise(text) is cause


def test_only_nvrtc_is_what_the_bridge_is_for() -> None:
    assert {cause for cause in Cause if cause.is_nvrtc} == {
        Cause.UNKNOWN_ARCHITECTURE,
        Cause.BUILTINS_MISSING,
        Cause.NVRTC,
    }


def test_what_is_no_patchs_to_repair() -> None:
    faults = {cause for cause in Cause if cause.is_of_the_device}
    assert faults == {Cause.MODULE_LOAD, Cause.LAUNCH, Cause.DRIVER_TOO_OLD, Cause.DRIVER, Cause.NUMBERS}
    assert not any(cause.is_nvrtc or cause.is_from_outside for cause in faults)


def test_wrong_numbers_are_named_by_the_canary() -> None:
    observation = ended("canary.abs", Outcome.FAILED, "complex abs is wrong on cuda:0", cause="numbers")
    assert cause_of(observation) is Cause.NUMBERS


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(Outcome.CRASHED, Cause.CRASHED), (Outcome.HUNG, Cause.HUNG), (Outcome.KILLED, Cause.KILLED)],
)
def test_how_a_process_ended_comes_before_its_text(outcome: Outcome, cause: Cause) -> None:
    assert cause_of(ended("canary.abs", outcome, "nvrtc: error: failed")) is cause


def test_what_the_probe_names_comes_before_its_text() -> None:
    observation = ended("kokoro.stock.cuda", Outcome.FAILED, "nvrtc was on the CPU", cause="placement")
    assert cause_of(observation) is Cause.PLACEMENT


def test_what_passed_or_was_not_asked_has_no_cause() -> None:
    assert cause_of(passed("nvrtc")) is None
    assert cause_of(ended("nvrtc", Outcome.SKIPPED, "no nvrtc")) is None


# The Jiterator's text, as torch 2.15.0 gave it for a device that NVRTC 13.2 does not know, without most of the kernel.
JITERATOR = (
    "RuntimeError: \n  #ifdef __HIPCC__\n  #define ERROR_UNSUPPORTED_CAST ;\n  #define MAX_DIMS 25\n  }\n"
    "nvrtc: error: invalid value for --gpu-architecture (-arch)\n"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (JITERATOR, "nvrtc: error: invalid value for --gpu-architecture (-arch)"),
        ("ValueError: odd\n  more of it", "ValueError: odd"),
        ("\n\n", ""),
        ("x" * 300, "x" * 237 + "..."),
    ],
)
def test_brief(text: str, line: str) -> None:
    assert brief(text) == line
