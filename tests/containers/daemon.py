"""A docker engine of the tests' own: its folders, its socket, and nothing of the machine's network.

    with docker_engine(nvidia=StandIns(...)) as engine:
        run(["docker", "version"], env=engine.environ())

Exactly this dockerd is ended, by its process; whatever else runs on the machine is left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.shell import run
from tests.containers.needs import remove_tree
from tests.containers.nvidia import StandIns
from tests.support.roots import CannotBuildError

DRIVERS = ("overlay2", "vfs")
"""Storage drivers, the fast one first."""
_START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class DockerEngine:
    """A dockerd that runs."""

    folder: Path
    nvidia: StandIns | None
    name: str = "docker"

    @property
    def socket(self) -> Path:
        return self.folder / "docker.sock"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def environ(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Give an environment in which docker's client finds this engine, and a configuration that is nobody's."""
        given = {name: value for name, value in (base or os.environ).items() if not name.startswith("DOCKER_")}
        return given | {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.folder / "client")}

    def containers(self) -> list[str]:
        """Name every container that there is, running or not."""
        done = run(["docker", "ps", "--all", "--format", "{{.Names}}"], env=self.environ())
        assert done.ok, done.stderr
        return done.stdout.split()


@contextmanager
def docker_engine(*, nvidia: StandIns | None = None, data: Path | None = None) -> Iterator[DockerEngine]:
    """Start a dockerd, and end it. `nvidia` None: nothing of NVIDIA's. `data` is where images go (None: its folder).

    Raises CannotBuildError, with what dockerd said, where it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="kokoro-spark-docker-"))  # a socket's path is short
    folder.chmod(0o755)  # so that another user is refused by the socket itself
    engine = DockerEngine(folder=folder, nvidia=nvidia)
    process = None
    try:
        for driver in DRIVERS:
            process = _start(engine, data or folder / "data", driver)
            if _is_up(engine, process):
                break
            _end(process)
            process = None
        else:
            raise CannotBuildError(f"dockerd does not start here: {_last_words(engine.log)}")
        yield engine
    finally:
        if process is not None:
            _end(process)
        remove_tree(folder)


def _start(engine: DockerEngine, data: Path, driver: str) -> subprocess.Popen[bytes]:
    folder = engine.folder
    argv = ["dockerd", "--data-root", str(data), "--exec-root", str(folder / "exec"), "--storage-driver", driver]
    argv += ["--pidfile", str(folder / "pid"), "--host", f"unix://{engine.socket}", "--config-file", os.devnull]
    argv += ["--iptables=false", "--ip6tables=false", "--bridge=none"]
    path = os.environ.get("PATH", os.defpath)
    if engine.nvidia is not None:
        programs = engine.nvidia.write(folder / "nvidia")
        argv += ["--add-runtime", f"nvidia={programs / 'nvidia-container-runtime'}", "--default-runtime", "nvidia"]
        path = f"{programs}{os.pathsep}{path}"
    argv[argv.index(os.devnull)] = str(_configuration(folder))
    with engine.log.open("wb") as log:
        return subprocess.Popen(
            argv,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _configuration(folder: Path) -> Path:
    """Write an empty configuration: the machine's own may say anything."""
    file = folder / "daemon.json"
    file.write_text("{}\n", encoding="utf-8")
    return file


def _is_up(engine: DockerEngine, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if run(["docker", "version"], env=engine.environ()).ok:
            return True
        time.sleep(0.2)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a dockerd, which ends its containerd and its containers."""
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return "\n".join(text.strip().splitlines()[-5:])


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a small file system of its own, on a loop device where there are some, else in memory.

    Raises CannotBuildError where neither can be mounted.
    """
    folder = Path(tempfile.mkdtemp(prefix="kokoro-spark-disk-"))
    place, image = folder / "mounted", folder / "image"
    place.mkdir()
    try:
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        loop = bool(shutil.which("mkfs.ext4")) and run(["mkfs.ext4", "-q", str(image)]).ok
        mounted = loop and run(["mount", "-o", "loop", str(image), str(place)]).ok
        if not mounted and not run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]).ok:
            raise CannotBuildError("this machine mounts neither a loop device nor a file system in memory")
        yield place
    finally:
        remove_tree(folder)
