"""The gatherer with real processes: this machine, and one whose programs are broken, slow or wrong."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from scripts.facts.gather import gather
from scripts.facts.interpreters import find_interpreters
from scripts.home import CHECKOUT, Home
from scripts.shell import run

pytestmark = pytest.mark.integration

CAPTURES = CHECKOUT / "tests" / "data" / "captures"


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A PATH with our programs before the system's, and nobody's configuration."""
    (tmp_path / "bin").mkdir()
    folders = [str(tmp_path / "bin"), *os.environ["PATH"].split(os.pathsep)]
    return {"PATH": os.pathsep.join(folders), "HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}


def test_this_machine(environ: dict[str, str], tmp_path: Path) -> None:
    facts = gather(run, Home(root=tmp_path / "data"), environ)
    assert facts.host.architecture == platform.machine()
    assert facts.host.libc_version == platform.libc_ver()[1]
    assert facts.host.memory_total is not None
    assert facts.host.cpu_count >= 1
    assert facts.uv_version is not None
    assert facts.disk.writable
    ours = [one for one in facts.host.interpreters if one.path == str(Path(sys.executable).resolve())]
    assert [one.version for one in ours] == [platform.python_version()]


def test_a_gb10s_nvidia_smi(environ: dict[str, str], tmp_path: Path) -> None:
    captured = CAPTURES / "nvidia-smi"
    script = f'#!/bin/sh\ncase "$1" in --query-gpu=*) cat {captured}/gb10.query.txt ;; *) cat {captured}/gb10.table.txt ;; esac\n'  # noqa: E501 - one script
    program(tmp_path / "bin" / "nvidia-smi", script)
    gpu = gather(run, Home(root=tmp_path), environ).gpu
    assert [(one.name, one.unified_memory) for one in gpu.gpus] == [("NVIDIA GB10", True)]
    assert (gpu.driver_version, gpu.cuda_version, gpu.problem) == ("580.126.09", "13.0", None)


def test_a_failing_nvidia_smi(environ: dict[str, str], tmp_path: Path) -> None:
    message = CAPTURES / "nvidia-smi" / "no-driver.txt"
    program(tmp_path / "bin" / "nvidia-smi", f"#!/bin/sh\ncat {message}\nexit 9\n")
    gpu = gather(run, Home(root=tmp_path), environ).gpu
    assert gpu.problem == "the NVIDIA kernel module is not loaded"


def test_programs_of_another_machine_are_absent(environ: dict[str, str], tmp_path: Path) -> None:
    for name in ("nvidia-smi", "docker", "podman", "python3.12"):
        program(tmp_path / "bin" / name, "\x7fELF no program at all")
    facts = gather(run, Home(root=tmp_path), environ)
    assert facts.gpu.problem is None
    assert facts.engines == ()
    assert str(tmp_path / "bin" / "python3.12") not in [one.path for one in facts.host.interpreters]


def test_a_python_that_hangs_is_left_out(environ: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin" / "python3.11", "#!/bin/sh\nexec sleep 60\n")
    found = find_interpreters(run, {**environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})
    assert str(tmp_path / "bin" / "python3.11") not in [one.path for one in found]
    assert str(Path(sys.executable).resolve()) in [one.path for one in found]
