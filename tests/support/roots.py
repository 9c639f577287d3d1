"""What making and entering a root file system takes of this machine: root, programs, mounts; debootstrap."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.disk import SPACE_HINT
from scripts.errors import BuildError, DiskError, SparkError
from scripts.shell import Completed, run
from tests.support.full_disk import says_disk_is_full

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
    """Fill `root` with a minimal Debian and `packages` (comma-separated). Raises what not_made gives."""
    argv = ["debootstrap", "--variant=minbase", f"--include={packages}", *options, SUITE, str(root)]
    made = run(argv)
    if not made.ok:
        log = root / "debootstrap" / "debootstrap.log"  # its output often names a consequence, this the cause
        raise not_made(made, log.read_text(encoding="utf-8", errors="replace") if log.is_file() else "")


def not_made(done: Completed, log: str = "") -> SparkError:
    """Give the error that a failed program means for the root file system: DiskError, or BuildError with its words."""
    words = "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip(), log.strip())))
    context = "\n".join(words.splitlines()[-15:]) or f"it said nothing and ended with {done.returncode}"
    message = f"{done.argv[0]} made no root file system"
    if says_disk_is_full(words):
        return DiskError(f"{message}: there is no space left", context=context, reference="disk-full", hint=SPACE_HINT)
    return BuildError(
        message,
        context=context,
        reference="no-root-file-system",
        hint=f"the lines above are {done.argv[0]}'s own; it downloads from Debian's mirror: check the network",
    )
