"""What the aarch64 machine takes: whatever is missing is the reason that is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import BuildError, DiskError
from scripts.home import Home
from scripts.shell import Completed
from tests.simulated_gpu.arm64.entering import QEMU
from tests.simulated_gpu.arm64.machine import ArmMachine, require_arm_machine
from tests.support import roots
from tests.support.roots import CannotBuildError


class Here:
    """A machine that has everything, but for what is taken away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.missing: set[str] = set()
        self.mounts = True
        self.log = ""
        is_file = Path.is_file
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(shutil, "which", lambda name: None if name in self.missing else f"/usr/bin/{name}")
        monkeypatch.setattr(roots, "run", self.run)
        monkeypatch.setattr(Path, "is_file", lambda path: str(path) == QEMU or is_file(path))

    def run(self, argv: Sequence[str], **_options: Any) -> Completed:
        """Allow mounts, or not; let debootstrap fail after it wrote its log."""
        if argv[0] == "debootstrap":
            folder = Path(argv[-1]) / "debootstrap"
            folder.mkdir()
            (folder / "debootstrap.log").write_text(self.log)
            return Completed(argv=tuple(argv), returncode=1, stdout="E: file exists\n", stderr="", seconds=0.0)
        code = 0 if self.mounts else 32
        return Completed(argv=tuple(argv), returncode=code, stdout="", stderr="", seconds=0.0)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    return Here(monkeypatch)


def reason(tmp_path: Path) -> str:
    with pytest.raises(CannotBuildError) as caught:
        ArmMachine.build(Home(root=tmp_path))
    assert list(tmp_path.iterdir()) == []  # told before anything is made
    return str(caught.value)


def test_with_all_of_it_nothing_is_said(here: Here) -> None:
    require_arm_machine()


def test_not_root(here: Here, tmp_path: Path) -> None:
    here.monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert reason(tmp_path) == "a root file system needs root"


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("debootstrap", "debootstrap"),
        ("qemu-aarch64-static", "qemu-user-static"),
        ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
        ("dpkg-deb", "dpkg"),
        ("unshare", "util-linux"),
    ],
)
def test_no_such_program(program: str, package: str, here: Here, tmp_path: Path) -> None:
    here.missing = {program}
    assert reason(tmp_path) == f"{program} is not installed (Debian: {package})"


def test_no_mounts(here: Here, tmp_path: Path) -> None:
    here.mounts = False
    assert reason(tmp_path) == "this machine allows no mounts"


@pytest.mark.parametrize(
    ("log", "kind", "reference"),
    [
        ("tar: ./usr: Cannot write: No space left on device\n", DiskError, "disk-full"),
        ("wget: unable to resolve host address\n", BuildError, "no-root-file-system"),
        ("", BuildError, "no-root-file-system"),
    ],
)
def test_a_root_that_is_not_made(log: str, kind: type[Exception], reference: str, here: Here, tmp_path: Path) -> None:
    """The cause is in debootstrap's log, and is told; nothing is left of it."""
    here.log = log
    with pytest.raises((BuildError, DiskError)) as caught:
        ArmMachine.build(Home(root=tmp_path))
    assert isinstance(caught.value, kind)
    assert caught.value.reference == reference
    assert log.strip() in caught.value.context
    assert "E: file exists" in caught.value.context
    assert caught.value.hint
    assert list((tmp_path / "cache" / "simulated-gpu" / "made").iterdir()) == []
