"""What drift prints, and how it exits."""

from __future__ import annotations

import json

from scripts.errors import ExitCode
from scripts.model.drift import BridgeFit, Checked, Drift, DriftFinding, DriftKind, NotReached
from scripts.operations.drift_text import drift_lines
from scripts.serial import to_json

FINDING = DriftFinding(
    kind=DriftKind.NEWER_TORCH,
    what="torch",
    pinned="2.15.0",
    offered="2.16.0",
    where="the default index",
    text="torch 2.16.0 is newer than the pinned 2.15.0, for every locked target",
    to_do="to take it: `invoke lock`",
)
FIT = BridgeFit(kokoro="0.9.4", pinned=True, fits=True, why="")


def drift(*findings: DriftFinding, bridge: tuple[BridgeFit, ...] = (FIT,)) -> Drift:
    return Drift(
        created="2026-11-24",
        findings=findings,
        not_reached=(NotReached(name="cu130", reason="lane.example cannot be reached"),),
        bridge=bridge,
        checked=Checked(projects=145, pins=175, lanes=1),
    )


def test_no_drift() -> None:
    found = drift()
    assert found.exit_code is ExitCode.OK, "a lane that cannot be reached is no drift"
    assert drift_lines(found) == [
        "the bridge fits the pinned kokoro 0.9.4",
        "not reached: cu130: lane.example cannot be reached",
        "no drift, 2026-11-24: 175 pins, 145 projects and 1 index of torch compared, 1 not reached",
    ]


def test_drift() -> None:
    found = drift(FINDING)
    assert found.exit_code is ExitCode.DRIFT
    assert drift_lines(found)[:3] == [
        "newer-torch: torch 2.15.0 -> 2.16.0 (the default index)",
        "  torch 2.16.0 is newer than the pinned 2.15.0, for every locked target",
        "  to take it: `invoke lock`",
    ]
    assert drift_lines(found)[-1].startswith("1 finding, 2026-11-24: ")
    assert drift_lines(drift(FINDING, FINDING))[-1].startswith("2 findings, ")


def test_the_bridge_in_words() -> None:
    unfit = BridgeFit(kokoro="0.9.5", pinned=False, fits=False, why="no exp")
    unknown = BridgeFit(kokoro="0.9.5", pinned=False, fits=None, why="cut")
    assert drift_lines(drift(bridge=(unfit, unknown)))[:2] == [
        "the bridge does not fit the newest kokoro 0.9.5: no exp",
        "whether the bridge fits the newest kokoro 0.9.5 could not be told: cut",
    ]


def test_one_document() -> None:
    data = json.loads(to_json(drift(FINDING)))
    assert data["schema"] == 1
    assert data["findings"][0]["kind"] == "newer-torch"
    assert data["checked"] == {"projects": 145, "pins": 175, "lanes": 1}
    assert set(data) == {"schema", "created", "findings", "not_reached", "bridge", "checked"}
