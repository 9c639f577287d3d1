from __future__ import annotations

import pytest

from scripts.home import CONSTRAINTS
from scripts.model.evidence import Outcome, VerdictKind
from scripts.model.target import GB10, ComputeCapability
from scripts.model.wheels import Lane
from scripts.verification.evidence import Evidence
from scripts.verification.predict import FROM_DATA, predict, predict_from_data
from scripts.wheels.lanes import load_lanes
from scripts.wheels.nvrtc import load_nvrtc
from tests.unit.verification.cases import device, device_code, ended, nvrtc, sound, spoke

CODE = device_code(cc12_1="cubin sm_120")
BUILTINS = nvrtc(
    ok=False,
    code=7,
    name="NVRTC_ERROR_BUILTIN_OPERATION_FAILURE",
    log="nvrtc: error: failed to open libnvrtc-builtins.so.13.0.",
)
STRANGE = nvrtc(ok=False, code=6, name="NVRTC_ERROR_COMPILATION", log="something never seen")

CASES = {
    "both know the target": ([CODE, nvrtc()], VerdictKind.NOT_NEEDED),
    "NVRTC is too old": ([CODE, nvrtc(ok=False)], VerdictKind.NEEDED),
    "NVRTC finds no builtins": ([CODE, BUILTINS], VerdictKind.NEEDED),
    "NVRTC says something unknown": ([CODE, STRANGE], VerdictKind.UNDECIDED),
    "NVRTC crashed": ([CODE, ended("nvrtc", Outcome.CRASHED)], VerdictKind.UNDECIDED),
    "NVRTC hung": ([CODE, ended("nvrtc", Outcome.HUNG)], VerdictKind.UNDECIDED),
    "NVRTC was not asked": ([CODE], VerdictKind.UNDECIDED),
    "no device code": ([device_code(cc12_1="none"), nvrtc()], VerdictKind.BROKEN),
    "no device code and an old NVRTC": ([device_code(cc12_1="none"), nvrtc(ok=False)], VerdictKind.BROKEN),
    "device code not read": ([ended("device-code", Outcome.FAILED), nvrtc()], VerdictKind.UNDECIDED),
    "device code not read and an old NVRTC": ([nvrtc(ok=False)], VerdictKind.NEEDED),
    "the bridge fails where it would be needed": (
        [CODE, nvrtc(ok=False), ended("kokoro.bridged.cpu", Outcome.FAILED)],
        VerdictKind.BROKEN,
    ),
    "the bridge was killed": ([CODE, nvrtc(ok=False), ended("kokoro.bridged.cpu", Outcome.KILLED)], VerdictKind.NEEDED),
    "the bridge is right": (
        [CODE, nvrtc(ok=False), spoke("bridged", "cpu"), sound("bridged", "cpu", snr_db=125.6)],
        VerdictKind.NEEDED,
    ),
    "the bridge is near": (
        [CODE, nvrtc(ok=False), spoke("bridged", "cpu"), sound("bridged", "cpu", snr_db=62.0)],
        VerdictKind.UNDECIDED,
    ),
    "the bridge is wrong": (
        [CODE, nvrtc(ok=False), spoke("bridged", "cpu"), sound("bridged", "cpu", snr_db=3.0)],
        VerdictKind.BROKEN,
    ),
    "the bridge fails where it is not needed": (
        [CODE, nvrtc(), ended("kokoro.bridged.cpu", Outcome.FAILED)],
        VerdictKind.NOT_NEEDED,
    ),
}


@pytest.mark.parametrize(("observations", "kind"), CASES.values(), ids=CASES.keys())
def test_predict(observations, kind) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    prediction = predict(Evidence.of([device(None), *observations]), GB10)
    assert prediction.kind is kind, [reason.text for reason in prediction.reasons]
    assert prediction.target == GB10
    assert prediction.reasons


def lane(nvrtc_version: str | None) -> Lane:
    return Lane(
        name="pypi",
        index=None,
        nightly_index=None,
        cuda="13.2",
        nvrtc=nvrtc_version,
        torch=">=2.11",
        platforms=("aarch64",),
        checked="2026-11-22",
        source="read",
    )


@pytest.mark.parametrize(
    ("version", "capability", "kind"),
    [
        ("13.2.86", "12.1", VerdictKind.NOT_NEEDED),
        ("12.8.93", "12.1", VerdictKind.NEEDED),
        ("12.8.93", "12.0", VerdictKind.NOT_NEEDED),
        ("99.0.1", "12.1", VerdictKind.UNDECIDED),
        (None, "12.1", VerdictKind.UNDECIDED),
    ],
)
def test_predict_from_data(version: str | None, capability: str, kind: VerdictKind) -> None:
    table = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
    prediction = predict_from_data(lane(version), table, ComputeCapability.parse(capability))
    assert prediction.kind is kind
    assert prediction.reasons[0].text.startswith(FROM_DATA)


def test_the_real_tables_predict_for_a_spark() -> None:
    table = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
    assert (
        predict_from_data(load_lanes(CONSTRAINTS / "lanes.toml").named("pypi"), table, GB10).kind
        is VerdictKind.NOT_NEEDED
    )
