"""Where an environment runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.container import ContainerPlace
from scripts.environments.store import Entry
from scripts.home import CHECKOUT
from scripts.place import Here
from tests.support.contexts import context
from tests.support.machines import PC, SPARK
from tests.support.plans import CONTAINER, record


def test_a_venv_runs_here(tmp_path: Path) -> None:
    entry = Entry(tmp_path / "env", record())
    made = context(tmp_path, PC)
    assert made.place(entry) == Here(python=entry.python, run=made.run)


@pytest.mark.parametrize("gpu", [True, False])
def test_a_container_sees_what_it_works_with(tmp_path: Path, *, gpu: bool) -> None:
    made = context(tmp_path, SPARK if gpu else PC)
    out = tmp_path / "out"
    out.mkdir()
    place = made.place(Entry(tmp_path / "env", record(container=CONTAINER)), folders=[out])
    assert isinstance(place, ContainerPlace)
    assert (place.run.image, place.image, place.run.gpu) == ("sha256:ab", "kokoro-spark/ngc:1", gpu)
    assert [(one.folder, one.writable) for one in place.run.mounts] == [
        (CHECKOUT, False),
        (tmp_path / "data", True),
        (out, True),
    ]
