"""predict against the real default index and the real NVRTCs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.home import CONSTRAINTS, Home
from scripts.model.forecast import Forecast, ForecastRequest
from scripts.model.target import GB10, Architecture, ComputeCapability
from scripts.operations.context import Context
from scripts.operations.predicting import foresee
from scripts.operations.proving import ask_nvrtc
from scripts.operations.site import another_machine
from scripts.wheels.metering import MAX_BYTES, MAX_REQUESTS
from scripts.wheels.nvrtc import load_nvrtc, look_up

pytestmark = pytest.mark.slow


class Known(NamedTuple):
    """What the project measured by hand before there was a command for it."""

    torch: str
    platform: str
    cuda: str | None
    nvrtc: str | None
    verdict: str


KNOWN = [
    Known("2.5.1", "x86_64", "12.4", "12.4.127", "broken"),
    Known("2.6.0", "x86_64", "12.4", "12.4.127", "broken"),
    Known("2.7.1", "x86_64", "12.6", "12.6.77", "broken"),
    Known("2.8.0", "x86_64", "12.8", "12.8.93", "needed"),
    Known("2.9.1", "x86_64", "12.8", "12.8.93", "needed"),
    Known("2.10.0", "x86_64", "12.8", "12.8.93", "needed"),
    Known("2.11.0", "x86_64", "13.0", "13.0.88", "not-needed"),
    Known("2.13.0", "x86_64", "13.0", "13.0.88", "not-needed"),
    Known("2.14.1", "x86_64", "13.0", "13.0.88", "not-needed"),
    Known("2.15.0", "x86_64", "13.2", "13.2.86", "not-needed"),
    Known("2.5.1", "aarch64", None, None, "not-applicable"),
    Known("2.6.0", "aarch64", None, None, "not-applicable"),
    Known("2.7.1", "aarch64", None, None, "not-applicable"),
    Known("2.8.0", "aarch64", None, None, "not-applicable"),
    Known("2.9.1", "aarch64", None, None, "not-applicable"),
    Known("2.10.0", "aarch64", None, None, "not-applicable"),
    Known("2.11.0", "aarch64", "13.0", "13.0.88", "not-needed"),
    Known("2.13.0", "aarch64", "13.0", "13.0.88", "not-needed"),
    Known("2.14.1", "aarch64", "13.0", "13.0.88", "not-needed"),
    Known("2.15.0", "aarch64", "13.2", "13.2.86", "not-needed"),
]
CUDA = [known for known in KNOWN if known.cuda is not None]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """A data root that remembers nothing."""
    made = Context(home=Home(tmp_path / "home"))
    with made.web:
        yield made


def predict(context: Context, torch: str, platform: str, capability: ComputeCapability = GB10) -> Forecast:
    target = another_machine(Architecture(platform), None)
    request = ForecastRequest(strategy="pypi", torch=torch, target=target, capability=capability)
    return foresee(request, context)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.torch}-{known.platform}")
def test_what_is_known_of_it(context: Context, known: Known) -> None:
    found = predict(context, known.torch, known.platform)
    assert (found.cuda, found.nvrtc, found.prediction.kind) == known[2:]
    assert found.requests <= 10
    assert found.bytes_read <= 2_500_000
    again = predict(context, known.torch, known.platform)
    assert again.requests <= 1
    assert again.prediction == found.prediction


@pytest.mark.parametrize("known", CUDA, ids=lambda known: f"{known.torch}-{known.platform}")
def test_the_same_out_of_the_wheel_itself(context: Context, tmp_path: Path, known: Known) -> None:
    """Without its row in the table, what it was built for is read out of the wheel."""
    context.constraints = tmp_path / "constraints"
    shutil.copytree(CONSTRAINTS, context.constraints)
    (context.constraints / "devicecode.toml").write_text("")
    found = predict(context, known.torch, known.platform)
    assert (found.cuda, found.nvrtc, found.prediction.kind) == known[2:]
    assert found.built_for
    assert found.requests <= MAX_REQUESTS
    assert found.bytes_read <= MAX_BYTES


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("nvidia-cuda-nvrtc-cu12", "12.4.127"),
        ("nvidia-cuda-nvrtc-cu12", "12.6.77"),
        ("nvidia-cuda-nvrtc-cu12", "12.8.93"),
        ("nvidia-cuda-nvrtc-cu12", "12.9.86"),
        ("nvidia-cuda-nvrtc", "13.0.88"),
        ("nvidia-cuda-nvrtc", "13.2.86"),
    ],
)
def test_nvrtc_says_what_the_table_says(context: Context, package: str, version: str) -> None:
    asked = [ComputeCapability(major, minor) for major, minor in ((7, 5), (9, 0), (10, 0), (12, 0), (12, 1))]
    answer = ask_nvrtc(package, version, asked, context, keep=False)
    table = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
    said = {capability.sm: answer["compiles"][capability.sm]["ok"] for capability in asked}
    assert said == {capability.sm: look_up(table, version, capability).compiles for capability in asked}


def test_prove_asks_the_pinned_nvrtc(context: Context) -> None:
    target = another_machine(Architecture.AARCH64, None)
    request = ForecastRequest(strategy="pypi", torch="2.15.0", target=target, capability=GB10)
    found = foresee(request, context, prove=True)
    assert found.prediction.kind == "not-needed"
    assert found.prediction.reasons[-1].evidence == "NVRTC itself, run here"
