"""What making and entering a root file system takes of this machine: root, programs, mounts; debootstrap."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.shell import run

SUITE = "bookworm"


class CannotBuildError(Exception):
    """Something that it takes is not here: the reason is the message."""


def require(programs: Mapping[str, str]) -> None:
    """Make sure that a root file system can be made and entered: programs to the Debian packages that bring them.

    Raises CannotBuildError.
    """
    if os.geteuid() != 0:
        raise CannotBuildError("a root file system needs root")
    for program, package in {"debootstrap": "debootstrap", "unshare": "util-linux", **programs}.items():
        if shutil.which(program) is None:
            raise CannotBuildError(f"{program} is not installed (Debian: {package})")
    if not run(["unshare", "--mount", "mount", "-t", "proc", "proc", "/proc"]).ok:
        raise CannotBuildError("this machine allows no mounts")


def debootstrap(root: Path, *options: str, packages: str) -> None:
    """Fill `root` with a minimal Debian and `packages` (comma-separated). Raises RuntimeError with its output."""
    argv = ["debootstrap", "--variant=minbase", f"--include={packages}", *options, SUITE, str(root)]
    made = run(argv)
    if not made.ok:
        raise RuntimeError(f"debootstrap failed:\n{made.stdout}\n{made.stderr}")
