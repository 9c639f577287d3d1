"""Slim environments: one torch, one NVRTC, Kokoro's pinned closure, and nothing else of CUDA, which is simulated.

torch's wheel and NVRTC's come from the default index by the hash that it names; the closure, which holds what torch
requires besides CUDA, by its lock. Made once, under a lock, whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from scripts.disk import disk_errors, write_whole
from scripts.environments.locking import locked
from scripts.environments.uv import failure, killed
from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.home import Home
from scripts.model.facts import Interpreter
from scripts.model.plan import Lock
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion, Target
from scripts.model.wheels import Candidate, CudaBuild, IndexFile
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.operations.site import another_machine, this_machine
from scripts.operations.torch_lock import find_torch, named_source, parse_torch, pinned_lock, read_build
from scripts.operations.torch_plan import rest_lock
from scripts.progress import say
from scripts.strategies.locks import make_lock, pin_named
from scripts.wheels.evaluate import evaluate, explain
from scripts.wheels.metadata import parse_version

READY = "ready.txt"
"""Written last, with what was installed: without it a folder is half-made."""
WAIT_SECONDS = 1800.0
"""How long a second process waits for the one that makes the same environment: a gigabyte is downloaded."""

OLDEST_TORCH = Version("2.6")
"""What the pinned transformers takes."""
OLDER_TRANSFORMERS = Path(__file__).parent / "older_transformers.txt"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What one environment is made of. `nvrtc` None: the one that torch's wheel pins."""

    torch: str
    nvrtc: str | None
    python: PythonVersion
    closure: Lock

    @property
    def name(self) -> str:
        """`torch-2.9.1-nvrtc-12.9.86-cp311-0123456789ab`; the digest is that of the closure's pins."""
        digest = hashlib.sha256(f"{self.closure.text}\n{self.closure.build_text}".encode()).hexdigest()[:12]
        return f"torch-{self.torch}-nvrtc-{self.nvrtc or 'own'}-{self.python.tag}-{digest}"


def torch_environment(version: str, *, nvrtc: str | None = None, context: Context) -> Path:
    """Give the interpreter of an environment with torch `version` and its own NVRTC, or the release `nvrtc` instead.

    Raises UsageError for what are no versions, NoCandidateError (no-torch, cpu-only-torch, no-nvrtc, no-python) where
    there is none for this machine, and what downloading and installing raise.
    """
    checked = checked_versions(version, nvrtc)
    home = context.home
    ready = next((one for one in _candidates(checked, context) if is_ready(home, one)), None)
    if ready is not None:
        return interpreter_of(home, ready)
    interpreter, _ = find_interpreter(None, context, fetch=True)
    contents = _contents(checked, interpreter.minor, context)
    say(f"an environment of torch {version} with {nvrtc or 'its own NVRTC'} is made, once")
    with locked(
        home.locks / f"simulated-{contents.name}",
        wait_seconds=WAIT_SECONDS,
        waiting=lambda holder: say(f"waiting for {holder}, which makes it"),
    ) as descriptor:
        if not is_ready(home, contents):
            _make(contents, interpreter, context, descriptor)
    return interpreter_of(home, contents)


def checked_versions(version: str, nvrtc: str | None) -> tuple[str, str | None]:
    """Give both as they are; they become parts of a path. Raises UsageError for what is no exact version."""
    for text, what, example in ((version, "torch", "2.9.1"), (nvrtc, "NVRTC", "12.9.86")):
        if text is not None and (parse_version(text) is None or "/" in text):
            raise UsageError(
                f"{text!r} is no version of {what}",
                reference="bad-version",
                hint=f"write it as its wheel does, e.g. {example}",
            )
    return version, nvrtc


def folder_of(home: Home, contents: Contents) -> Path:
    """Name an environment's folder."""
    return home.cache / "simulated-gpu" / "environments" / contents.name


def interpreter_of(home: Home, contents: Contents) -> Path:
    """Name an environment's interpreter."""
    return folder_of(home, contents) / "bin" / "python"


