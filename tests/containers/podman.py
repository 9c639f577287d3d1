"""podman for tests: images, containers and settings in a folder of the tests' own. It has no daemon."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.shell import run
from tests.containers.needs import remove_tree
from tests.support.roots import CannotBuildError

# podman's own defaults ask for limits that root need not have the right to in a virtual machine.
SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
STORAGE = """
[storage]
driver = "{driver}"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
# docker speaks plain HTTP to loopback addresses of itself.
REGISTRIES = """
[[registry]]
prefix = "127.0.0.1"
location = "127.0.0.1"
insecure = true
"""
DRIVERS = ("overlay", "vfs")


@dataclass(frozen=True, kw_only=True)
class PodmanEngine:
    """podman with settings of its own."""

    folder: Path
    name: str = "podman"

    def environ(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Give an environment in which podman uses these settings."""
        return dict(base or os.environ) | {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
        }

    def containers(self) -> list[str]:
        """Name every container that there is, running or not."""
        done = run(["podman", "ps", "--all", "--format", "{{.Names}}"], env=self.environ())
        assert done.ok, done.stderr
        return done.stdout.split()


@contextmanager
def podman_engine() -> Iterator[PodmanEngine]:
    """Write the settings. Raises CannotBuildError, with what podman said, where it does not run here."""
    folder = Path(tempfile.mkdtemp(prefix="kokoro-spark-podman-"))
    engine = PodmanEngine(folder=folder)
    (folder / "containers.conf").write_text(SETTINGS, encoding="utf-8")
    (folder / "registries.conf").write_text(REGISTRIES, encoding="utf-8")
    try:
        for driver in DRIVERS:
            (folder / "storage.conf").write_text(STORAGE.format(driver=driver, folder=folder), encoding="utf-8")
            done = run(["podman", "info"], env=engine.environ())
            if done.ok:
                break
            remove_tree(folder / "graph")
        else:
            raise CannotBuildError(f"podman does not run here: {done.stderr.strip()}")
        yield engine
    finally:
        remove_tree(folder)
