"""The version matrix: its cells, its table, and what is kept of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.model.evidence import Observation, Outcome, Prediction, Reason, Report, Verdict, VerdictKind
from scripts.model.target import GB10, Architecture, ComputeCapability
from scripts.model.wheels import CudaBuild
from scripts.operations.context import Context
from scripts.serial import from_data, to_json
from scripts.wheels.measured import MeasuredTable, MeasuredWheel
from tests.simulated_gpu.document import MATRIX
from tests.simulated_gpu.document import kept as read_kept
from tests.simulated_gpu.environments import newest_torch
from tests.simulated_gpu.matrix import (
    endings,
    keep_matrix,
    known_builds,
    load_matrix,
    to_cell,
    wanted_questions,
)
from tests.simulated_gpu.matrix_cells import (
    CAPABILITIES,
    RELEASES,
    REPAIR,
    Cell,
    Matrix,
    Question,
    disagreements,
    missing,
    questions,
)
from tests.simulated_gpu.matrix_table import matrix_lines

CUDA = dict.fromkeys(RELEASES, "12.8") | {"2.11.0": "13.0", "2.14.1": "13.0", "2.15.0": "13.2"}


def cell(torch: str = "2.9.1", nvrtc: str | None = None, capability: ComputeCapability = GB10) -> Cell:
    return Cell(
        question=Question(torch=torch, nvrtc=nvrtc, capability=capability),
        cuda="12.8",
        nvrtc=nvrtc or "12.8.93",
        predicted=VerdictKind.NEEDED,
        observed=VerdictKind.NEEDED,
        reasons=("because",),
        endings={"canary.abs": "unknown-architecture"},
        created="2026-11-25",
        seconds=60.0,
    )


def matrix(*cells: Cell) -> Matrix:
    made = Matrix(kokoro="0.9.4", platform="x86_64")
    for one in cells:
        made = made.with_cell(one)
    return made


def kept() -> Matrix:
    return read_kept(Matrix, MATRIX)


# What is kept: run for real, by `invoke demo.matrix`.


def test_no_cell_is_missing() -> None:
    assert missing(kept(), wanted_questions(Context())) == ()


@pytest.mark.parametrize("found", kept().cells, ids=lambda one: str(one.question))
def test_the_prediction_was_right(found: Cell) -> None:
    assert found.predicted is found.observed, found.reasons


def test_what_the_device_did_is_why() -> None:
    """A verdict for another reason than the rules' would be right by chance."""
    for found in kept().cells:
        ended = set(found.endings.values())
        match found.observed:
            case VerdictKind.NOT_NEEDED:
                assert found.endings["kokoro.stock.cuda"] == "passed"
                assert {found.endings[f"canary.{name}"] for name in ("abs", "angle", "exp")} == {"passed"}
            case VerdictKind.NEEDED:
                assert found.endings["kokoro.stock.cuda"] == "unknown-architecture"
                assert found.endings["kokoro.transform_only.cuda"] == "unknown-architecture"
                assert found.endings["kokoro.bridged.cuda"] == found.endings["kokoro.disable_complex.cuda"] == "passed"
            case VerdictKind.BROKEN:
                assert "passed" not in {found.endings[f"kokoro.{mode}.cuda"] for mode in ("stock", "bridged")}
                assert "no-kernel-image" in ended
            case _:
                pytest.fail(f"{found.question}: {found.observed}")


# How it is made.


def test_the_cells() -> None:
    found = questions("2.15.0", CUDA)
    assert len(found) == len(set(found)) == 3 * (7 + 4) + 2
    assert {one.capability for one in found} == set(CAPABILITIES)
    assert [one.capability for one in found[:11]] == [GB10] * 11
    assert {one.torch for one in found if one.nvrtc == REPAIR} == {"2.5.1", "2.7.1", "2.8.0", "2.9.1"}


def test_a_newest_that_is_one_of_them_is_there_once() -> None:
    assert len({one.torch for one in questions("2.14.1", CUDA)}) == 6


def test_what_is_missing() -> None:
    wanted = [cell().question, cell(nvrtc=REPAIR).question]
    assert missing(matrix(cell()), wanted) == (wanted[1],)
    assert missing(matrix(), wanted) == tuple(wanted)


def test_cells_are_in_order_and_replaced() -> None:
    cells = [
        cell(torch, nvrtc, capability)
        for torch, nvrtc, capability in itertools.product(("2.11.0", "2.9.1"), (REPAIR, None), reversed(CAPABILITIES))
    ]
    made = matrix(*cells, dataclasses.replace(cell(), seconds=1.0))
    assert len(made.cells) == len(cells)
    assert made.cells[0] == dataclasses.replace(cell(), seconds=1.0)
    assert [one.question.torch for one in made.cells] == ["2.9.1"] * 6 + ["2.11.0"] * 6
    assert [one.question.capability for one in made.cells[:3]] == list(CAPABILITIES)


