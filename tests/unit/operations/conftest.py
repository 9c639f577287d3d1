"""What is needed to climb on a made-up machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from scripts.operations import trying
from tests.support.verdicts import Verdicts
from tests.unit.operations.climbs import Builds, Case, Climbing, here
from tests.unit.operations.prebuilt_wheels import torch as torch_wheel


@pytest.fixture
def climbing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(case: Case) -> tuple[Climbing, Case]:
        if case.said.get("wheel") == "WHEELHOUSE":
            folder = tmp_path / "wheelhouse"
            torch_wheel(folder)
            case = dataclasses.replace(case, said={**case.said, "wheel": str(folder)})
        made = Climbing(
            given=here(tmp_path, case.facts, case.web), builds=Builds(case.fails), verdicts=Verdicts(case.verdicts)
        )
        monkeypatch.setattr(trying, "built", made.builds)
        monkeypatch.setattr(trying, "smoked", lambda kept, *_: kept)
        return made, case

    return make
