"""NVIDIA's own reader of device code, cuobjdump: from PATH, else from its wheel."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.shell import run

WHEEL = "nvidia-cuda-cuobjdump==13.4.92"


def find_cuobjdump(folder: Path) -> str:
    """Give the program, installed into `folder` if need be; without it the test is skipped."""
    if found := shutil.which("cuobjdump"):
        return found
    done = run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder), WHEEL])
    if not done.ok:
        pytest.skip(f"cuobjdump is not on PATH, and {WHEEL} could not be installed: {done.stderr[-300:]}")
    return str(next(path for path in folder.rglob("bin/cuobjdump")))


def list_code(cuobjdump: str, library: Path) -> dict[str, int]:
    """Count what it lists: `sm_120`, `compute_120`. Of a cubin it does not say whether it is for the family (`f`).

    Without --all-fatbin it leaves out code that is still to be linked where there is linked code too: libtorch_nvshmem.
    """
    done = run([cuobjdump, "--all-fatbin", "--list-elf", "--list-ptx", str(library)])
    cubins = Counter(f"sm_{one}" for one in re.findall(r"\.sm_(\d+a?)\.cubin", done.stdout))
    ptx = Counter(f"compute_{one}" for one in re.findall(r"\.sm_(\d+[af]?)\.ptx", done.stdout))
    return dict(cubins + ptx)


def as_listed(cubins: Mapping[str, int], ptx: Mapping[str, int]) -> dict[str, int]:
    """Give our counts as cuobjdump would."""
    counts: Counter[str] = Counter()
    for arch, count in cubins.items():
        counts[arch.removesuffix("f")] += count
    return dict(counts + Counter(ptx))