def test_a_matrix_as_json() -> None:
    made = matrix(cell(), cell(nvrtc=REPAIR))
    assert from_data(Matrix, json.loads(to_json(made)), what="a matrix") == made


def test_a_matrix_of_another_kokoro_is_not_gone_on_with(tmp_path: Path) -> None:
    place, here = tmp_path / "matrix.json", Context()
    assert load_matrix(here, place).cells == ()
    ours = dataclasses.replace(load_matrix(here, place), cells=(cell(),))
    keep_matrix(ours, place)
    assert load_matrix(here, place) == ours
    keep_matrix(dataclasses.replace(ours, kokoro="0.8"), place)
    assert load_matrix(here, place).cells == ()


def test_the_table() -> None:
    wrong = dataclasses.replace(cell(capability=CAPABILITIES[1]), observed=VerdictKind.BROKEN)
    lines = matrix_lines(matrix(cell(), wrong, cell(nvrtc=REPAIR)))
    assert lines[2:4] == [
        "| 2.9.1 | 12.8 | 12.8.93, its own | needed | **broken**, predicted needed | – |",  # noqa: RUF001
        "| 2.9.1 | 12.8 | 12.9.86, in its own's place | needed | – | – |",  # noqa: RUF001
    ]
    assert lines[-1].startswith("SIMULATED, on x86_64 with Kokoro 0.9.4, run 2026-11-25: ")
    assert "2 of 3 cells" in lines[-1]
    assert disagreements(matrix(cell(), wrong)) == (wrong,)


def test_what_is_known_of_the_releases() -> None:
    assert {one.torch for one in wanted_questions(Context())} == {
        *RELEASES,
        newest_torch(Architecture.X86_64, Context()),
    }


def test_known_builds() -> None:
    rows = [
        MeasuredWheel(file=f"torch-{name}.whl", sha256="0", cuda=cuda, measured="", how="")
        for name, cuda in (
            ("2.9.1-cp312-cp312-manylinux_2_28_x86_64", "12.8"),
            ("2.9.1-cp312-cp312-manylinux_2_28_aarch64", None),
        )
    ]
    assert known_builds(MeasuredTable(wheels=tuple(rows))) == {"2.9.1": "12.8"}


# One cell of one report.


def report(*observations: Observation, simulated: bool = True) -> Report:
    kind = VerdictKind.NEEDED
    verdict = Verdict(
        kind=kind,
        reasons=(Reason(text="the device is simulated", evidence="device"), Reason(text="because", evidence="nvrtc")),
        prediction=Prediction(target=GB10, kind=kind, reasons=()),
        simulated=simulated,
    )
    return Report(
        schema=1,
        created="",
        environment="",
        python="",
        torch="2.9.1",
        cuda="12.8",
        weights="",
        verdict=verdict,
        observations=observations,
    )


BUILD = CudaBuild(
    torch="2.9.1", cuda="12.8", nvrtc="12.8.93", nvrtc_package="nvidia-cuda-nvrtc-cu12", triton=None, requirements=()
)


def test_a_cell_of_a_report() -> None:
    made = to_cell(cell().question, BUILD, VerdictKind.NEEDED, report(), seconds=1.23)
    assert (made.cuda, made.nvrtc, made.observed, made.reasons, made.seconds) == (
        "12.8",
        "12.8.93",
        VerdictKind.NEEDED,
        ("because",),
        1.2,
    )


def test_a_report_of_no_simulated_device_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        to_cell(cell().question, BUILD, VerdictKind.NEEDED, report(simulated=False), seconds=1)
    assert caught.value.reference == "not-simulated"


def test_how_probes_ended() -> None:
    refused = "nvrtc: error: invalid value for --gpu-architecture (-arch)"
    seen = [
        Observation(probe="canary.abs", outcome=Outcome.FAILED, error=refused),
        Observation(probe="kokoro.stock.cpu", outcome=Outcome.PASSED),
        Observation(probe="kokoro.stock.cuda", outcome=Outcome.KILLED),
        Observation(probe="kokoro.bridged.cuda", outcome=Outcome.PASSED),
        Observation(probe="kokoro.disable_complex.cuda", outcome=Outcome.SKIPPED),
        Observation(probe="sound.bridged.cuda", outcome=Outcome.PASSED),
    ]
    assert endings(seen) == {
        "canary.abs": "unknown-architecture",
        "kokoro.stock.cuda": "killed",
        "kokoro.bridged.cuda": "passed",
        "kokoro.disable_complex.cuda": "skipped",
    }
