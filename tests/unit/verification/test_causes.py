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
