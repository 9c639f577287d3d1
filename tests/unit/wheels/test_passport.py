from __future__ import annotations

from pathlib import Path

import pytest

from scripts.model.target import GB10, ComputeCapability
from scripts.serial import from_data, to_data
from scripts.wheels.devicecode import DeviceCode, read_device_code
from scripts.wheels.passport import (
    Fit,
    LibraryPassport,
    Passport,
    architecture_fit,
    judge,
    most_device_code,
    with_code,
)

FATBINS = Path(__file__).parents[2] / "data" / "fatbins"


def code(**fatbins: int) -> DeviceCode:
    return DeviceCode(library="lib.so", fatbins={content.replace("__", " "): n for content, n in fatbins.items()})


@pytest.mark.parametrize(
    ("found", "capability", "fit", "words"),
    [
        (code(sm_120=10), "12.0", Fit.RUNS, "10 of 10 fatbins hold code that runs there, most of them cubin sm_120"),
        (code(sm_120=475, sm_120__sm_121a=1), "12.1", Fit.SAME_MAJOR, "476 of 476"),
        (code(sm_120=475, sm_120__sm_121a=1), "12.0", Fit.RUNS, "476 of 476"),
        (code(sm_121a=5), "12.1", Fit.RUNS, "5 of 5"),
        (code(sm_120f=5), "12.1", Fit.SAME_MAJOR, "cubin sm_120f"),
        (code(sm_80__compute_90=3), "12.1", Fit.JIT, "PTX compute_90"),
        (code(sm_90=7), "12.1", Fit.NO, "none of 7 fatbins holds code for 12.1"),
        (code(sm_90=475, sm_121a=1), "12.1", Fit.NO, "only 1 of 476 fatbins hold code for 12.1 (cubin sm_121a)"),
        (DeviceCode(library="l", fatbins={}), "12.1", None, "no fatbins"),
        (DeviceCode(library="l", fatbins={"": 30}), "12.1", None, "all 30 fatbins hold only LTO code"),
        (DeviceCode(library="l", fatbins={"": 30, "sm_120": 2}), "12.1", Fit.SAME_MAJOR, "30 more hold only LTO code"),
        (None, "12.1", Fit.UNKNOWN, "not known"),
    ],
)
def test_the_four_answers(found: DeviceCode | None, capability: str, fit: Fit | None, words: str) -> None:
    judgement = judge(found, ComputeCapability.parse(capability))
    assert judgement.fit == fit
    assert words in judgement.why


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (code(sm_121a=317, sm_90=292), "317 of 609"),
        (code(sm_120=475, sm_120__sm_121a=1), ""),  # torch's: all
        (code(sm_90=475, sm_121a=1), ""),  # too few: it does not run
        (code(sm_90=7), ""),
        (DeviceCode(library="l", fatbins={"": 30, "sm_120": 2}), ""),  # what is not judged is no part
        (DeviceCode(library="l", fatbins={"": 30, "sm_120": 2, "sm_90": 1}), "2 of 33"),
    ],
)
def test_in_part(found: DeviceCode, part: str) -> None:
    assert judge(found, GB10).part == part


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("plain.so", Fit.RUNS),  # one fatbin, with sm_121a in it
        ("compressed.so", Fit.SAME_MAJOR),
        ("relocatable.so", Fit.SAME_MAJOR),
        ("hopper.so", Fit.NO),
    ],
)
def test_real_libraries_on_gb10(name: str, fit: Fit) -> None:
    assert judge(read_device_code(FATBINS / name), GB10).fit is fit


@pytest.mark.parametrize(
    ("arch", "fit"),
    [
        ("sm_121a", Fit.RUNS),
        ("sm_120", Fit.SAME_MAJOR),
        ("sm_120a", Fit.NO),
        ("compute_120", Fit.JIT),
        ("compute_121", Fit.JIT),
        ("sm_90", Fit.NO),
    ],
)
def test_one_architecture(arch: str, fit: Fit) -> None:
    assert architecture_fit(arch, GB10) is fit


def made(library: str, found: DeviceCode | None) -> LibraryPassport:
    return with_code(library, found, GB10, size=10, packed=5, known="read here")


def test_the_library_with_most_device_code_speaks() -> None:
    small, large, none = made("a", code(sm_90=1)), made("b", code(sm_120=9)), made("c", None)
    assert most_device_code([small, large, none]) is large
    assert most_device_code([none]) is None


def test_a_passport_is_data() -> None:
    passport = Passport(
        file="demo.whl",
        source="demo.whl",
        target="cp312",
        size=1,
        sha256=None,
        sha256_from="",
        capability="12.1",
        rule="",
        fit=Fit.NO,
        libraries=(made("b", code(sm_90=9)),),
    )
    data = to_data(passport)
    assert (data["schema"], data["fit"], data["libraries"][0]["cubins"]) == (1, "does not run", {"sm_90": 9})
    assert from_data(Passport, data, what="passport") == passport
