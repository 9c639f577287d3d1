"""What torch and Kokoro really did (observations), and what it means (the verdict)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scripts.errors import ExitCode
from scripts.model.climb import Climb
from scripts.model.target import ComputeCapability


class Outcome(StrEnum):
    """How a probe ended. A crash, a hang and a kill are observations like any other."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    """Died of a signal of its own (SIGSEGV, SIGABRT, ...)."""
    HUNG = "hung"
    """Did not answer within its time-out."""
    KILLED = "killed"
    """SIGKILL from outside: usually the kernel's out-of-memory killer."""
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One probe's answer."""

    probe: str
    outcome: Outcome
    detail: dict[str, Any] = field(default_factory=dict)
    """What was measured: JSON values, units in the key's name (`snr_db`, `seconds`)."""
    error: str = ""
    """What went wrong, or why it was skipped."""
    seconds: float = 0.0


class VerdictKind(StrEnum):
    """Does Kokoro on this GPU still need the abs patch?"""

    NOT_NEEDED = "not-needed"
    NEEDED = "needed"
    UNDECIDED = "undecided"
    BROKEN = "broken"
    NOT_APPLICABLE = "not-applicable"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of `verify`."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    VerdictKind.NOT_NEEDED: ExitCode.OK,
    VerdictKind.NOT_APPLICABLE: ExitCode.OK,
    VerdictKind.NEEDED: ExitCode.PATCH_NEEDED,
    VerdictKind.UNDECIDED: ExitCode.UNDECIDED,
    VerdictKind.BROKEN: ExitCode.BROKEN,
}

QUALITY = (VerdictKind.NOT_NEEDED, VerdictKind.NEEDED, VerdictKind.UNDECIDED, VerdictKind.BROKEN)
"""From good to bad. NOT_APPLICABLE answers another question and has no place in it."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One step of the argument, with the probe whose observation it rests on."""

    text: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What evidence that needs no GPU says of a target. Never reported as verified."""

    target: ComputeCapability
    kind: VerdictKind
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement. `device` None: judged without one."""

    kind: VerdictKind
    reasons: tuple[Reason, ...]
    prediction: Prediction
    device: str | None = None
    simulated: bool = False


@dataclass(frozen=True, kw_only=True)
class JitKernel:
    """One kernel that torch's Jiterator had NVRTC compile, as the name of its file in the kernel cache tells it."""

    name: str
    """`abs_kernel_vectorized2`."""
    operation: str
    """`abs`."""
    architecture: str
    """The compute capability that it was compiled for, `12.1`."""
    nvrtc: str
    """`13.2`."""


@dataclass(frozen=True, kw_only=True)
class ModeCensus:
    """What Kokoro had compiled at run time, in one mode on the GPU."""

    mode: str
    kernels: tuple[JitKernel, ...]
    complete: bool
    """False: the run ended early, and what it would have had compiled after that is not known."""
    note: str = ""
    """Why it is not complete."""


@dataclass(frozen=True, kw_only=True)
class SimulationRow:
    """One thing that a simulated GPU proves, or does not."""

    subject: str
    proved: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything `verify` found: what the JSON report holds (docs/report.schema.json)."""

    schema: int
    created: str
    environment: str
    python: str
    torch: str | None
    cuda: str | None
    weights: str
    verdict: Verdict
    observations: tuple[Observation, ...]
    variables: tuple[dict[str, str], ...] = ()
    """Environment variables that touch CUDA: name, value, and what each does and does not do."""
    notes: tuple[str, ...] = ()
    census: tuple[ModeCensus, ...] | None = None
    """What each mode had compiled at run time; None: not asked for."""
    simulation: tuple[SimulationRow, ...] | None = None
    """What the simulated device proves and what it does not; None: the device is real, or there is none."""
    climb: Climb | None = None
    """How `auto` came to this environment; None: it was asked for by name, or is not ours."""
    onnxruntime: str | None = None
    """The release of ONNX Runtime where that runs Kokoro instead of torch; `torch` is then None."""
