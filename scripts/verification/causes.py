"""Known failure texts of the CUDA world, recognised. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from scripts.model.evidence import Observation, Outcome


class Cause(StrEnum):
    """Why a probe did not pass."""

    UNKNOWN_ARCHITECTURE = "unknown-architecture"
    """NVRTC does not know the device: NVRTC_ERROR_INVALID_OPTION, error 5."""
    BUILTINS_MISSING = "builtins-missing"
    """NVRTC does not find its libnvrtc-builtins: error 7."""
    NVRTC = "nvrtc"
    """Another failure of NVRTC: its library is missing, or a text we do not know."""
    NO_KERNEL_IMAGE = "no-kernel-image"
    """torch ships no device code that runs there."""
    MODULE_LOAD = "module-load"
    """The driver does not take device code that is for its device: it is damaged, or newer than the driver."""
    LAUNCH = "launch"
    """A kernel was loaded, and the GPU gave up on it: an illegal address, an unspecified launch failure."""
    DRIVER_TOO_OLD = "driver-too-old"
    """The driver is older than the CUDA that torch was built with."""
    DRIVER = "driver"
    """Another error of the driver or the hardware, in the CUDA driver's words."""
    NUMBERS = "numbers"
    """The GPU computed, and the results are wrong."""
    OUT_OF_MEMORY = "out-of-memory"
    PLACEMENT = "placement"
    """Something ran on another device than it was asked to."""
    BRIDGE = "bridge"
    """A patch is where none must be, or is not where it must be."""
    SOUND = "sound"
    """Not finite, silent, or not of the predicted length."""
    CRASHED = "crashed"
    HUNG = "hung"
    KILLED = "killed"
    OTHER = "other"

    @property
    def is_nvrtc(self) -> bool:
        """It is what the bridge is for: a kernel that could not be compiled at run time."""
        return self in {Cause.UNKNOWN_ARCHITECTURE, Cause.BUILTINS_MISSING, Cause.NVRTC}

    @property
    def is_of_the_device(self) -> bool:
        """It is a fault of the driver or the GPU, which no patch of Kokoro repairs."""
        return self in _OF_THE_DEVICE

    @property
    def is_from_outside(self) -> bool:
        """It says something about the machine's state and nothing about the software."""
        return self in {Cause.KILLED, Cause.OUT_OF_MEMORY}


_OF_THE_DEVICE = frozenset({Cause.MODULE_LOAD, Cause.LAUNCH, Cause.DRIVER_TOO_OLD, Cause.DRIVER, Cause.NUMBERS})

# The CUDA driver's and runtime's own texts; errors 200, 218 and 221 to 223, then 700 to 702, 710 and 714 to 719.
_MODULE = (
    r"kernel image is invalid|PTX JIT compilation failed|PTX JIT compiler library not found|unsupported toolchain|"
    r"PTX JIT compilation was disabled|CUDA_ERROR_(?:INVALID_IMAGE|INVALID_PTX|UNSUPPORTED_PTX)"
)
_LAUNCH = (
    r"unspecified launch failure|illegal memory access|illegal instruction was encountered|misaligned address|"
    r"launch timed out|too many resources requested for launch|device-side assert|hardware stack error|"
    r"operation not supported on global/shared address space|invalid program counter|"
    r"CUDA_ERROR_(?:LAUNCH_\w+|ILLEGAL_\w+)"
)
_TEXTS = (
    (Cause.UNKNOWN_ARCHITECTURE, r"invalid value for --gpu-architecture|NVRTC_ERROR_INVALID_OPTION"),
    (Cause.BUILTINS_MISSING, r"failed to open (?:lib)?nvrtc-builtins|NVRTC_ERROR_BUILTIN_OPERATION_FAILURE"),
    (Cause.NO_KERNEL_IMAGE, r"no kernel image is available|cudaErrorNoKernelImageForDevice"),
    (Cause.OUT_OF_MEMORY, r"out of memory|OutOfMemoryError"),
    (Cause.DRIVER_TOO_OLD, r"NVIDIA driver on your system is too old|driver version is insufficient"),
    (Cause.MODULE_LOAD, _MODULE),
    (Cause.LAUNCH, _LAUNCH),
    (Cause.DRIVER, r"CUDA driver error:|uncorrectable ECC error|CUDA error: unknown error"),
    (Cause.NVRTC, r"nvrtc"),
)
_BRIEF = 240
_BY_OUTCOME = {Outcome.CRASHED: Cause.CRASHED, Outcome.HUNG: Cause.HUNG, Outcome.KILLED: Cause.KILLED}
_NAMED_BY_PROBE = {"placement": Cause.PLACEMENT, "bridge": Cause.BRIDGE, "sound": Cause.SOUND, "numbers": Cause.NUMBERS}


def recognise(text: str) -> Cause:
    """Recognise an error text; OTHER where nothing known is in it."""
    for cause, pattern in _TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return cause
    return Cause.OTHER


def cause_of(observation: Observation) -> Cause | None:
    """Say why an observation did not pass; None where it passed or was skipped.

    What the probe itself named comes first, then how the process ended, then the text. A crash's text is not read:
    it is whatever the libraries had printed before.
    """
    if observation.outcome in {Outcome.PASSED, Outcome.SKIPPED}:
        return None
    if observation.outcome in _BY_OUTCOME:
        return _BY_OUTCOME[observation.outcome]
    named = _NAMED_BY_PROBE.get(str(observation.detail.get("cause", "")))
    return named or recognise(observation.error)


def brief(error: str) -> str:
    """Say an error text in one line: the line that tells a known cause, else its first line."""
    lines = [" ".join(line.split()) for line in error.splitlines() if line.strip()]
    if not lines:
        return ""
    cause = recognise(error)
    telling = [line for line in lines if cause is not Cause.OTHER and recognise(line) is cause]
    text = telling[-1] if telling else lines[0]
    return text if len(text) <= _BRIEF else text[: _BRIEF - 3] + "..."
