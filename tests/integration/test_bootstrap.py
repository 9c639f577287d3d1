"""scripts/bootstrap.sh against a real index: made once, reused, safe to kill, and every refusal reads as help."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from uv import find_uv_bin

from scripts.errors import ExitCode
from scripts.home import CHECKOUT
from scripts.shell import Completed, run

pytestmark = pytest.mark.integration

PYTHON = Path(sys.base_prefix, "bin", "python3")
PROGRAMS = "sh sed cat grep cut uniq tail df tr sha256sum mktemp mkdir rm mv find sleep dirname"
TASKS = """
import os
import sys
from pathlib import Path
from invoke.exceptions import Exit
from invoke.tasks import task

@task
def hello(c, to="world"):
    Path("hello.txt").write_text(to)
    print("hello", to, sys.flags.isolated)

@task
def called(c):
    print(os.environ["KOKORO_SPARK_COMMAND"])

@task
def undecided(c):
    raise Exit("undecided", 20)
"""


@dataclass
class Machine:
    """A small checkout of its own, and a PATH with nothing on it but what we put there."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("checkout/scripts", "bin", "elsewhere"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(CHECKOUT / "scripts/bootstrap.sh", self.root / "checkout/scripts")
        shutil.copytree(CHECKOUT / "constraints", self.root / "checkout/constraints")
        (self.root / "checkout/tasks.py").write_text(TASKS)
        for name in PROGRAMS.split():
            program = shutil.which(name)
            assert program is not None, name
            (self.root / "bin" / name).symlink_to(program)

    @property
    def home(self) -> Path:
        return self.root / "home"

    def program(self, name: str, text: str) -> None:
        """Put a shell script on the PATH."""
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def with_python(self) -> Machine:
        self.program("python3", f'exec {shlex.quote(str(PYTHON))} "$@"')
        return self

    def with_uv(self) -> Machine:
        self.program("uv", f'exec {shlex.quote(find_uv_bin())} "$@"')
        return self

    def with_only_uv(self) -> Machine:
        """No python3 at all, and a uv that has got one."""
        (self.root / "bin/python3").unlink(missing_ok=True)
        version = ".".join(str(part) for part in sys.version_info[:3])
        managed = self.root / f"managed/cpython-{version}-linux-{os.uname().machine}-gnu"
        managed.mkdir(parents=True)
        for name in ("bin", "lib"):
            (managed / name).symlink_to(Path(sys.base_prefix, name))
        self.variables["UV_PYTHON_INSTALL_DIR"] = str(managed.parent)
        return self.with_uv()

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        return {
            **kept,
            "PATH": str(self.root / "bin"),
            "KOKORO_SPARK_HOME": str(self.home),
            **self.variables,
        }

    def argv(self, *arguments: str) -> list[str]:
        return ["sh", str(self.root / "checkout/scripts/bootstrap.sh"), *arguments]

    def bootstrap(self, *arguments: str) -> Completed:
        return run(self.argv(*arguments), env=self.environ(), cwd=self.root / "elsewhere")

    def made(self) -> list[str]:
        return sorted(path.name for path in self.home.iterdir()) if self.home.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def the_only(machine: Machine) -> Path:
    (name,) = machine.made()
    assert name.startswith("toolkit-")
    assert not name.endswith(".tmp")
    return machine.home / name


@pytest.mark.parametrize("maker", ["pip", "uv"])
def test_makes_one_environment_then_reuses_it(machine: Machine, maker: str) -> None:
    machine.with_python()
    if maker == "uv":
        machine.with_uv()
        machine.program("python3", f'case "$*" in *"-m venv"*) exit 1 ;; esac; exec {shlex.quote(str(PYTHON))} "$@"')
    first = machine.bootstrap("hello", "--to", "Spark")
    assert first.returncode == 0, first.stderr
    assert first.stdout == "hello Spark 1\n"
    assert "making its private environment" in first.stderr
    made = the_only(machine).stat()

    again = machine.bootstrap("hello")
    assert (again.returncode, again.stdout, again.stderr) == (0, "hello world 1\n", "")
    assert the_only(machine).stat() == made


def test_uv_alone_is_enough(machine: Machine) -> None:
    result = machine.with_only_uv().bootstrap("hello")
    assert result.returncode == 0, result.stderr
    the_only(machine)


