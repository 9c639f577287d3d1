"""What a machine does not let us look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.builds.machine import read_machine


def test_a_folder_that_may_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, **_said: object) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refuse)
    assert read_machine(tmp_path / "theirs", read=lambda _path: None).disk_free is None
