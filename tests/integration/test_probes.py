"""Real probe processes, on a throwaway environment with stand-ins for torch; and real NVRTC libraries."""

from __future__ import annotations

import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.facts.tools import find_uv
from scripts.model.evidence import Observation, Outcome
from scripts.probing import ask
from scripts.shell import run
from scripts.verification.causes import Cause, recognise

pytestmark = pytest.mark.integration

Environment = Callable[..., Path]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Make an environment whose site-packages holds the given modules; give its interpreter."""

    def make(**modules: str) -> Path:
        folder = tmp_path / "environment"
        venv.create(folder, with_pip=False, symlinks=True)
        site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        for name, source in modules.items():
            (site / f"{name}.py").write_text(source)
        return folder / "bin" / "python"

    return make


def device(python: Path, **options: Any) -> Observation:
    return ask(python, "device", {}, run=run, **options)


ENDINGS = {
    "raises": ("raise RuntimeError('not today')", Outcome.FAILED, "RuntimeError: not today"),
    "is not there": ("raise ImportError('libcudart.so.13: cannot open')", Outcome.FAILED, "torch cannot be imported"),
    "exits": ("import sys; sys.exit(3)", Outcome.FAILED, "SystemExit: 3"),
    "leaves": ("import os; os._exit(3)", Outcome.CRASHED, "exited 3 without an answer"),
    "aborts": ("import os; os.abort()", Outcome.CRASHED, "SIGABRT"),
    "reads nowhere": ("import ctypes; ctypes.string_at(0)", Outcome.CRASHED, "SIGSEGV"),
    "is killed": ("import os; os.kill(os.getpid(), 9)", Outcome.KILLED, "SIGKILL"),
}


@pytest.mark.parametrize(("source", "outcome", "error"), ENDINGS.values(), ids=ENDINGS.keys())
def test_how_torch_may_end(environment: Environment, source: str, outcome: Outcome, error: str) -> None:
    found = device(environment(torch=f"print('torch says hello', flush=True)\n{source}\n"))
    assert found.outcome is outcome
    assert error in found.error
    assert found.detail["stdout_tail"] == "torch says hello\n"


def test_a_crash_shows_where(environment: Environment) -> None:
    found = device(environment(torch="import ctypes\nctypes.string_at(0)\n"))
    assert "Fatal Python error: Segmentation fault" in found.detail["stderr_tail"]
    assert "device.py" in found.detail["stderr_tail"]


def test_a_hang_is_ended(environment: Environment) -> None:
    found = device(environment(torch="import time; time.sleep(600)"), timeout=2)
    assert found.outcome is Outcome.HUNG
    assert found.seconds < 30


def test_an_unknown_probe(environment: Environment) -> None:
    found = ask(environment(), "nonsense", {}, run=run)
    assert found.outcome is Outcome.FAILED
    assert "known: installed, device, nvrtc" in found.error


def test_no_torch(environment: Environment) -> None:
    found = device(environment())
    assert found.outcome is Outcome.FAILED
    assert "No module named 'torch'" in found.error


def test_installed_modules_and_ours_do_not_hide_each_other(environment: Environment) -> None:
    python = environment(
        compare="VALUE = 'installed'",
        scripts="raise AssertionError('an installed package hid the checkout')",
        torch="import compare, sys; raise ImportError(compare.VALUE + ' ' + str('tests' in sys.modules))",
    )
    assert device(python).error == "torch cannot be imported: installed False"


def test_the_checkout_is_not_on_the_path(environment: Environment) -> None:
    found = device(environment(torch="import tasks"))
    assert "No module named 'tasks'" in found.error


def files(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("compiled", [False, True])
def test_nothing_is_written_into_the_environment(environment: Environment, tmp_path: Path, *, compiled: bool) -> None:
    python = environment(torch="raise ImportError('seen')")
    before = files(python.parent.parent)
    bytecode = tmp_path / "compiled" if compiled else None
    assert "seen" in device(python, bytecode=bytecode).error
    assert files(python.parent.parent) == before
    assert bytecode is None or list(bytecode.rglob("torch.*.pyc"))


def test_through_a_link_the_prefix_is_the_real_folder(environment: Environment, tmp_path: Path) -> None:
    python = environment()
    current = tmp_path / "current"
    current.symlink_to("environment")
    found = ask(current / "bin" / "python", "installed", {}, run=run)
    assert found.detail["prefix"] == str(python.parent.parent)


def test_variables_of_python_do_not_reach_the_probe(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('from PYTHONPATH')")
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "error"}
    assert "No module named 'torch'" in device(environment(), environ=environ).error


NVRTC = {
    "nvidia-cuda-nvrtc-cu12==12.8.93": ("12.8", {"sm_120": True, "sm_121": False}),
    "nvidia-cuda-nvrtc-cu12==12.9.86": ("12.9", {"sm_120": True, "sm_121": True}),
    "nvidia-cuda-nvrtc==13.0.88": ("13.0", {"sm_120": True, "sm_121": True}),
}


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Install each NVRTC into a folder of its own."""
    if sysconfig.get_platform() not in {"linux-x86_64", "linux-aarch64"}:
        pytest.skip("NVRTC has no wheels for this platform")
    found = {}
    for requirement in NVRTC:
        folder = tmp_path_factory.mktemp("nvrtc")
        argv = [find_uv(), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
        done = run([*argv, "--target", str(folder), requirement], timeout=300)
        assert done.ok, done.stderr
        found[requirement] = next(folder.rglob("libnvrtc.so.1[23]"))
    return found


@pytest.mark.parametrize(("requirement", "expected"), NVRTC.items())
def test_what_an_nvrtc_compiles_for(
    libraries: dict[str, Path], requirement: str, expected: tuple[str, dict[str, bool]]
) -> None:
    version, compiles = expected
    request = {"targets": ["12.0", "12.1"], "library": str(libraries[requirement])}
    found = ask(Path(sys.executable), "nvrtc", request, run=run)
    assert found.outcome is Outcome.PASSED, found.error
    assert found.detail["version"] == version
    assert {name: answer["ok"] for name, answer in found.detail["compiles"].items()} == compiles
    refused = [answer for answer in found.detail["compiles"].values() if not answer["ok"]]
    assert all(answer["code"] == 5 for answer in refused)
    assert all(recognise(answer["log"]) is Cause.UNKNOWN_ARCHITECTURE for answer in refused)


def test_an_nvrtc_without_its_builtins(libraries: dict[str, Path], tmp_path: Path) -> None:
    alone = tmp_path / "libnvrtc.so.13"
    alone.write_bytes(libraries["nvidia-cuda-nvrtc==13.0.88"].read_bytes())
    found = ask(Path(sys.executable), "nvrtc", {"targets": ["12.1"], "library": str(alone)}, run=run)
    answer = found.detail["compiles"]["sm_121"]
    assert (answer["ok"], answer["code"]) == (False, 7)
    assert recognise(f"{answer['name']} {answer['log']}") is Cause.BUILTINS_MISSING


def test_a_library_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "libnvrtc.so").write_text("not a library")
    found = ask(Path(sys.executable), "nvrtc", {"targets": ["12.1"], "library": str(tmp_path / "libnvrtc.so")}, run=run)
    assert found.outcome is Outcome.FAILED
    assert "cannot be loaded" in found.error
