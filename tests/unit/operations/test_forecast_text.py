from __future__ import annotations

import dataclasses

import pytest

from scripts.model.evidence import Prediction, Reason, VerdictKind
from scripts.model.forecast import Forecast
from scripts.model.target import GB10
from scripts.operations.forecast_text import MEANING, forecast_lines

REASONS = (
    Reason(text="torch has code", evidence="a table"),
    Reason(text="NVRTC " + "knows it " * 30, evidence="another"),
)
ONE = Forecast(
    schema=1,
    created="2026-01-01",
    strategy="pypi",
    wheel="torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl",
    torch="2.15.0",
    size=484_000_000,
    sha256="a" * 64,
    target="cp312 linux aarch64 glibc 2.39",
    cuda="13.2",
    nvrtc="13.2.86",
    nvrtc_package="nvidia-cuda-nvrtc",
    triton="3.9.0",
    built_for="sm_80 sm_120",
    prediction=Prediction(target=GB10, kind=VerdictKind.NOT_NEEDED, reasons=REASONS),
    requests=8,
    bytes_read=1_840_000,
)


def of(kind: VerdictKind) -> Forecast:
    return dataclasses.replace(ONE, prediction=dataclasses.replace(ONE.prediction, kind=kind))


def test_every_line() -> None:
    assert forecast_lines(
        dataclasses.replace(ONE, prediction=dataclasses.replace(ONE.prediction, reasons=REASONS[:1]))
    ) == [
        "predicted  not-needed: Kokoro would run on that GPU as it is, without the patch",
        "           for compute capability 12.1 (sm_121); nothing ran there",
        "",
        "wheel      torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl (pypi, 484 MB)",
        "target     cp312 linux aarch64 glibc 2.39",
        "build      CUDA 13.2, NVRTC 13.2.86, Triton 3.9.0",
        "built for  sm_80 sm_120",
        "",
        "why predicted not-needed",
        "  - torch has code  [a table]",
        "",
        "read 1.8 MB in 8 requests",
    ]


@pytest.mark.parametrize("kind", VerdictKind)
def test_every_verdict_is_called_predicted_and_explained(kind: VerdictKind) -> None:
    lines = forecast_lines(of(kind))
    assert lines[0] == f"predicted  {kind}: {MEANING[kind]}"
    assert "nothing ran there" in lines[1]
    assert "verified" not in "\n".join(lines)


def test_reasons_are_in_order_and_folded() -> None:
    lines = "\n".join(forecast_lines(ONE)).splitlines()
    assert max(map(len, lines)) <= 118
    start = lines.index("why predicted not-needed")
    assert [line[:9] for line in lines[start + 1 : start + 4]] == ["  - torch", "  - NVRTC", "    knows"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"size": None}, "wheel      torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl (pypi)"),
        ({"cuda": None, "nvrtc": None, "triton": None}, "build      CPU-only"),
        ({"nvrtc": None, "triton": None}, "build      CUDA 13.2, an NVRTC of its own"),
        ({"requests": 0, "bytes_read": 0}, "read 0.0 MB in 0 requests"),
        ({"requests": 1, "bytes_read": 0}, "read 0.0 MB in 1 request"),
        ({"notes": ("a note",)}, "note: a note"),
        ({"settle": ("invoke predict --prove",)}, "settle it: invoke predict --prove"),
    ],
)
def test_what_may_be_missing_or_added(changes: dict[str, object], line: str) -> None:
    assert line in forecast_lines(dataclasses.replace(ONE, **changes))  # type: ignore[arg-type]


def test_no_list_has_no_line() -> None:
    assert not [line for line in forecast_lines(dataclasses.replace(ONE, built_for="")) if line.startswith("built for")]