def is_ready(home: Home, contents: Contents) -> bool:
    """Tell whether an environment is whole, and the Python that it was made of still there."""
    return (folder_of(home, contents) / READY).is_file() and interpreter_of(home, contents).exists()


def preloading_builtins(python: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Add the libnvrtc-builtins of an environment to LD_PRELOAD.

    torch loads them itself, after the rest of CUDA's packages (torch/__init__.py, _preload_cuda_deps), and NVRTC 13.0
    does not find them otherwise. torch 2.11 gives up at the first package that is missing, as in a slim environment.
    """
    packages = (python.parent.parent / "lib").glob("python*/site-packages/nvidia/*/lib/libnvrtc-builtins.so.*")
    before = environ.get("LD_PRELOAD", "").replace(":", " ").split()
    return {**environ, "LD_PRELOAD": ":".join([*before, *sorted(map(str, packages))])}


def nvrtc_package(version: str) -> str:
    """Name the project of an NVRTC release: CUDA 13 dropped the suffix."""
    major = Version(version).major
    return "nvidia-cuda-nvrtc" if major >= 13 else f"nvidia-cuda-nvrtc-cu{major}"


def choose_nvrtc(build: CudaBuild, nvrtc: str | None) -> tuple[str, str]:
    """Name the NVRTC to install: project and version.

    Raises NoCandidateError (cpu-only-torch, no-nvrtc), and UsageError (another-cuda) where torch would not load it, for
    the library's name holds CUDA's major version.
    """
    if build.cuda is None:
        raise NoCandidateError(
            f"torch {build.torch} for this machine is a CPU-only build: it has nothing to run on a simulated GPU",
            reference="cpu-only-torch",
            hint="on aarch64 the default index has CUDA builds since 2.11.0, on x86_64 all of its are",
        )
    if nvrtc is None:
        if build.nvrtc is None or build.nvrtc_package is None:
            raise NoCandidateError(
                f"torch {build.torch} pins no NVRTC", reference="no-nvrtc", hint="name one, e.g. 12.9.86"
            )
        return build.nvrtc_package, build.nvrtc
    if Version(nvrtc).major != Version(build.cuda).major:
        raise UsageError(
            f"torch {build.torch} is built with CUDA {build.cuda} and does not load NVRTC {nvrtc}",
            reference="another-cuda",
            hint=f"name an NVRTC of CUDA {Version(build.cuda).major}",
        )
    return nvrtc_package(nvrtc), nvrtc


def nvrtc_wheel(project: str, version: str, target: Target, context: Context) -> Candidate:
    """Find the wheel of one NVRTC release on the default index. Raises NoCandidateError (no-nvrtc)."""
    found = evaluate(context.index(None).project(project), target, version=SpecifierSet(f"=={version}"))
    if not found.candidates:
        raise NoCandidateError(
            f"there is no {project} {version} for {target}",
            context=explain(found, 5),
            reference="no-nvrtc",
            hint="constraints/nvrtc.toml lists releases that there are",
        )
    return found.candidates[0]


def newest_torch(architecture: Architecture, context: Context) -> str:
    """Tell the torch of the default index that constraints/ pins. Raises NoCandidateError (no-pins)."""
    target = another_machine(architecture, None)
    lock = pinned_lock(named_source("pypi", context), target, context.constraints)
    pin = None if lock is None else pin_named(lock.pins, "torch")
    if pin is None:
        raise NoCandidateError(
            f"no torch is pinned for {target}", reference="no-pins", hint="make the pins with `invoke lock`"
        )
    return pin.version


def pinned(file: IndexFile, project: str, version: str) -> str:
    """Write the entry of one wheel in a requirements file. Raises IntegrityError (no-hash)."""
    if file.sha256 is None:
        raise IntegrityError(
            f"the index names no sha256 for {file.filename}: it is not installed",
            reference="no-hash",
            hint="name an index that has hashes (every mirror of the default one does)",
        )
    return f"{project}=={version} --hash=sha256:{file.sha256}\n"


def with_pins(lock: Lock, instead: Lock) -> Lock:
    """Put the pins of one lock in the place of another's of the same names."""
    names = {pin.name for pin in instead.pins}
    pins = [*(pin for pin in lock.pins if pin.name not in names), *instead.pins]
    text = "".join(f"{pin.name}=={pin.version}{''.join(f' --hash={one}' for one in pin.hashes)}\n" for pin in pins)
    return make_lock(lock.name, text, index=lock.index, build_text=lock.build_text)


def _candidates(checked: tuple[str, str | None], context: Context) -> list[Contents]:
    """Name what may be there already: without asking this machine for its Pythons, which takes seconds."""
    found = []
    for python in SUPPORTED_PYTHONS:
        with contextlib.suppress(NoCandidateError):  # no pins for that Python
            found.append(_contents(checked, python, context))
    return found


def _contents(checked: tuple[str, str | None], python: PythonVersion, context: Context) -> Contents:
    here = Target(architecture=Architecture.parse(os.uname().machine), python=python, glibc=(0, 0))
    closure = rest_lock(here, context.constraints)
    if Version(checked[0]) < OLDEST_TORCH:
        older = OLDER_TRANSFORMERS.read_text(encoding="utf-8")
        closure = with_pins(closure, make_lock(OLDER_TRANSFORMERS.name, older, index=None))
    return Contents(torch=checked[0], nvrtc=checked[1], python=python, closure=closure)


def _make(contents: Contents, interpreter: Interpreter, context: Context, descriptor: int) -> None:
    """Make an environment from nothing; what a killed run left there goes first."""
    architecture, glibc = this_machine(context.facts.host)
    target = Target(architecture=architecture, python=contents.python, glibc=glibc)
    requirements = _requirements(contents, target, context)
    folder = folder_of(context.home, contents)
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
    uv = _Uv(context=context, python=folder, descriptor=descriptor)
    uv.run("venv", "--relocatable", "--python", interpreter.path, str(folder))
    with tempfile.TemporaryDirectory(prefix="kokoro-spark-simulated-") as name:
        place = Path(name)
        write_whole(place / "closure.txt", contents.closure.text)
        write_whole(place / "build.txt", contents.closure.build_text)
        write_whole(place / "torch.txt", requirements)
        building = ["--build-constraints", str(place / "build.txt"), "--require-build-hashes"]
        uv.install(place / "closure.txt", *building, "--preview-features", "build-dependency-hashes")
        uv.install(place / "torch.txt", "--only-binary", ":all:")
    write_whole(folder / READY, requirements)


def _requirements(contents: Contents, target: Target, context: Context) -> str:
    """Write the requirements of torch and its NVRTC, with the hashes that the default index names."""
    source = named_source("pypi", context)
    index = context.index(source.index)
    candidate = find_torch(source, target, parse_torch(contents.torch), index)
    project, version = choose_nvrtc(read_build(candidate, target, context, source.index), contents.nvrtc)
    compiler = nvrtc_wheel(project, version, target, context)
    return pinned(candidate.file, "torch", candidate.version) + pinned(compiler.file, project, compiler.version)


@dataclass(frozen=True, kw_only=True)
class _Uv:
    """uv at work on one environment."""

    context: Context
    python: Path
    descriptor: int
    """The lock's, which outlives us with it."""

    def install(self, requirements: Path, *options: str) -> None:
        """Install exactly what a file pins."""
        place = ["--python", str(self.python), "--no-deps", "--require-hashes"]
        self.run("pip", "install", *place, *options, "-r", str(requirements))

    def run(self, *arguments: str) -> None:
        """Run uv. Raises the error that its failure means."""
        doing = "making an environment to be simulated in"
        argv = [self.context.uv, "--no-config", *arguments, "--quiet"]
        done = self.context.run(argv, env=self.context.uv_environ, tee=True, pass_fds=(self.descriptor,))
        if done.returncode is not None and done.returncode < 0:
            raise killed(done.returncode, doing=doing)
        if not done.ok:
            raise failure(done.stderr + done.stdout, doing=doing)
