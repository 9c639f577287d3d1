"""What is said before an environment is made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.model.plan import Request
from scripts.operations import providing
from scripts.operations.providing import built
from tests.support.contexts import context
from tests.support.machines import PC
from tests.support.plans import plan, record
from tests.unit.operations.test_environments_in_containers import PLAN


@pytest.mark.parametrize("container", [True, False])
def test_what_stands_against_a_container_is_said_before_its_gigabytes_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, container: bool
) -> None:
    told: list[str] = []

    def build(*_: object) -> object:
        told.append(capsys.readouterr().err)
        return record()

    monkeypatch.setattr(providing, "build", build)
    wanted = dataclasses.replace(PLAN if container else plan(), notes=("docker cannot give a container the GPU",))
    built(wanted, Request(), context(tmp_path, PC), 7)
    assert told == ["note: docker cannot give a container the GPU\n" if container else ""]
