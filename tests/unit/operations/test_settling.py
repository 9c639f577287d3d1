"""The commands that would settle what is undecided: each is one that our own front door understands."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
from invoke.parser import Parser

import tasks
from scripts.home import CONSTRAINTS
from scripts.model.forecast import ForecastRequest
from scripts.model.target import GB10
from scripts.model.wheels import CudaBuild
from scripts.operations.settling import settling
from scripts.verification.foresee import WheelEvidence
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.measured import MeasuredWheel
from scripts.wheels.nvrtc import load_nvrtc
from tests.support.machines import SPARK_TARGET

TABLE = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
PYPI = ForecastRequest(strategy="pypi", torch=None, target=SPARK_TARGET, capability=GB10)
LANE = dataclasses.replace(PYPI, strategy="cu130")
NIGHTLY = dataclasses.replace(LANE, nightly=True)
MIRROR = dataclasses.replace(LANE, index="https://user:secret@mirror.example/whl/cu130")
MACHINE = "--platform aarch64 --python 3.12 --sm 12.1"
AT_MIRROR = "--index 'https://****@mirror.example/whl/cu130'"
MEASURED = MeasuredWheel(
    file="torch.whl",
    sha256="a" * 64,
    measured="2026-01-01",
    how="by hand",
    libraries=(DeviceCode(library="libtorch_cuda.so", fatbins={"sm_120": 1}),),
)


def evidence(
    nvrtc: str | None, *, cuda: str | None = "13.0", known: bool = True, proved: bool = False
) -> WheelEvidence:
    build = CudaBuild(torch="2.16.0", cuda=cuda, nvrtc=nvrtc, nvrtc_package=None, triton=None, requirements=())
    return WheelEvidence(
        build=build, filename="torch.whl", built_for="sm_120" if known else None, proof={} if proved else None
    )


INSPECT = f"invoke wheel.inspect torch==2.16.0 --strategy pypi {MACHINE} --download"
PROVE = f"invoke predict --torch 2.16.0 --strategy pypi {MACHINE} --prove"

CASES = [
    (PYPI, evidence("13.0.88"), []),
    (PYPI, evidence("99.0.1"), [PROVE]),
    (PYPI, evidence("99.0.1", proved=True), []),
    (PYPI, evidence("13.0.88", known=False), [INSPECT]),
    (PYPI, evidence("99.0.1", known=False), [INSPECT, PROVE]),
    (PYPI, dataclasses.replace(evidence("13.0.88", known=False), measured=MEASURED), []),
    (
        PYPI,
        dataclasses.replace(evidence("13.0.88", known=False), measured=dataclasses.replace(MEASURED, libraries=())),
        [INSPECT],
    ),
    (PYPI, evidence(None, cuda=None, known=False), []),
    (PYPI, evidence(None), []),
    (PYPI, evidence(None, cuda="99.1"), ["invoke setup --torch 2.16.0 --strategy pypi verify --sm 12.1"]),
    (
        NIGHTLY,
        evidence("99.0.1", known=False),
        [
            f"invoke wheel.inspect torch==2.16.0 --strategy cu130 --index https://nightly.example {MACHINE} --download",
            f"invoke predict --torch 2.16.0 --strategy cu130 --nightly {MACHINE} --prove",
        ],
    ),
    (
        MIRROR,
        evidence("99.0.1", known=False),
        [
            f"invoke wheel.inspect torch==2.16.0 --strategy cu130 {AT_MIRROR} {MACHINE} --download",
            f"invoke predict --torch 2.16.0 --strategy cu130 {AT_MIRROR} {MACHINE} --prove",
        ],
    ),
    (
        NIGHTLY,
        evidence(None, cuda="99.1"),
        ["invoke setup --torch 2.16.0 --strategy cu130 --nightly verify --sm 12.1"],
    ),
]


@pytest.mark.parametrize(("request_", "known", "commands"), CASES)
def test_settling(request_: ForecastRequest, known: WheelEvidence, commands: list[str]) -> None:
    found = settling(request_, known, TABLE, "https://nightly.example" if request_.nightly else None)
    assert list(found) == commands
    for command in found:
        Parser(contexts=tasks.ns.to_contexts()).parse_argv(shlex.split(command)[1:])
