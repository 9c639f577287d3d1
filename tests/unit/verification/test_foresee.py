"""Every way to a verdict for a wheel that nobody downloaded."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import pytest

from scripts.home import CONSTRAINTS
from scripts.model.evidence import VerdictKind
from scripts.model.target import GB10, ComputeCapability
from scripts.model.wheels import CudaBuild
from scripts.verification.foresee import DEVICE_CODE, METADATA, PROOF, STATED, WheelEvidence, foresee_verdict
from scripts.wheels.devicecode import DeviceCode
from scripts.wheels.measured import MeasuredWheel, load_measured
from scripts.wheels.nvrtc import TABLE, load_nvrtc
from tests.unit.verification.cases import REFUSED

NVRTC = load_nvrtc(CONSTRAINTS / "nvrtc.toml")
WHEEL = "torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl"
CODE = "device-code"


def build(nvrtc: str | None = "13.2.86", cuda: str | None = "13.2") -> CudaBuild:
    return CudaBuild(
        torch="2.15.0",
        cuda=cuda,
        nvrtc=nvrtc,
        nvrtc_package=None if nvrtc is None else "nvidia-cuda-nvrtc",
        triton="3.9.0",
        requirements=(),
    )


def measured(*fatbins: str, file: str = WHEEL) -> MeasuredWheel:
    code = DeviceCode(library="libtorch_cuda.so", fatbins=dict.fromkeys(fatbins, 10))
    return MeasuredWheel(
        file=file,
        sha256="a" * 64,
        cuda="13.2",
        measured="2026-01-01",
        how="by hand",
        libraries=(code,) if fatbins else (),
    )


def proof(*, ok: bool = True, code: int = 5, name: str = "NVRTC_ERROR_INVALID_OPTION", log: str = REFUSED) -> Any:
    good = {"ok": True, "code": 0, "name": "NVRTC_SUCCESS", "log": "", "cubin_bytes": 2048}
    bad = {"ok": False, "code": code, "name": name, "log": log, "cubin_bytes": 0}
    return {"compiles": {GB10.sm: good if ok else bad}}


def evidence(
    nvrtc: str | None = "13.2.86",
    cuda: str | None = "13.2",
    code: MeasuredWheel | None = None,
    stated: str | None = None,
    **more: Any,
) -> WheelEvidence:
    return WheelEvidence(build=build(nvrtc, cuda), filename=WHEEL, measured=code, built_for=stated, **more)


BLACKWELL = measured("sm_80 sm_120")
HOPPER = measured("sm_80 sm_90")


class Case(NamedTuple):
    """What is known, and what follows: the verdict, and each reason's evidence and a part of its text."""

    evidence: WheelEvidence
    kind: VerdictKind
    reasons: tuple[tuple[str, str], ...]


HAS = (DEVICE_CODE, "torch has device code for 12.1: cubin sm_120 (10 of 10 fatbins run)")
KNOWS = (TABLE, "NVRTC 13.2.86 compiles for sm_121 (measured")
REFUSES = (TABLE, "NVRTC 12.8.93 refuses sm_121 (measured")
UNKNOWN = (TABLE, "NVRTC 99.0.1 may or may not compile for sm_121 (NVRTC 99.0.1 was never measured for sm_121)")
UNREAD = (CODE, "torch's device code is not known: it was not read")

