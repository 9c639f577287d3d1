"""What the first probe tells: where packages are, and whether a simulator is in the process already."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from scripts.inside import loaded
from scripts.inside.device import SIMULATOR_MARK
from scripts.inside.installed import run


def test_it_tells_this_interpreter() -> None:
    answer = run({})
    assert answer["prefix"] == sys.prefix
    assert answer["simulated"] is False


@pytest.mark.parametrize("prefix", ["libcuda.so", "libcudart.so", "libcudart-"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_simulator_is_told_by_a_symbol(monkeypatch: pytest.MonkeyPatch, prefix: str, *, marked: bool) -> None:
    library = SimpleNamespace(**{SIMULATOR_MARK if marked else "cuInit": 1})
    monkeypatch.setattr(loaded, "mapped", lambda wanted: [f"/stand-in/{prefix}"] if wanted == prefix else [])
    monkeypatch.setattr(loaded, "already_loaded", lambda _path: library)
    assert run({})["simulated"] is marked
