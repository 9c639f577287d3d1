"""The strategies with real wheels: what each environment is predicted to give on a GB10, and why.

Nothing here ran on a GPU: every verdict is `undecided`, and what stands beside it is a prediction.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import ExitCode
from scripts.facts.tools import find_uv
from scripts.shell import Completed, run
from tests.slow.conftest import MINUTES, document, invoke_in
from tests.support.index_server import IndexServer

pytestmark = pytest.mark.slow


def observation(report: dict[str, Any], probe: str) -> dict[str, Any]:
    return next(one for one in report["observations"] if one["probe"] == probe)


def prediction(report: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = report["verdict"]["prediction"]
    return found


def uv(*arguments: str) -> Completed:
    done = run([find_uv(), *arguments], timeout=20 * MINUTES)
    assert done.ok, done.stderr
    return done


def test_the_default_index_is_a_cuda_source(second_home: Path) -> None:
    invoke = invoke_in(second_home)
    made = document(invoke("setup", "--strategy", "pypi", "--weights", "none", "--json"))
    assert made["current"]
    assert made["plan"]["cuda"] is not None
    done = invoke("verify", "--sm", "12.1", "--json")
    report = document(done)
    assert done.returncode == ExitCode.UNDECIDED
    assert prediction(report)["kind"] == "not-needed"
    assert "sm_121" in observation(report, "nvrtc")["detail"]["supported"]
    assert observation(report, "nvrtc")["detail"]["compiles"]["sm_121"]["ok"]
    assert "sm_120" in observation(report, "device-code")["detail"]["runs"]["12.1"]
    assert invoke("verify", "--expect", "undecided", "--sm", "12.1").returncode == ExitCode.OK


def test_a_cu128_build_needs_the_patch_until_its_nvrtc_is_lifted(second_home: Path, tmp_path: Path) -> None:
    invoke = invoke_in(second_home)
    made = document(invoke("setup", "--strategy", "pypi", "--torch", "2.9.1", "--weights", "none", "--json"))
    assert (made["plan"]["cuda"], made["plan"]["nvrtc"]) == ("12.8", "12.8.93")
    report = document(invoke("verify", "--sm", "12.1", "--json"))
    assert prediction(report)["kind"] == "needed"
    assert "invalid value for --gpu-architecture" in observation(report, "nvrtc")["detail"]["compiles"]["sm_121"]["log"]

    # The same wheels in an environment that is not ours, but for the one library.
    ours = second_home / "envs" / made["environment"]
    foreign = tmp_path / "foreign"
    python = str((ours / "bin" / "python").resolve())
    uv("venv", "--quiet", "--python", python, str(foreign))
    for lock in sorted((ours / "locks").glob("*.txt")):
        if not lock.stem.endswith("-build"):
            uv("pip", "install", "--quiet", "--python", str(foreign), "--no-deps", "-r", str(lock))
    uv("pip", "install", "--quiet", "--python", str(foreign), "--no-deps", "nvidia-cuda-nvrtc-cu12==12.9.86")
    swapped = document(invoke("verify", "--python", str(foreign / "bin" / "python"), "--sm", "12.1", "--json"))
    assert observation(swapped, "nvrtc")["detail"]["version"] == "12.9"
    assert prediction(swapped)["kind"] == "not-needed"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Real wheels of torch 2.14.1 (CUDA 13.0) and all that belongs to its lane, as files: 2.6 GB."""
    folder = tmp_path_factory.mktemp("mirror")
    lock = Path(__file__).parents[2] / "constraints" / "pypi-x86_64-cp310.txt"
    assert "torch==2.14.1" in lock.read_text(encoding="utf-8")
    wanted = ["--python-version", "3.12", "--only-binary", ":all:"]
    for level in range(5, 29):  # pip takes a platform at its word, and no older one
        wanted += ["--platform", f"manylinux_2_{level}_x86_64"]
    wanted += ["--platform", "manylinux2014_x86_64"]
    uv(
        "tool",
        "run",
        "pip",
        "download",
        "-q",
        "--no-deps",
        *wanted,
        "--require-hashes",
        "-r",
        str(lock),
        "-d",
        str(folder),
    )
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the mirror holds x86_64 wheels")
def test_a_lane_installs_from_a_mirror(
    mirror: Path, second_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # uv keeps what it fetched by its index's address, and this one is never seen again: 5 GB of the user's cache.
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    invoke = invoke_in(second_home)
    with IndexServer(mirror, path="whl/cu130") as server:
        done = invoke(
            *("setup", "--strategy", "cu130", "--index", server.url),
            *("--python", "3.12", "--weights", "none", "--json"),
        )
        assert done.ok, done.stderr
        asked = {request.split()[1].split("/")[-2] for request in server.requests if "/whl/cu130/" in request}
    made = document(done)
    assert (made["plan"]["torch"], made["plan"]["cuda"], made["prediction"]) == ("2.14.1", "13.0", "not-needed")
    assert "torch" in asked
    assert "kokoro" not in asked
    torch_lock, rest = (step["lock"] for step in made["plan"]["steps"] if step["step"] == "InstallLock")
    assert all(pin["hashes"] for pin in torch_lock["pins"])
    assert rest["index"] is None
    shutil.rmtree(tmp_path / "uv-cache")
