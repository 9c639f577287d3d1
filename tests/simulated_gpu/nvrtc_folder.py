"""A folder with one NVRTC release, for SimulatedGpu(nvrtc=...): its library and its builtins, out of NVIDIA's wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.disk import disk_errors
from scripts.model.target import SUPPORTED_PYTHONS, Target
from scripts.operations.context import Context
from scripts.operations.fetching import fetch_wheel
from scripts.operations.planning import this_machine
from scripts.wheels.archive import open_archive
from tests.simulated_gpu.environments import checked_versions, nvrtc_package, nvrtc_wheel
from tests.simulated_gpu.kept import kept

_LIBRARIES = ("libnvrtc.so.", "libnvrtc-builtins.so.")


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
        unpack(fetch_wheel(file, context), folder)

    return kept(f"nvrtc-{version}-libraries", str(file.sha256), context.home, make)


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack the libraries of an NVRTC wheel; `.alt` is another build of the same, for old drivers."""
    with wheel.open("rb") as stream, open_archive(stream, name=wheel.name, where=str(wheel)) as archive:
        for member in archive.infolist():
            name = member.filename.rpartition("/")[2]
            if name.startswith(_LIBRARIES) and ".alt" not in name:
                with disk_errors(folder), archive.open(member) as source, (folder / name).open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
