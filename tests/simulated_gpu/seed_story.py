"""The failure that this project began with, and what each remedy does to it: values and their words. Pure.

The error is that of section 1 of the research note (February 2026): stock Kokoro on a GB10, with NVRTC 12.8.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.errors import BrokenError, UsageError
from scripts.model.evidence import Observation, Outcome
from scripts.verification.causes import Cause, brief, cause_of

TORCH, NVRTC, REPAIR = "2.9.1", "12.8.93", "12.9.86"
ORIGINAL = "nvrtc: error: invalid value for --gpu-architecture (-arch)"
"""What the note quotes, word for word."""
SIMULATED = "SIMULATED: torch, NVRTC and Kokoro are real, the GPU is not; nothing here is verified on hardware"


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One thing to do about it, and what is to be seen then."""

    name: str
    label: str
    mode: str
    """Of the kokoro probe."""
    repairs: bool
    fails_in: str = ""
    """The operation that still fails; empty: none."""
    sentence: str


REMEDIES = (
    Remedy(
        name="bridge",
        label="the bridge: hypot, atan2 and polar in the place of complex abs, angle and exp",
        mode="bridged",
        repairs=True,
        sentence="the bridge repairs it: no kernel is compiled at run time any more",
    ),
    Remedy(
        name="transform-only",
        label="the note's patch of TorchSTFT.transform",
        mode="transform_only",
        repairs=False,
        fails_in="exp",
        sentence="the note's patch is not enough: `inverse` computes a complex exp, which is compiled at run time too",
    ),
    Remedy(
        name="spoof",
        label="the note's patch of torch.cuda.get_device_capability, which now says (9, 0)",
        mode="stock",
        repairs=False,
        fails_in="abs",
        sentence="the note's spoof changes nothing: torch asks the driver from C++, not the patched function",
    ),
    Remedy(
        name="override",
        label=f"NVRTC {REPAIR} in the place of {NVRTC}, and nothing else",
        mode="stock",
        repairs=True,
        sentence=f"NVRTC {REPAIR} repairs it, with Kokoro and torch untouched: it knows the architecture",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run of Kokoro on the simulated GB10."""

    label: str
    works: bool
    cause: Cause | None
    error: str
    """The line that tells; empty where it works."""
    failed_in: str
    """The operation that raised, `abs`; empty where it works, or where nobody saw it."""
    kernels: tuple[str, ...]
    """What was compiled at run time, by the names of the cached files."""
    seconds_of_sound: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SeedFailure:
    """What was seen. `remedy` None: only the failure was shown."""

    device: str
    torch: str
    nvrtc: str
    simulated: bool = True
    stock: Attempt
    remedy: str | None
    attempt: Attempt | None
    sentence: str
    surprise: str
    """What was seen that was not expected; empty: nothing."""


def remedy_named(name: str | None) -> Remedy | None:
    """Find a remedy; None for None. Raises UsageError, listing them all."""
    if name is None:
        return None
    for remedy in REMEDIES:
        if remedy.name == name.strip().lower():
            return remedy
    raise UsageError(
        f"--with: there is no remedy {name!r}",
        reference="unknown-remedy",
        hint=f"choose one of: {', '.join(one.name for one in REMEDIES)}",
    )


def foreseen_lines(name: str | None) -> list[str]:
    """Say what would be done, for --dry-run. Raises as remedy_named does."""
    remedy = remedy_named(name)
    lines = [
        f"1. an environment with torch {TORCH}, NVRTC {NVRTC} and Kokoro, where there is none yet: some 1 GB to fetch",
        "2. stand-ins for CUDA's driver and runtime, built for that torch with gcc",
        "3. stock Kokoro on the simulated GB10, which should fail as the note says",
    ]
    return lines if remedy is None else [*lines, f"4. Kokoro again, with {remedy.label}"]


def to_attempt(label: str, observation: Observation) -> Attempt:
    """Read one answer of the kokoro probe."""
    detail = observation.detail
    return Attempt(
        label=label,
        works=observation.outcome is Outcome.PASSED,
        cause=cause_of(observation),
        error=brief(observation.error),
        failed_in=str(detail.get("failed_operation") or ""),
        kernels=tuple(detail.get("kernels") or ()),
        seconds_of_sound=float(detail.get("seconds_of_sound") or 0.0),
        seconds=observation.seconds,
    )


def tell(device: str, torch: str, stock: Attempt, remedy: Remedy | None, attempt: Attempt | None) -> SeedFailure:
    """Put together what was seen, and whether it is what was to be seen."""
    surprise = _surprise_of_stock(stock)
    sentence = f"stock Kokoro fails on a GB10 where torch loads NVRTC {NVRTC}, with the error that the note quotes"
    if remedy is not None and attempt is not None:
        surprise = surprise or _surprise_of(remedy, attempt)
        sentence = f"{sentence}; {remedy.sentence}"
    return SeedFailure(
        device=device,
        torch=torch,
        nvrtc=NVRTC,
        stock=stock,
        remedy=None if remedy is None else remedy.name,
        attempt=attempt,
        sentence="" if surprise else sentence,
        surprise=surprise,
    )


def _surprise_of_stock(stock: Attempt) -> str:
    if stock.works:
        return "stock Kokoro works, and should fail"
    if stock.cause is not Cause.UNKNOWN_ARCHITECTURE or ORIGINAL not in stock.error:
        return f"stock Kokoro fails in another way than the note says: {stock.error}"
    return ""


def _surprise_of(remedy: Remedy, attempt: Attempt) -> str:
    """Say what is not as it should be; empty: all is."""
    if attempt.works != remedy.repairs:
        found, due = ("works", "fail") if attempt.works else ("fails", "work")
        return f"with {remedy.name} Kokoro {found}, and should {due}" + (f": {attempt.error}" if attempt.error else "")
    if attempt.works:
        compiled = bool(attempt.kernels)
        if compiled == (remedy.mode == "bridged"):
            return f"with {remedy.name} Kokoro works, and {len(attempt.kernels)} kernels were compiled at run time"
        return ""
    if attempt.cause is not Cause.UNKNOWN_ARCHITECTURE:
        return f"with {remedy.name} Kokoro fails in another way: {attempt.error}"
    if attempt.failed_in != remedy.fails_in:
        return (
            f"with {remedy.name} Kokoro fails in {attempt.failed_in or 'an unknown operation'}, not {remedy.fails_in}"
        )
    return ""


def seed_failure_lines(found: SeedFailure) -> list[str]:
    """Say it in lines."""
    lines = [
        f"{found.device}, torch {found.torch}, NVRTC {found.nvrtc}",
        SIMULATED,
        "",
        *_attempt_lines(found.stock),
    ]
    if found.attempt is not None:
        lines += ["", *_attempt_lines(found.attempt)]
    return [*lines, "", f"Not as expected: {found.surprise}." if found.surprise else f"Shown: {found.sentence}."]


def _attempt_lines(attempt: Attempt) -> list[str]:
    if attempt.works:
        kernels = sorted({name.partition("_kernel_")[0] for name in attempt.kernels})
        compiled = f"compiled at run time: {', '.join(kernels)}" if kernels else "nothing was compiled at run time"
        return [f"{attempt.label}: works, {attempt.seconds_of_sound:.2f} s of sound; {compiled}"]
    where = f" in {attempt.failed_in}" if attempt.failed_in else ""
    return [f"{attempt.label}: fails{where}", f"  {attempt.error}"]


def require_expected(found: SeedFailure) -> None:
    """Raise BrokenError (not-reproduced) where something else was seen than should be."""
    if found.surprise:
        raise BrokenError(
            found.surprise,
            reference="not-reproduced",
            hint="the simulated tests say more: pytest -m simulated tests/simulated_gpu",
        )
