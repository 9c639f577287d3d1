from __future__ import annotations

import dataclasses

import pytest

from scripts.errors import BrokenError, UsageError
from scripts.model.evidence import Observation, Outcome
from scripts.verification.causes import Cause
from tests.simulated_gpu.seed_story import (
    ORIGINAL,
    REMEDIES,
    Attempt,
    Remedy,
    remedy_named,
    require_expected,
    seed_failure_lines,
    tell,
    to_attempt,
)

JITERATOR = f"#define POS_INFINITY\ntemplate <typename T> T abs_kernel(T x)\n{ORIGINAL}\n"


def attempt(**changes: object) -> Attempt:
    failed = Observation(
        probe="kokoro",
        outcome=Outcome.FAILED,
        error=f"RuntimeError: {JITERATOR}",
        detail={"failed_operation": "abs", "kernels": []},
        seconds=9.0,
    )
    return dataclasses.replace(to_attempt("stock Kokoro", failed), **changes)  # type: ignore[arg-type]


STOCK = attempt()
KERNELS = ("abs_kernel_vectorized2_arch12.1_nvrtc12.9_sass_1_2",)


def expected(remedy: Remedy) -> Attempt:
    """What is to be seen with a remedy."""
    if not remedy.repairs:
        return attempt(label=remedy.label, failed_in=remedy.fails_in)
    kernels = () if remedy.mode == "bridged" else KERNELS
    return attempt(label=remedy.label, works=True, cause=None, error="", failed_in="", kernels=kernels)


def test_the_error_is_the_notes_own() -> None:
    assert (STOCK.works, STOCK.cause, STOCK.error) == (False, Cause.UNKNOWN_ARCHITECTURE, ORIGINAL)


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda one: one.name)
def test_what_each_remedy_does(remedy: Remedy) -> None:
    found = tell("NVIDIA GB10", "2.9.1", STOCK, remedy, expected(remedy))
    require_expected(found)
    assert remedy.sentence in found.sentence
    lines = seed_failure_lines(found)
    assert lines[1].startswith("SIMULATED")
    assert lines[-1] == f"Shown: {found.sentence}."


def test_the_failure_alone() -> None:
    found = tell("NVIDIA GB10", "2.9.1", STOCK, None, None)
    require_expected(found)
    assert "  " + ORIGINAL in seed_failure_lines(found)


@pytest.mark.parametrize("stock", [attempt(works=True, cause=None), attempt(cause=Cause.NO_KERNEL_IMAGE, error="no")])
def test_another_failure_is_not_the_failure(stock: Attempt) -> None:
    found = tell("NVIDIA GB10", "2.9.1", stock, None, None)
    with pytest.raises(BrokenError) as caught:
        require_expected(found)
    assert caught.value.reference == "not-reproduced"
    assert not found.sentence
    assert seed_failure_lines(found)[-1].startswith("Not as expected: ")


BRIDGE, TRANSFORM, SPOOF, OVERRIDE = REMEDIES


@pytest.mark.parametrize(
    ("remedy", "seen", "said"),
    [
        (BRIDGE, STOCK, "fails, and should work"),
        (BRIDGE, dataclasses.replace(expected(BRIDGE), kernels=KERNELS), "1 kernels were compiled"),
        (TRANSFORM, expected(BRIDGE), "works, and should fail"),
        (TRANSFORM, STOCK, "fails in abs, not exp"),
        (SPOOF, attempt(failed_in=""), "an unknown operation"),
        (SPOOF, attempt(cause=Cause.CRASHED, error="died"), "fails in another way: died"),
        (OVERRIDE, dataclasses.replace(expected(OVERRIDE), kernels=()), "0 kernels were compiled"),
    ],
)
def test_what_is_not_as_it_should_be(remedy: Remedy, seen: Attempt, said: str) -> None:
    assert said in tell("NVIDIA GB10", "2.9.1", STOCK, remedy, seen).surprise


def test_remedies_by_name() -> None:
    assert remedy_named(None) is None
    assert remedy_named(" Bridge ") is BRIDGE
    with pytest.raises(UsageError) as caught:
        remedy_named("prayer")
    assert "transform-only" in caught.value.hint
