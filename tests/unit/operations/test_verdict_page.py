from __future__ import annotations

import dataclasses

import pytest

from scripts.model.evidence import JitKernel, ModeCensus, Outcome, Report, SimulationRow, VerdictKind
from scripts.operations.verdict_page import OUTCOME_SIGNS, SIGNS, verdict_page
from scripts.operations.verdict_style import STYLE
from scripts.verification.simulation import ROWS
from tests.unit.operations.test_passport_page import checked
from tests.unit.verification.cases import cpu_build, device, ended, spoke, working
from tests.unit.verification.test_report import ALL, report, simulated_report

REPORTS = {name: report(evidence) for name, evidence in ALL.items()} | {"simulated": simulated_report()}


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS.keys())
def test_one_page_that_needs_nothing_else_and_says_everything(made: Report) -> None:
    page = verdict_page(made)
    checker = checked(page)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(checker.tags)
    assert checker.links == []
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    words = " ".join(checker.text.split())
    for reason in made.verdict.reasons + made.verdict.prediction.reasons:
        assert " ".join(reason.text.split()) in words
    for one in made.observations:
        assert one.probe in words
    for text in ("CUDA_HOME", "/usr/local/cuda", "for builds only", "a note", made.environment, made.python):
        assert text in words
    assert f'<section class="verdict {made.verdict.kind}">' in page
    assert "predicted for compute capability 12.1 (sm_121)" in words.replace("Predicted", "predicted")


def test_a_simulated_verdict_never_loses_its_label() -> None:
    made = simulated_report()
    page = verdict_page(made)
    words = " ".join(checked(page).text.split())
    assert "<title>SIMULATED, not-needed: " in page
    assert page.index("<b>SIMULATED</b>") < page.index('<section class="verdict')
    assert "simulated, not verified: not-needed on NVIDIA GB10" in words
    assert "NVIDIA GB10 (simulated)" in words
    assert all(row.subject in words and row.text in words for row in ROWS)
    _, _, plain = verdict_page(report(working())).partition("</style>")
    assert "simulated" not in plain.lower()


def test_a_simulator_without_a_device() -> None:
    made = report(working(device=device(None, simulated=True)))
    words = " ".join(checked(verdict_page(made)).text.split())
    assert "SIMULATED Nothing here is verified on hardware." in words
    assert "none (simulated)" in words


def test_the_census() -> None:
    kernel = JitKernel(name="abs_kernel_vectorized2", operation="abs", architecture="12.1", nvrtc="12.9")
    census = (
        ModeCensus(mode="stock", kernels=(kernel,), complete=False, note="it failed at angle (launch)"),
        ModeCensus(mode="bridged", kernels=(), complete=True),
    )
    words = " ".join(checked(verdict_page(dataclasses.replace(report(working()), census=census))).text.split())
    assert "abs (abs_kernel_vectorized2), for compute capability 12.1 by NVRTC 12.9; it failed at angle" in words
    assert "✕incomplete1 compiled" in words
    assert "✓complete0 compiled none" in words
    assert "Census" not in verdict_page(report(working()))


def test_what_others_wrote_is_escaped() -> None:
    evil = '"><script>alert(1)</script>&'
    evidence = working(
        device=device(torch=evil, driver=evil, simulated=True),
        kokoro_stock_cuda=ended("kokoro.stock.cuda", Outcome.FAILED, evil),
        kokoro_bridged_cuda=spoke("bridged", "cuda", bridge={"bridge": evil, "module": evil}),
    )
    made = dataclasses.replace(
        report(evidence),
        environment=evil,
        python=evil,
        torch=evil,
        cuda=evil,
        weights=evil,
        created=evil,
        notes=(evil,),
        variables=({"name": evil, "value": evil, "meaning": evil},),
        census=(
            ModeCensus(
                mode=evil,
                kernels=(JitKernel(name=evil, operation=evil, architecture=evil, nvrtc=evil),),
                complete=False,
                note=evil,
            ),
        ),
        simulation=(SimulationRow(subject=evil, proved=True, text=evil),),
    )
    page = verdict_page(made)
    assert "<script" not in page
    assert "script" not in checked(page).tags


def test_credentials_are_taken_out() -> None:
    made = dataclasses.replace(report(working()), notes=("from https://me:secret@host/simple",))
    assert "secret" not in verdict_page(made)


def test_a_torch_that_does_not_start_has_a_page_too() -> None:
    evidence = working(device=ended("device", Outcome.CRASHED, "died of SIGSEGV"))
    made = dataclasses.replace(report(evidence), torch=None, cuda=None, variables=(), notes=())
    words = " ".join(checked(verdict_page(made)).text.split())
    assert "unknown: it did not start" in words
    assert "Environment variables" not in words
    assert checked(verdict_page(report(working(device=cpu_build()))))


def test_each_answer_has_a_sign_and_a_look_of_its_own() -> None:
    assert set(SIGNS) == set(VerdictKind)
    assert len(set(SIGNS.values())) == len(VerdictKind)
    assert set(OUTCOME_SIGNS) == set(Outcome)
    assert len(set(OUTCOME_SIGNS.values())) == len(Outcome)
    for kind in VerdictKind:
        assert f".verdict.{kind} " in STYLE
    for outcome in Outcome:
        assert f".key.{outcome}" in STYLE
    assert "prefers-color-scheme: dark" in STYLE
    assert "@media print" in STYLE
