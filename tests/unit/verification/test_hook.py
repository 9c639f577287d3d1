"""What a report says of the bridge's hook."""

from __future__ import annotations

import dataclasses

import pytest

from scripts.model.evidence import Observation, VerdictKind
from scripts.verification.evidence import Evidence
from scripts.verification.hook import hook_notes
from tests.unit.verification.cases import passed, spoke


def evidence(*, there: bool, on: bool) -> Evidence:
    return Evidence.of([passed("integrity", hook=there), with_hook(spoke("stock", "cuda"), on=on)])


def with_hook(observation: Observation, *, on: bool) -> Observation:
    detail = {**observation.detail, **({"hook": "switched off"} if on else {})}
    return dataclasses.replace(observation, detail=detail)


@pytest.mark.parametrize("kind", VerdictKind)
def test_without_a_hook_nothing_is_said(kind: VerdictKind) -> None:
    assert hook_notes(evidence(there=False, on=False), kind) == ()


def test_it_was_on_and_was_switched_off() -> None:
    (note,) = hook_notes(evidence(there=True, on=True), VerdictKind.NEEDED)
    assert "was switched off: kokoro.stock.cuda" in note


def test_it_may_go() -> None:
    switched_off, may_go = hook_notes(evidence(there=True, on=True), VerdictKind.NOT_NEEDED)
    assert "switched off" in switched_off
    assert "may go: `invoke bridge.disable`" in may_go


def test_it_may_go_where_a_variable_had_it_off() -> None:
    (note,) = hook_notes(evidence(there=True, on=False), VerdictKind.NOT_NEEDED)
    assert "may go" in note
