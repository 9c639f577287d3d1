from __future__ import annotations

from pathlib import Path

import pytest
import uv

from scripts.errors import ExitCode
from scripts.facts.tools import UvNotFoundError, find_uv


def program(folder: Path) -> Path:
    found = folder / "uv"
    found.write_text("#!/bin/sh\n")
    found.chmod(0o755)
    return found


def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("Could not find the uv binary in any of the following locations")

    monkeypatch.setattr(uv, "find_uv_bin", missing)


def test_the_toolkits_pinned_uv_comes_first(tmp_path: Path) -> None:
    program(tmp_path)
    assert find_uv({"PATH": str(tmp_path)}) == uv.find_uv_bin()


def test_else_the_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_package(monkeypatch)
    expected = str(program(tmp_path))
    assert find_uv({"PATH": str(tmp_path)}) == expected


def test_no_uv_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_package(monkeypatch)
    with pytest.raises(UvNotFoundError) as caught:
        find_uv({"PATH": str(tmp_path)})
    assert caught.value.exit_code == ExitCode.BUILD
    assert caught.value.reference == "program-not-found"
    assert "bootstrap.sh" in caught.value.hint
