"""Our reader of device code against NVIDIA's own, cuobjdump: from PATH, else from its wheel."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from scripts.shell import run
from scripts.wheels.devicecode import read_device_code

pytestmark = pytest.mark.integration

FATBINS = Path(__file__).parents[1] / "data" / "fatbins"


@pytest.fixture(scope="module")
def cuobjdump(tmp_path_factory: pytest.TempPathFactory) -> str:
    if found := shutil.which("cuobjdump"):
        return found
    folder = tmp_path_factory.mktemp("cuobjdump")
    wheel = "nvidia-cuda-cuobjdump==13.4.92"
    done = run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder), wheel])
    if not done.ok:
        pytest.skip(f"cuobjdump is not on PATH, and {wheel} could not be installed: {done.stderr[-300:]}")
    return str(next(path for path in folder.rglob("bin/cuobjdump")))


@pytest.mark.parametrize("name", ["plain.so", "compressed.so", "relocatable.so", "bare.fatbin"])
def test_cuobjdump_lists_the_same(cuobjdump: str, name: str) -> None:
    listed = run([cuobjdump, "--list-elf", "--list-ptx", str(FATBINS / name)])
    assert listed.ok, listed.stderr
    found = read_device_code(FATBINS / name)
    # cuobjdump names a cubin sm_120 whether or not it is for the family (sm_120f); of PTX it says so.
    cubins = sorted(re.findall(r"\.(sm_\d+a?)\.cubin", listed.stdout))
    assert cubins == sorted(arch.removesuffix("f") for arch in found.cubins)
    ptx = sorted(re.findall(r"\.sm_(\d+[af]?)\.ptx", listed.stdout))
    assert ptx == sorted(arch.removeprefix("compute_") for arch in found.ptx)
