"""What a judgement is worth, what is refused before anything is changed, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.foreign import Foreign
from scripts.errors import DiskError, ExitCode, NoCandidateError
from scripts.model.evidence import Outcome, Prediction, Reason, VerdictKind
from scripts.model.repair import Repair, RepairOutcome
from scripts.model.target import GB10
from scripts.operations.repair_judging import of_operations, of_prediction, require_need
from scripts.operations.repair_refusals import require_repairable
from scripts.operations.repairing_text import judgement_words, repair_lines
from scripts.strategies.override import PACKAGE
from scripts.verification.evidence import Evidence
from tests.support.strangers import LIFTED, OLD, judgement
from tests.unit.verification.cases import REFUSED as REFUSES_SM_121
from tests.unit.verification.cases import device, device_code, ended, nvrtc, passed, working

NOT_NEEDED, NEEDED, UNDECIDED, BROKEN = (
    VerdictKind.NOT_NEEDED,
    VerdictKind.NEEDED,
    VerdictKind.UNDECIDED,
    VerdictKind.BROKEN,
)

BETTER = [
    ((UNDECIDED, NEEDED), (UNDECIDED, NOT_NEEDED), True),
    ((NEEDED, NEEDED), (NOT_NEEDED, NOT_NEEDED), True),
    ((UNDECIDED, NEEDED), (NOT_NEEDED, NOT_NEEDED), True),
    ((UNDECIDED, NEEDED), (UNDECIDED, NEEDED), False),
    ((NEEDED, NEEDED), (BROKEN, NOT_NEEDED), False),
    ((NEEDED, NEEDED), (UNDECIDED, NOT_NEEDED), False),
    ((UNDECIDED, NEEDED), (UNDECIDED, BROKEN), False),
    ((UNDECIDED, UNDECIDED), (UNDECIDED, NOT_NEEDED), True),
    ((NOT_NEEDED, NOT_NEEDED), (NOT_NEEDED, NOT_NEEDED), False),
    ((NEEDED, NEEDED), (VerdictKind.NOT_APPLICABLE, NOT_NEEDED), False),
]


@pytest.mark.parametrize(("before", "after", "better"), BETTER)
def test_better(
    before: tuple[VerdictKind, VerdictKind], after: tuple[VerdictKind, VerdictKind], *, better: bool
) -> None:
    first, second = (judgement(prediction, kind=kind) for kind, prediction in (before, after))
    assert second.is_better_than(first) is better


@pytest.mark.parametrize(
    ("kind", "prediction", "reference"),
    [
        (UNDECIDED, NEEDED, None),
        (NEEDED, NEEDED, None),
        (UNDECIDED, UNDECIDED, None),
        (UNDECIDED, NOT_NEEDED, "nothing-to-repair"),
        (NOT_NEEDED, NOT_NEEDED, "nothing-to-repair"),
        (UNDECIDED, BROKEN, "not-repairable"),
        (BROKEN, NEEDED, "not-repairable"),
        (VerdictKind.NOT_APPLICABLE, UNDECIDED, "not-repairable"),
    ],
)
def test_need(kind: VerdictKind, prediction: VerdictKind, reference: str | None) -> None:
    found = judgement(prediction, "a reason", kind=kind)
    if reference is None:
        require_need(found, LIFTED)
        return
    with pytest.raises(NoCandidateError) as caught:
        require_need(found, LIFTED)
    assert (caught.value.reference, caught.value.context) == (reference, "a reason")


def test_a_prediction_is_no_verdict() -> None:
    found = of_prediction(Prediction(target=GB10, kind=NEEDED, reasons=(Reason(text="why", evidence="nvrtc"),)))
    assert (found.kind, found.prediction, found.outcome, found.device) == (UNDECIDED, NEEDED, NEEDED, None)
    assert found.reasons == ("why",)


OPERATIONS: dict[str, tuple[Evidence, VerdictKind, VerdictKind, str]] = {
    "they work": (working(), NOT_NEEDED, NOT_NEEDED, "compiles for sm_121"),
    "NVRTC does not know the device": (
        working(nvrtc=nvrtc(ok=False), canary_abs=ended("canary.abs", Outcome.FAILED, REFUSES_SM_121)),
        NEEDED,
        NEEDED,
        "complex abs fails on the GPU",
    ),
    "what was compiled does not run": (
        working(canary_exp=ended("canary.exp", Outcome.FAILED, "CUDA error: unspecified launch failure")),
        BROKEN,
        NOT_NEEDED,
        "complex exp fails on the GPU (launch)",
    ),
    "one of them hangs": (
        working(canary_exp=ended("canary.exp", Outcome.HUNG, "no answer")),
        UNDECIDED,
        NOT_NEEDED,
        "complex exp fails on the GPU (hung)",
    ),
    "no device code": (working(device_code=device_code(cc12_1="none")), BROKEN, BROKEN, "no kernel image"),
    "no device": (
        Evidence.of([device(None), device_code(cc12_1="cubin sm_120"), nvrtc(ok=False)]),
        UNDECIDED,
        NEEDED,
        "does not know sm_121",
    ),
    "torch does not start": (
        Evidence.of([ended("device", Outcome.CRASHED)]),
        BROKEN,
        UNDECIDED,
        "device code is not known",
    ),
    "they were not asked": (
        Evidence.of([device(), device_code(cc12_1="cubin sm_120"), nvrtc(), passed("canary.abs")]),
        UNDECIDED,
        NOT_NEEDED,
        "compiles for sm_121",
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_environment_without_kokoro(name: str) -> None:
    evidence, kind, prediction, told = OPERATIONS[name]
    found = of_operations(evidence, GB10)
    assert (found.kind, found.prediction) == (kind, prediction)
    assert "Kokoro is not installed here" in found.reasons[0]
    assert told in " ".join(found.reasons)


def foreign(tmp_path: Path, *, cuda: str | None = "12.8", nvrtc: tuple[tuple[str, str], ...] | None = None) -> Foreign:
    (tmp_path / "site").mkdir(exist_ok=True)
    return Foreign(
        prefix=tmp_path,
        python=tmp_path / "bin" / "python",
        site=tmp_path / "site",
        torch="2.9.1",
        cuda=cuda,
        nvrtc=((PACKAGE, OLD),) if nvrtc is None else nvrtc,
    )


REFUSED: dict[str, tuple[str | None, tuple[tuple[str, str], ...], str]] = {
    "CPU": (None, (), "cpu-only-build"),
    "CUDA 13": ("13.2", (("nvidia-cuda-nvrtc", "13.2.86"),), "nothing-to-repair"),
    "CUDA 11": ("11.8", (("nvidia-cuda-nvrtc-cu11", "11.8.89"),), "nothing-to-repair"),
    "inside": ("12.8", (), "nvrtc-inside"),
    "twice": ("12.8", ((PACKAGE, OLD), (PACKAGE, "12.6.77")), "not-repairable"),
    "new enough": ("12.9", ((PACKAGE, "12.9.41"),), "nothing-to-repair"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(tmp_path: Path, name: str) -> None:
    cuda, nvrtc, reference = REFUSED[name]
    with pytest.raises(NoCandidateError) as caught:
        require_repairable(foreign(tmp_path, cuda=cuda, nvrtc=nvrtc), LIFTED)
    assert caught.value.reference == reference
    assert caught.value.hint
    assert "torch 2.9.1" in caught.value.context


def test_a_folder_that_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_repairable(foreign(tmp_path), LIFTED)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DiskError) as caught:
        require_repairable(foreign(tmp_path), LIFTED)
    assert (caught.value.exit_code, caught.value.reference) == (ExitCode.DISK, "not-writable")


def done(outcome: RepairOutcome, **values: object) -> Repair:
    return Repair(
        outcome=outcome,
        venv="/venv",
        torch="2.9.1",
        package=PACKAGE,
        version=OLD,
        lifted=LIFTED,
        **values,  # type: ignore[arg-type]
    )


def test_what_is_said_of_a_repair() -> None:
    before, after = judgement(NEEDED, "refuses sm_121"), judgement(NOT_NEEDED, "compiles for sm_121")
    lines = repair_lines(done(RepairOutcome.REPAIRED, before=before, after=after, backup="/home/repairs/x"))
    text = "\n".join(lines)
    assert lines[0] == f"/venv: repaired, NVRTC {LIFTED} stands in the place of {OLD}"
    assert "before: predicted needed for 12.1 (not run: there is no GPU)" in text
    assert "compiles for sm_121" in text
    assert "invoke env.repair /venv --undo" in text
    assert "pip check" in text


def test_what_is_said_of_the_others() -> None:
    worse = judgement(BROKEN)
    back = done(RepairOutcome.PUT_BACK, before=judgement(NEEDED), after=worse)
    assert "not repaired" in repair_lines(back)[0]
    assert back.exit_code is ExitCode.PATCH_NEEDED
    assert done(RepairOutcome.PUT_BACK, before=judgement(UNDECIDED)).exit_code is ExitCode.UNDECIDED
    undone = done(RepairOutcome.UNDONE, notes=("a note",))
    assert repair_lines(undone)[-1] == "note: a note"
    assert undone.exit_code is ExitCode.OK
    standing = done(RepairOutcome.STANDING, backup="/home/repairs/x")
    assert "repaired before" in repair_lines(standing)[0]
    assert any("--undo" in line for line in repair_lines(standing))
    assert standing.exit_code is ExitCode.OK


def test_a_verdict_is_told_from_a_prediction() -> None:
    assert judgement_words(judgement(NEEDED, kind=NEEDED)) == "needed on NVIDIA GB10"
    assert judgement_words(judgement(NEEDED)).startswith("predicted needed")
