from __future__ import annotations

from pathlib import Path

import pytest
import uv

from scripts.errors import ExitCode
from scripts.facts.tools import UvNotFoundError, find_uv


def test_uv_on_path_comes_first(tmp_path: Path) -> None:
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_uv({"PATH": str(tmp_path)}) == str(program)


def test_else_the_toolkits_own(tmp_path: Path) -> None:
    assert find_uv({"PATH": str(tmp_path)}) == uv.find_uv_bin()
    assert find_uv({}) == uv.find_uv_bin()


def test_no_uv_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("Could not find the uv binary in any of the following locations")

    monkeypatch.setattr(uv, "find_uv_bin", missing)
    with pytest.raises(UvNotFoundError) as caught:
        find_uv({"PATH": str(tmp_path)})
    assert caught.value.exit_code == ExitCode.BUILD
    assert caught.value.reference == "program-not-found"
    assert "bootstrap.sh" in caught.value.hint
