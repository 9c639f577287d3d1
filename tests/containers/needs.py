"""What this tier takes of a machine, and how it says so where it is missing; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.shell import run
from tests.support.roots import CannotBuildError, require

DOCKER = {"dockerd": "docker.io", "docker": "docker.io", "runc": "runc", "debootstrap": "debootstrap", "tar": "tar"}
PODMAN = {"podman": "podman", "debootstrap": "debootstrap", "tar": "tar"}
"""Programs to the Debian packages that bring them."""


@contextmanager
def needing(programs: Mapping[str, str]) -> Iterator[None]:
    """Skip, with its reason, what cannot be done here; in CI, which installs it all, that is a failure."""
    try:
        require(programs)
        yield
    except CannotBuildError as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))


def remove_tree(folder: Path) -> None:
    """Delete a folder that an engine worked in: what it left mounted there first, the innermost first."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for place in reversed([one for one in mounted if Path(one).is_relative_to(folder)]):
        run(["umount", "--lazy", place])
    shutil.rmtree(folder, ignore_errors=True)
