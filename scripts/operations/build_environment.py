"""Environments that wheels are built in, and tried in: made once for what is installed in them, and kept.

They lie under builds/environments/ by the digest of their locks, so that two builds with the same torch and compiler
have the same paths, which is what the compiler cache goes by.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.builds.cross import TARGET, python_headers
from scripts.builds.variables import COMPILERS, MASQUERADE
from scripts.disk import disk_errors, write_whole
from scripts.environments.locking import locked
from scripts.environments.uv import failure, killed, only_from
from scripts.model.plan import Lock
from scripts.operations.build_locks import digest_of
from scripts.operations.build_place import BuildPlace
from scripts.operations.build_planning import Outlook
from scripts.operations.context import Context
from scripts.progress import say

READY = "kokoro-spark-build.txt"
"""Written last: without it an environment is half-made."""
_WAIT = 3600.0
"""Seconds to wait for another build that makes the same environment: gigabytes are downloaded."""


@dataclass(frozen=True, kw_only=True)
class BuildEnvironment:
    """A venv, and what it was made of. Paths are the same in the place that it was made by."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def bin(self) -> Path:
        """Its programs."""
        return self.folder / "bin"


def build_environment(outlook: Outlook, context: Context) -> BuildEnvironment:
    """Give the environment that the wheel is built in. Raises what uv's failure means, DiskError, BusyError."""
    parts = outlook.ingredients
    compiler = parts.compiler if outlook.plan.toolchain.cuda_home is None else None
    # torch's own pins last: where the compiler brings another release of a header package, torch's counts.
    locks = [parts.builder, *_there(compiler), *_there(parts.requires), *parts.torch, *parts.beside]
    return _environment("build", locks, outlook, context, target=parts.target)


def trial_environment(outlook: Outlook, extra: Sequence[Lock], context: Context) -> BuildEnvironment:
    """Give the environment that the wheel is tried in: torch, or what a torch that was built requires (`extra`)."""
    return _environment("trial", [*outlook.ingredients.torch, *extra], outlook, context)


def _there(lock: Lock | None) -> list[Lock]:
    return [] if lock is None else [lock]


def _environment(
    kind: str, locks: Sequence[Lock], outlook: Outlook, context: Context, *, target: Sequence[Lock] = ()
) -> BuildEnvironment:
    plan = outlook.plan
    name = f"{kind}-{plan.target.python.tag}-{digest_of([*locks, *target])}"
    if outlook.place.inputs != "host":
        name += f"-{hashlib.sha256(outlook.place.inputs.encode()).hexdigest()[:8]}"
    folder = context.home.builds / "environments" / name
    made = BuildEnvironment(folder=folder)
    if _is_whole(made, outlook.place):
        return made
    with locked(context.home.locks / f"{name}.lock", wait_seconds=_WAIT, waiting=_waiting):
        if not _is_whole(made, outlook.place):  # whoever we waited for has made it
            _make(folder, locks, outlook.place, context)
            if target:
                _add_target(folder, target, outlook, context)
            write_whole(folder / READY, "".join(f"{lock.name}\n" for lock in (*locks, *target)))
    return made


def _is_whole(made: BuildEnvironment, place: BuildPlace) -> bool:
    """Tell whether it was made to its end, and its Python still there; in a container that is the image's."""
    there = made.python.exists() if place.image is None else made.python.is_symlink()
    return there and (made.folder / READY).is_file()


def _waiting(holder: str) -> None:
    say(f"another build makes the environment that this one needs ({holder}); waiting for it")


def _make(folder: Path, locks: Sequence[Lock], place: BuildPlace, context: Context) -> None:
    """Make it anew: what a killed run left goes first."""
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
    _uv(["venv", "--quiet", "--python", place.python, str(folder)], "creating a build environment", place, context)
    for lock in locks:
        if lock.pins:
            say(f"installing to build with: {len(lock.pins)} of {lock.name}")
            _install(lock, ["--python", str(folder)], folder, place, context)
    _masquerade(folder)


def _add_target(folder: Path, locks: Sequence[Lock], outlook: Outlook, context: Context) -> None:
    """Unpack the libraries of the machine that is built for, with the name that a linker looks for CUDA's by."""
    architecture, (major, minor) = outlook.plan.target.architecture, outlook.plan.target.glibc
    machine = ["--python-platform", f"{architecture}-manylinux_{major}_{minor}"]
    for lock in locks:
        say(f"unpacking for {architecture}: {len(lock.pins)} of {lock.name}")
        where = ["--python", str(folder), *machine, "--target", str(folder / TARGET)]
        _install(lock, where, folder, outlook.place, context)
    triple = outlook.plan.toolchain.triple
    if triple is not None:
        python_headers(triple, f"python{outlook.plan.target.python}", folder / TARGET)
    links = folder / TARGET / "links"
    with disk_errors(links):
        links.mkdir()
        for library in sorted((folder / TARGET).glob("nvidia/cu1*/lib/libcudart.so.*")):
            (links / "libcudart.so").symlink_to(library)


def _masquerade(folder: Path) -> None:
    """Let compilers that are started by their name go through the compiler cache, where there is one."""
    ccache = folder / "bin" / "ccache"
    if ccache.exists():
        (folder / MASQUERADE).mkdir()
        for name in COMPILERS:
            (folder / MASQUERADE / name).symlink_to(ccache)


def _install(lock: Lock, where: Sequence[str], folder: Path, place: BuildPlace, context: Context) -> None:
    requirements = folder / "locks" / f"{Path(lock.name).stem.replace(' ', '-')}-{digest_of([lock])}.txt"
    write_whole(requirements, lock.text)
    arguments = ["pip", "install", "--quiet", *where, "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    doing = f"installing what {lock.name} pins"
    _uv([*arguments, "-r", str(requirements)], doing, place, context, index=lock.index)


def _uv(arguments: Sequence[str], doing: str, place: BuildPlace, context: Context, *, index: str | None = None) -> None:
    environ: Mapping[str, str] = only_from(index, context.uv_environ)
    done = place.run([context.uv, "--no-config", *arguments], env=environ, tee=True)
    if done.returncode is not None and done.returncode < 0:
        raise killed(done.returncode, doing=doing)
    if not done.ok:
        raise failure(done.stderr + done.stdout, doing=doing)
