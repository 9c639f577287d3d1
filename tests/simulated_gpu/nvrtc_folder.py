"""A folder with one NVRTC release, for SimulatedGpu(nvrtc=...): its library and its builtins, out of NVIDIA's wheel."""

from __future__ import annotations

from pathlib import Path

from scripts.model.target import SUPPORTED_PYTHONS, Target
from scripts.operations.context import Context
from scripts.operations.fetching import fetch_wheel
from scripts.operations.proving import unpack_nvrtc
from scripts.operations.site import this_machine
from tests.simulated_gpu.environments import checked_versions, nvrtc_package, nvrtc_wheel
from tests.simulated_gpu.kept import kept


def nvrtc_folder(version: str, context: Context) -> Path:
    """Give the folder, made once; the wheel is checked by the hash that the default index names.

    Raises UsageError for what is no version, NoCandidateError (no-nvrtc) where there is none for this machine, and what
    downloading raises.
    """
    checked_versions(version, None)
    architecture, glibc = this_machine(context.facts.host)
    target = Target(architecture=architecture, python=SUPPORTED_PYTHONS[0], glibc=glibc)
    file = nvrtc_wheel(nvrtc_package(version), version, target, context).file

    def make(folder: Path) -> None:
        unpack_nvrtc(fetch_wheel(file, context), folder)

    return kept(f"nvrtc-{version}-libraries", str(file.sha256), context.home, make)
