"""The verdict on a device whose torch has code for it, by how Kokoro ran: rules 1 to 4. Pure."""

from __future__ import annotations

from scripts.model.evidence import Outcome, Reason, VerdictKind
from scripts.verification.causes import Cause, brief, cause_of
from scripts.verification.evidence import NOTE_MODE, Evidence, kokoro_name
from scripts.verification.runs import Against, Run, against_compiling
from scripts.verification.sound import Sound

Judgement = tuple[VerdictKind, tuple[Reason, ...]]


def by_runs(evidence: Evidence, stock: Run, bridged: Run) -> Judgement:
    """Judge by stock and bridged Kokoro on the GPU, and by what shows why one of them fails."""
    against = against_compiling(evidence)
    both = (stock.reason, bridged.reason)
    if stock.right and not against.all:
        return VerdictKind.NOT_NEEDED, both
    if stock.right:
        text = "these contradict each other: stock Kokoro works, yet run-time compiling fails"
        return VerdictKind.UNDECIDED, (stock.reason, *against.all, Reason(text=text, evidence=stock.name))
    slow = _too_slow(evidence, stock, bridged)
    if slow is not None:
        return VerdictKind.UNDECIDED, (*both, slow)
    stock_fails = stock.failed and stock.cause is not Cause.BRIDGE  # with a patch in it, it was not stock
    if stock_fails and bridged.failed:
        return VerdictKind.BROKEN, (*both, *against.all)
    if not (stock_fails and bridged.right):
        return VerdictKind.UNDECIDED, (*both, *against.all)
    return _repaired(stock, against, both)


def _repaired(stock: Run, against: Against, both: tuple[Reason, ...]) -> Judgement:
    """Judge where stock Kokoro fails and the bridged one does not: is NVRTC why?"""
    if against.nvrtc or (stock.cause is not None and stock.cause.is_nvrtc):
        return VerdictKind.NEEDED, (*both, *against.all)
    if against.device or (stock.cause is not None and stock.cause.is_of_the_device):
        text = (
            "NVRTC compiles for this device, and what it compiled does not work there: that is a fault of the driver "
            "or the GPU, which the bridge only goes around"
        )
        return VerdictKind.BROKEN, (*both, *against.all, Reason(text=text, evidence=stock.name))
    text = "nothing shows that run-time compiling is why stock Kokoro fails and the bridged one does not"
    return VerdictKind.UNDECIDED, (*both, *against.all, Reason(text=text, evidence=stock.name))


def _too_slow(evidence: Evidence, stock: Run, bridged: Run) -> Reason | None:
    """Say where a run on the GPU hung, and the one on the CPU as well: it is the time that was too short."""
    name = kokoro_name("stock", "cpu")
    reference = evidence.get(name)
    if reference is None or reference.outcome is not Outcome.HUNG or Cause.HUNG not in {stock.cause, bridged.cause}:
        return None
    text = f"on the CPU Kokoro did not answer in time either ({reference.error}): this machine needs a longer time-out"
    return Reason(text=text, evidence=name)


def asides(evidence: Evidence) -> tuple[Reason, ...]:
    """Mention what does not decide: the research note's patch, and a failing operation that Kokoro does not use."""
    return (*_research_note(evidence), *_prod(evidence))


def _research_note(evidence: Evidence) -> tuple[Reason, ...]:
    """Say what the research note's patch, of `transform` alone, does where it was tried."""
    run = Run.on_gpu(evidence, NOTE_MODE)
    if run.observation is None or run.observation.outcome is Outcome.SKIPPED:
        return ()
    patch = "the research note's patch of transform alone"
    if run.right:
        text = f"{patch} is enough here: {run.told}"
    elif run.cause is not None and run.cause.is_nvrtc:
        where = run.observation.detail.get("failed_operation")
        at = f"{where} in inverse fails" if where == "exp" else f"{where} fails" if where else "it fails"
        text = f"{patch} is not enough: {at} ({run.cause}): {brief(run.observation.error)}"
    elif run.cause is not None:
        text = f"{patch} did not show what it does ({run.cause}): {brief(run.observation.error)}"
    elif run.sound is Sound.UNKNOWN:
        text = f"{patch} ran, but its sound could not be compared with the CPU's"
    else:
        text = f"{patch} ran; against the CPU its sound is {run.sound}: {run.told}"
    return (Reason(text=text, evidence=run.name),)


def _prod(evidence: Evidence) -> tuple[Reason, ...]:
    prod = evidence.get("canary.prod")
    cause = None if prod is None else cause_of(prod)
    if prod is None or cause is None:
        return ()
    text = f"complex prod, which Kokoro does not use, fails on the GPU ({cause}): {brief(prod.error)}"
    return (Reason(text=text, evidence=prod.probe),)