def test_uv_alone_that_can_get_no_python(machine: Machine) -> None:
    machine.with_uv()
    machine.variables |= {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON_INSTALL_DIR": str(machine.root / "none")}
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.NETWORK
    assert "Python 3.11 or newer is needed, and uv could not get one" in result.stderr
    assert machine.made() == []


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine whose environment is there."""
    machine = Machine(tmp_path_factory.mktemp("ready")).with_python().with_uv()
    assert machine.bootstrap("hello").returncode == 0
    return machine


def test_passes_exit_codes_and_keeps_the_callers_folder(ready: Machine) -> None:
    assert ready.bootstrap("undecided").returncode == ExitCode.UNDECIDED
    assert (ready.root / "elsewhere/hello.txt").read_text() == "world"
    assert not (ready.root / "checkout/hello.txt").exists()


def test_no_argument_prints_the_usage_and_the_tasks(ready: Machine) -> None:
    result = ready.bootstrap()
    assert result.returncode == 0
    assert "usage: sh scripts/bootstrap.sh TASK" in result.stderr
    assert "undecided" in result.stdout


def test_help_of_a_task_is_invoke_s(ready: Machine) -> None:
    result = ready.bootstrap("--help", "hello")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--to" in result.stdout


def test_tasks_are_told_how_they_were_called(ready: Machine) -> None:
    assert ready.bootstrap("called").stdout == f"sh {ready.argv()[-1]}\n"


def test_a_pythonpath_for_another_python_does_not_reach_the_toolkit(ready: Machine) -> None:
    poison = ready.root / "poison"
    poison.mkdir()
    (poison / "invoke.py").write_text("raise SystemExit('the wrong invoke')")
    ready.variables["PYTHONPATH"] = str(poison)
    try:
        assert ready.bootstrap("hello").returncode == 0
    finally:
        del ready.variables["PYTHONPATH"]


def test_changed_pins_make_a_new_environment(machine: Machine) -> None:
    machine.with_python().with_uv()
    assert machine.bootstrap("hello").returncode == 0
    pins = machine.root / "checkout/constraints/toolkit.txt"
    pins.write_text(pins.read_text() + "# one more line\n")
    assert machine.bootstrap("hello").returncode == 0
    assert len(machine.made()) == 2


def test_an_environment_that_a_system_upgrade_broke_is_made_again(machine: Machine) -> None:
    machine.with_python().with_uv()
    assert machine.bootstrap("hello").returncode == 0
    shutil.rmtree(next(the_only(machine).glob("lib/python*/site-packages/invoke")))
    assert machine.bootstrap("hello").returncode == 0
    the_only(machine)


def test_the_users_pip_configuration_cannot_break_it(machine: Machine) -> None:
    machine.with_python()
    (machine.root / "held-back.txt").write_text("requests==2.0.0\n")
    configuration = machine.root / "pip.conf"
    configuration.write_text(f"[global]\nconstraint = {machine.root}/held-back.txt\n[install]\nuser = true\n")
    machine.variables["PIP_CONFIG_FILE"] = str(configuration)
    result = machine.bootstrap("hello")
    assert result.returncode == 0, result.stderr


def test_two_at_once(machine: Machine) -> None:
    machine.with_python().with_uv()
    both = [
        subprocess.Popen(machine.argv("hello"), env=machine.environ(), cwd=machine.root / "elsewhere", stderr=-1)
        for _ in range(2)
    ]
    outcomes = [(process.communicate()[1].decode(), process.returncode) for process in both]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    the_only(machine)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_on_the_way_then_run_again(machine: Machine, number: signal.Signals) -> None:
    machine.with_python().with_uv()
    machine.program("uv", f'case "$1" in pip) sleep 60 ;; esac; exec {shlex.quote(find_uv_bin())} "$@"')
    process = subprocess.Popen(machine.argv("hello"), env=machine.environ(), stderr=subprocess.DEVNULL, process_group=0)
    wait_until(lambda: any(machine.home.glob("toolkit-*.tmp/env/bin/python")))
    os.killpg(process.pid, number)
    process.wait()
    left = machine.made()
    assert all(name.endswith(".tmp") for name in left)
    assert (left == []) == (number == signal.SIGTERM)

    for name in left:  # older than any run that is still alive
        os.utime(machine.home / name, (0, 0))
    assert machine.with_uv().bootstrap("hello").returncode == 0
    the_only(machine)


def wait_until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened in a minute"
        time.sleep(0.02)


def test_an_unreachable_index(machine: Machine) -> None:
    machine.with_python()
    machine.variables |= {
        "PIP_INDEX_URL": "http://reader:secret@127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
    }
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.NETWORK
    assert "the package index could not be reached" in result.stderr
    assert "HTTPS_PROXY" in result.stderr
    assert "secret" not in result.stderr
    assert len(result.stderr.splitlines()) < 20
    assert machine.made() == []


@pytest.mark.parametrize("maker", ["pip", "uv"])
def test_a_package_that_is_not_the_pinned_one(machine: Machine, maker: str) -> None:
    machine.with_python()
    if maker == "uv":
        machine.with_only_uv()
    pins = machine.root / "checkout/constraints/toolkit.txt"
    name, _, _ = pins.read_text().partition(" ")
    pins.write_text(f"{name} --hash=sha256:{'0' * 64}\n")
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.INTEGRITY, result.stderr
    assert "not the one that is pinned in constraints/toolkit.txt" in result.stderr
    assert machine.made() == []


def test_no_python_at_all(machine: Machine) -> None:
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.USAGE
    assert "Python 3.11 or newer is needed" in result.stderr
    assert "no python3 was found on PATH" in result.stderr


def test_a_python_that_is_too_old_is_named(machine: Machine) -> None:
    machine.program("python3", 'case "$*" in *exit*) exit 1 ;; *) echo 3.9 ;; esac')
    machine.program("apt-get", "exit 1")
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.USAGE
    assert "python3 is 3.9" in result.stderr
    assert "hint: apt-get install python3 python3-venv" in result.stderr


def test_a_python_without_venv_says_which_package_brings_it(machine: Machine) -> None:
    machine.program("python3", f'case "$*" in *ensurepip*) exit 1 ;; esac; exec {shlex.quote(str(PYTHON))} "$@"')
    machine.program("apt-get", "exit 1")
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.USAGE
    package = f"python3.{sys.version_info.minor}-venv"
    assert f"apt-get install {package}" in result.stderr
    assert machine.made() == []


def test_a_data_root_that_cannot_be_written(machine: Machine) -> None:
    machine.with_python()
    (machine.root / "file").write_text("")
    machine.variables["KOKORO_SPARK_HOME"] = str(machine.root / "file/below")
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.DISK
    assert "set KOKORO_SPARK_HOME to a folder you can write to" in result.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Four MB: room for a venv's first files, not for the toolkit."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)])
    if not mounted.ok:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield disk
    assert run(["umount", str(disk)]).ok


@pytest.mark.parametrize("maker", ["pip", "uv"])
def test_a_full_disk(machine: Machine, small_disk: Path, maker: str) -> None:
    machine.with_python()
    if maker == "uv":
        machine.with_uv()
    machine.variables["KOKORO_SPARK_HOME"] = str(small_disk / "home")
    result = machine.bootstrap("hello")
    assert result.returncode == ExitCode.DISK, result.stderr
    assert "free some space" in result.stderr
    assert list((small_disk / "home").iterdir()) == []


def test_check_takes_no_arguments(machine: Machine) -> None:
    result = machine.bootstrap("check", "scripts")
    assert result.returncode == ExitCode.USAGE
    assert "check takes no arguments" in result.stderr


def test_the_toolkit_is_pinned_for_what_pyproject_names() -> None:
    pinned = (CHECKOUT / "constraints/toolkit.in").read_text().splitlines()
    project = (CHECKOUT / "pyproject.toml").read_text()
    names = [line for line in pinned if not line.startswith("#")]
    assert names
    for line in names:
        assert f'    "{line}",\n' in project


def test_the_readmes_uv_command_works(machine: Machine) -> None:
    machine.with_uv()
    command = "uv run --quiet --no-project --with-requirements constraints/toolkit.txt invoke hello"
    result = run(
        shlex.split(command),
        env={**machine.environ(), "PATH": os.pathsep.join((str(machine.root / "bin"), str(PYTHON.parent)))},
        cwd=machine.root / "checkout",
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "hello world 0\n"