CASES = {
    "a CPU-only build": Case(
        evidence(None, None),
        VerdictKind.NOT_APPLICABLE,
        ((METADATA, "torch 2.15.0 here is a CPU-only build: it requires nothing of CUDA"),),
    ),
    "a CPU-only build, whatever else is known": Case(
        evidence(None, None, HOPPER, "sm_90"), VerdictKind.NOT_APPLICABLE, ((METADATA, "CPU-only"),)
    ),
    "measured, and NVRTC knows it": Case(evidence(code=BLACKWELL), VerdictKind.NOT_NEEDED, (HAS, KNOWS)),
    "measured, and NVRTC refuses it": Case(evidence("12.8.93", code=BLACKWELL), VerdictKind.NEEDED, (HAS, REFUSES)),
    "measured, and NVRTC is not known": Case(evidence("99.0.1", code=BLACKWELL), VerdictKind.UNDECIDED, (HAS, UNKNOWN)),
    "measured: no code, and NVRTC does not matter": Case(
        evidence(code=HOPPER),
        VerdictKind.BROKEN,
        (
            (
                DEVICE_CODE,
                "torch has no kernel image for 12.1: neither a cubin that runs there nor PTX; it holds sm_80 sm_90",
            ),
        ),
    ),
    "measured: no code, and an old NVRTC": Case(
        evidence("12.8.93", code=HOPPER), VerdictKind.BROKEN, ((DEVICE_CODE, "no kernel image"),)
    ),
    "measured: no code, and an NVRTC that is not known": Case(
        evidence("99.0.1", code=HOPPER), VerdictKind.BROKEN, ((DEVICE_CODE, "no kernel image"),)
    ),
    "measured: PTX alone": Case(
        evidence(code=measured("sm_80 compute_90")),
        VerdictKind.NOT_NEEDED,
        ((DEVICE_CODE, "PTX compute_90 (10 of 10 fatbins run)"), KNOWS),
    ),
    "measured: cubins before PTX": Case(
        evidence(code=measured("sm_120 compute_90")), VerdictKind.NOT_NEEDED, ((DEVICE_CODE, "cubin sm_120"), KNOWS)
    ),
    "measured: newer code than the GPU": Case(
        evidence(code=measured("sm_122 compute_122")), VerdictKind.BROKEN, ((DEVICE_CODE, "no kernel image"),)
    ),
    "measured: code for the very GPU": Case(
        evidence(code=measured("sm_121a")), VerdictKind.NOT_NEEDED, ((DEVICE_CODE, "cubin sm_121a"), KNOWS)
    ),
    "measured in another wheel of the build": Case(
        evidence(code=measured("sm_120", file="torch-2.15.0-cp310-cp310-manylinux_2_28_aarch64.whl")),
        VerdictKind.NOT_NEEDED,
        ((DEVICE_CODE, "in torch-2.15.0-cp310-cp310-manylinux_2_28_aarch64.whl, the same build"), KNOWS),
    ),
    "measured goes before what torch states": Case(
        evidence(code=HOPPER, stated="sm_120"), VerdictKind.BROKEN, ((DEVICE_CODE, "it holds sm_80 sm_90"),)
    ),
    "measured, but it held nothing: what torch states": Case(
        evidence(code=measured(), stated="sm_120"), VerdictKind.NOT_NEEDED, ((STATED, "cubin sm_120"), KNOWS)
    ),
    "stated": Case(
        evidence(stated="sm_80 sm_90 sm_120"),
        VerdictKind.NOT_NEEDED,
        ((STATED, "cubin sm_120, by its own list sm_80 sm_90 sm_120 (its fatbins were not read)"), KNOWS),
    ),
    "stated: the newest that runs": Case(
        evidence(stated="sm_121 sm_120 sm_90"), VerdictKind.NOT_NEEDED, ((STATED, "cubin sm_121,"), KNOWS)
    ),
    "stated: PTX alone": Case(
        evidence(stated="sm_90 compute_80 compute_90"), VerdictKind.NOT_NEEDED, ((STATED, "PTX compute_90,"), KNOWS)
    ),
    "stated: cubins before PTX": Case(
        evidence(stated="compute_120 sm_120"), VerdictKind.NOT_NEEDED, ((STATED, "cubin sm_120,"), KNOWS)
    ),
    "stated, and NVRTC refuses it": Case(
        evidence("12.8.93", stated="sm_120"), VerdictKind.NEEDED, ((STATED, "cubin sm_120"), REFUSES)
    ),
    "stated, and NVRTC is not known": Case(
        evidence("99.0.1", stated="sm_120"), VerdictKind.UNDECIDED, ((STATED, "cubin sm_120"), UNKNOWN)
    ),
    "stated: no code": Case(
        evidence(stated="sm_80 sm_90a sm_120a compute_120a"),
        VerdictKind.BROKEN,
        ((STATED, "it says that it was built for sm_80 sm_90a sm_120a compute_120a"),),
    ),
    "no device code is known": Case(evidence(), VerdictKind.UNDECIDED, (UNREAD, KNOWS)),
    "no device code is known, and why": Case(
        evidence(unread="the server broke off"),
        VerdictKind.UNDECIDED,
        ((CODE, "torch's device code is not known: the server broke off"), KNOWS),
    ),
    "no device code is known, and NVRTC refuses it": Case(evidence("12.8.93"), VerdictKind.NEEDED, (UNREAD, REFUSES)),
    "nothing is known": Case(evidence("99.0.1"), VerdictKind.UNDECIDED, (UNREAD, UNKNOWN)),
    "an NVRTC of its own, by its CUDA": Case(
        evidence(None, "13.0", BLACKWELL),
        VerdictKind.NOT_NEEDED,
        (HAS, (TABLE, "the wheel pins no NVRTC: it brings that of CUDA 13.0 with it; NVRTC 13.0 compiles for sm_121")),
    ),
    "an old NVRTC of its own": Case(
        evidence(None, "12.8", BLACKWELL), VerdictKind.NEEDED, (HAS, (TABLE, "NVRTC 12.8 refuses sm_121 (which one"))
    ),
    "an NVRTC of its own of a CUDA that nobody measured": Case(
        evidence(None, "99.1", BLACKWELL), VerdictKind.UNDECIDED, (HAS, (TABLE, "no NVRTC of CUDA 99.1 was measured"))
    ),
    "proved": Case(
        evidence(code=BLACKWELL, proof=proof()),
        VerdictKind.NOT_NEEDED,
        (HAS, (PROOF, "NVRTC 13.2.86 compiles for sm_121: 2048 bytes of cubin came out")),
    ),
    "proved to refuse": Case(
        evidence("12.8.93", code=BLACKWELL, proof=proof(ok=False)),
        VerdictKind.NEEDED,
        (HAS, (PROOF, f"NVRTC 12.8.93 does not know sm_121: error 5 (NVRTC_ERROR_INVALID_OPTION): {REFUSED}")),
    ),
    "proved to refuse without a word": Case(
        evidence("12.8.93", code=BLACKWELL, proof=proof(ok=False, log="")),
        VerdictKind.NEEDED,
        (HAS, (PROOF, "NVRTC 12.8.93 does not know sm_121: error 5 (NVRTC_ERROR_INVALID_OPTION): no log")),
    ),
    "proved where the table knows nothing": Case(
        evidence("99.0.1", code=BLACKWELL, proof=proof()), VerdictKind.NOT_NEEDED, (HAS, (PROOF, "came out"))
    ),
    "proved to fail strangely": Case(
        evidence(code=BLACKWELL, proof=proof(ok=False, code=6, name="NVRTC_ERROR_COMPILATION", log="boom")),
        VerdictKind.UNDECIDED,
        (HAS, (PROOF, "fails in a way that is not known: error 6 (NVRTC_ERROR_COMPILATION): boom")),
    ),
    "proved, and no device code is known": Case(
        evidence(proof=proof()), VerdictKind.UNDECIDED, (UNREAD, (PROOF, "came out"))
    ),
    "proved, and no device code": Case(
        evidence(code=HOPPER, proof=proof()), VerdictKind.BROKEN, ((DEVICE_CODE, "no kernel image"),)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_foresee(case: Case) -> None:
    prediction = foresee_verdict(case.evidence, NVRTC, GB10)
    texts = [(reason.evidence, reason.text) for reason in prediction.reasons]
    assert prediction.kind is case.kind, texts
    assert prediction.target == GB10
    assert len(texts) == len(case.reasons), texts
    for (source, text), (expected_source, part) in zip(texts, case.reasons, strict=True):
        assert (source, part in text) == (expected_source, True), text


def test_a_failure_that_is_no_refusal_says_nothing_of_the_table() -> None:
    strange = proof(ok=False, code=2, name="NVRTC_ERROR_OUT_OF_MEMORY", log="")
    prediction = foresee_verdict(evidence(code=BLACKWELL, proof=strange), NVRTC, GB10)
    assert prediction.reasons[-1].text.endswith("error 2 (NVRTC_ERROR_OUT_OF_MEMORY): no log")


WRONG = "constraints/nvrtc.toml says otherwise and is wrong: measure it again with `invoke wheel.measure`"


@pytest.mark.parametrize(
    ("version", "ok", "doubt"),
    [
        ("13.2.86", True, False),
        ("13.2.86", False, True),
        ("12.8.93", True, True),
        ("12.8.93", False, False),
        ("99.0.1", True, False),
    ],
)
def test_the_library_itself_goes_before_the_table(version: str, ok: bool, doubt: bool) -> None:  # noqa: FBT001
    prediction = foresee_verdict(evidence(version, code=BLACKWELL, proof=proof(ok=ok)), NVRTC, GB10)
    assert prediction.kind is (VerdictKind.NOT_NEEDED if ok else VerdictKind.NEEDED)
    assert (WRONG in prediction.reasons[-1].text) == doubt


REAL = load_measured(CONSTRAINTS / "devicecode.toml")


@pytest.mark.parametrize(
    ("torch", "architecture", "nvrtc", "sm", "kind"),
    [
        ("2.15.0", "aarch64", "13.2.86", "12.1", VerdictKind.NOT_NEEDED),
        ("2.15.0", "aarch64", "13.2.86", "12.0", VerdictKind.NOT_NEEDED),
        ("2.15.0", "aarch64", "13.2.86", "8.6", VerdictKind.NOT_NEEDED),  # sm_80 runs there
        ("2.15.0", "aarch64", "13.2.86", "7.5", VerdictKind.BROKEN),
        ("2.15.0", "aarch64", "13.2.86", "13.0", VerdictKind.BROKEN),  # no PTX to go on with
        ("2.8.0", "x86_64", "12.8.93", "12.1", VerdictKind.NEEDED),
        ("2.8.0", "x86_64", "12.8.93", "12.0", VerdictKind.NOT_NEEDED),
        ("2.7.1", "x86_64", "12.6.77", "12.1", VerdictKind.BROKEN),
        ("2.7.1", "x86_64", "12.6.77", "9.0", VerdictKind.NOT_NEEDED),
    ],
)
def test_real_wheels_on_real_tables(torch: str, architecture: str, nvrtc: str, sm: str, kind: VerdictKind) -> None:
    (wheel,) = [one for one in REAL.wheels if one.file.split("-")[1] == torch and architecture in one.file]
    target = ComputeCapability.parse(sm)
    both = [evidence(nvrtc, wheel.cuda, wheel), evidence(nvrtc, wheel.cuda, None, wheel.built_for)]
    for one in both:  # what was measured and what torch states come to the same
        assert foresee_verdict(dataclasses.replace(one, filename=wheel.file), NVRTC, target).kind is kind
