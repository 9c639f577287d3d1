"""Asking an NVRTC itself, without an environment: its wheel for this machine, fetched, and a real compile by it."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from scripts.disk import disk_errors
from scripts.errors import BrokenError, NoCandidateError
from scripts.model.evidence import Outcome
from scripts.model.target import SUPPORTED_PYTHONS, ComputeCapability, Target
from scripts.model.wheels import IndexFile
from scripts.operations.context import Context
from scripts.operations.fetching import fetch_wheel, forget_wheel, scratch
from scripts.operations.site import this_machine
from scripts.probing import ask
from scripts.wheels.archive import open_archive
from scripts.wheels.evaluate import evaluate, explain


def ask_nvrtc(
    package: str,
    version: str,
    capabilities: Iterable[ComputeCapability],
    context: Context,
    *,
    index: str | None = None,
    keep: bool = True,
) -> dict[str, Any]:
    """Have one NVRTC compile for each capability; gives the detail of the probe (scripts/inside/nvrtc.py).

    The wheel for this machine's platform comes from `index` (None: the default one), checked by its hash; `keep`: it
    stays in the cache. It runs in a process of its own, on this toolkit's Python.

    Raises NoCandidateError where there is none for this machine, IntegrityError where the index names no hash for it,
    BrokenError where it does not answer, and what downloading raises.
    """
    path = fetch_wheel(_wheel(package, version, context, index), context)
    try:
        with scratch(context) as folder:
            library = unpack_nvrtc(path, folder)
            observation = ask(
                Path(sys.executable),
                "nvrtc",
                {"library": str(library), "targets": [str(one) for one in capabilities]},
                run=context.run,
                environ=context.environ,
            )
    finally:
        if not keep:
            forget_wheel(path)
    if observation.outcome is not Outcome.PASSED:
        raise BrokenError(
            f"{path.name} does not answer on this machine: {observation.error}",
            context=str(observation.detail.get("stderr_tail", "")),
            reference="nvrtc-broken",
            hint="ask it on another machine, or go by the table",
        )
    return observation.detail


def _wheel(package: str, version: str, context: Context, index: str | None) -> IndexFile:
    """Find the wheel of one NVRTC release for this machine."""
    architecture, glibc = this_machine(context.facts.host)
    target = Target(architecture=architecture, python=SUPPORTED_PYTHONS[0], glibc=glibc)
    found = evaluate(context.index(index).project(package), target, version=SpecifierSet(f"=={version}"))
    if not found.candidates:
        raise NoCandidateError(
            f"there is no {package} {version} for this machine ({target})",
            context=explain(found, 5),
            reference="no-nvrtc",
            hint="ask it on a machine that it exists for, or go by the table (constraints/nvrtc.toml)",
        )
    return found.candidates[0].file


def unpack_nvrtc(path: Path, folder: Path) -> Path:
    """Unpack libnvrtc and its builtins out of the wheel `path`, and give libnvrtc's path.

    Raises IntegrityError where the wheel cannot be read or holds no libnvrtc, or several; DiskError.
    """
    with path.open("rb") as stream, open_archive(stream, name=path.name, where=str(path)) as archive:
        members = [one for one in archive.infolist() if _is_nvrtc(one)]
        for member in members:
            with disk_errors(folder), archive.open(member) as source, (folder / _base(member)).open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        found = [_base(member) for member in members if _base(member).startswith("libnvrtc.so")]
        if len(found) != 1:
            raise ValueError(f"it holds {len(found)} libnvrtc")
        return folder / found[0]


def _is_nvrtc(member: zipfile.ZipInfo) -> bool:
    """Tell libnvrtc and libnvrtc-builtins; `.alt` is another build of the same, for old drivers."""
    name = _base(member)
    return name.startswith(("libnvrtc.so", "libnvrtc-builtins.so")) and ".alt" not in name


def _base(member: zipfile.ZipInfo) -> str:
    return member.filename.rpartition("/")[2]
