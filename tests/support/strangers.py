"""Environments that are not ours, with stubs of torch and NVRTC in them, and how they are looked at."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.environments.foreign import versions_of
from scripts.model.evidence import VerdictKind
from scripts.model.repair import Judgement
from scripts.model.target import ComputeCapability
from scripts.operations.context import Context
from scripts.place import Place
from scripts.strategies.override import PACKAGE
from tests.support.index_server import make_wheel

OLD, LIFTED = "12.8.93", "12.9.86"


def nvrtc_wheel(folder: Path, version: str, *, files: Sequence[str] = ()) -> Path:
    """Make a stub laid out as NVIDIA's: releases up to 12.8 have __init__.py in the folder that all share."""
    content = {f"nvidia/cuda_nvrtc/lib/{name}": f"{name} {version}".encode() for name in ("libnvrtc.so.12", *files)}
    if version == OLD:
        content |= {"nvidia/__init__.py": b"", "nvidia/cuda_nvrtc/include/nvrtc.h": b"/* old */"}
    return make_wheel(folder, PACKAGE, version, files=content)


def torch_wheel(folder: Path, *, cuda: str | None = "12.8", version: str = "2.9.1") -> Path:
    """Make a stub that says of CUDA what torch's own version.py does."""
    said = "None" if cuda is None else repr(cuda)
    text = f"from typing import Optional\n__version__ = {version!r}\ncuda: Optional[str] = {said}\nhip = None\n"
    files = {"torch/__init__.py": b"from torch.version import __version__\n", "torch/version.py": text.encode()}
    return make_wheel(folder, "torch", version, requires=[f"{PACKAGE}=={OLD}"], files=files)


def make_venv(folder: Path, python: str, wheels: Sequence[Path]) -> Path:
    """Make an environment as people do: `python -m venv`, then pip."""
    _run([python, "-I", "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    _run([*pip, "--disable-pip-version-check", *map(str, wheels)])
    return folder


def make_uv_venv(folder: Path, python: str, wheels: Sequence[Path], *, uv: str, cache: Path) -> Path:
    """Make an environment by uv, without pip; its files are linked from uv's cache where that can be."""
    environ = {**os.environ, "UV_CACHE_DIR": str(cache)}
    _run([uv, "--no-config", "venv", "--quiet", "--python", python, str(folder)], environ)
    install = [uv, "--no-config", "pip", "install", "--quiet", "--python", str(folder), "--no-deps", "--no-index"]
    _run([*install, *map(str, wheels)], environ)
    return folder


def site_of(venv: Path) -> Path:
    return next(iter((venv / "lib").glob("python3.*"))) / "site-packages"


def tree(venv: Path) -> dict[str, tuple[str, str, int]]:
    """Everything in an environment by name: kind, content, mode and, of files and links, the time of change."""
    found = {}
    for path in sorted(venv.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            kind = f"link {path.readlink()}"
        elif path.is_dir():
            kind = "folder"
        else:
            kind = hashlib.sha256(path.read_bytes()).hexdigest()
        time = "" if kind == "folder" else str(status.st_mtime_ns)
        found[str(path.relative_to(venv))] = (kind, time, stat.S_IMODE(status.st_mode))
    return found


def judge_by_version(place: Place, target: ComputeCapability, context: Context) -> Judgement:
    """Predict as the real thing would of these releases: a stub cannot be asked."""
    (version,) = versions_of(site_of(place.python.parent.parent), PACKAGE)
    kind = VerdictKind.NOT_NEEDED if version == LIFTED else VerdictKind.NEEDED
    return judgement(kind, f"NVRTC {version}")


def judgement(prediction: VerdictKind, *reasons: str, kind: VerdictKind = VerdictKind.UNDECIDED) -> Judgement:
    device = None if kind is VerdictKind.UNDECIDED else "NVIDIA GB10"
    return Judgement(
        kind=kind, prediction=prediction, target="12.1", device=device, simulated=False, reasons=tuple(reasons)
    )


def _run(argv: Sequence[str], environ: dict[str, str] | None = None) -> None:
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
