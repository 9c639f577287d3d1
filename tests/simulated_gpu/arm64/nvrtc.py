"""NVRTC 12.8 in the place of the one that a CUDA 13 torch for aarch64 pins.

No torch of the default index for aarch64 comes with NVRTC 12.8: its CUDA builds begin with CUDA 13. What a wheel of the
cu128 lane does on a GB10 is therefore shown with that NVRTC under the name that torch asks for.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.model.target import Target
from scripts.operations.context import Context
from tests.simulated_gpu.arm64.packages import install
from tests.simulated_gpu.kept import kept
from tests.simulated_gpu.soname import renamed

OLDER = "12.8.93"
"""The newest NVRTC that does not know sm_121 (facts: when the patch is needed)."""
OLDER_PIN = (
    f"nvidia-cuda-nvrtc-cu12=={OLDER} --hash=sha256:fc1fec1e1637854b4c0a65fb9a8346b51dd9ee69e61ebaccc82058441f15bce8\n"
)


def older_nvrtc(soname: str, target: Target, context: Context) -> Path:
    """Give a folder with the older NVRTC as `soname` and its builtins, made once.

    Raises what installing raises, and IntegrityError where its library can't be renamed.
    """

    def make(folder: Path) -> None:
        wheel = folder / "wheel"
        install(OLDER_PIN, wheel, target, context)
        library = next(wheel.rglob("libnvrtc.so.*"))
        (folder / soname).write_bytes(renamed(library.read_bytes(), soname))
        for builtins in wheel.rglob("libnvrtc-builtins.so.*"):
            builtins.rename(folder / builtins.name)
        shutil.rmtree(wheel)

    return kept(f"aarch64-nvrtc-{OLDER}", OLDER_PIN + soname, context.home, make)
