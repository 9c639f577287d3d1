"""Which compilers a build uses: this machine's C++, and a CUDA toolkit of its own, or NVIDIA's nvcc from the index."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.builds.arch import gencode_flags
from scripts.builds.host_compilers import choose_compilers, first_line
from scripts.disk import disk_errors
from scripts.errors import BuildError, UsageError
from scripts.model.builds import BuildRequest, Toolchain
from scripts.model.recipes import Arch, Recipe
from scripts.model.target import Architecture
from scripts.redaction import redact
from scripts.shell import ProgramNotFoundError, Runner

FROM_INDEX = "the default index"
TRIPLES = {Architecture.AARCH64: "aarch64-linux-gnu", Architecture.X86_64: "x86_64-linux-gnu"}
_SYSTEM = ("/usr/local/cuda",)
_KERNEL = "__global__ void probe(float *x) { x[threadIdx.x] += 1.0f; }\n"
_PATIENCE = 120.0
_LINKS = ("bin", "include", "nvvm", "cccl")


def find_toolchain(
    recipe: Recipe,
    request: BuildRequest,
    *,
    cuda_version: str | None,
    run: Runner,
    environ: Mapping[str, str],
    architecture: Architecture,
    nvcc_pin: str | None = None,
    cuda_home: str | None = None,
) -> Toolchain:
    """Find what is here. A CUDA of the index is not here yet: `complete_toolchain` asks it.

    `cuda_version` is the release that torch was built with, `nvcc_pin` that of the pinned compiler for it, `cuda_home`
    the toolkit of the place that is built in. What is missing is None, and preflight's to tell. Raises UsageError for
    a compiler or a toolkit that is named and is none.
    """
    triple = None if architecture == os.uname().machine else TRIPLES[architecture]
    cc, cxx = choose_compilers(environ, triple)
    found = Toolchain(cc=cc, cxx=cxx, cxx_version=first_line(run, cxx, environ), triple=triple)
    if not recipe.cuda:
        return found
    home: Path | None
    if cuda_home is not None:
        home = None if recipe.cuda_from_index and nvcc_pin is not None else Path(cuda_home)
    else:
        home = _cuda_home(recipe, request, environ, pinned=nvcc_pin is not None)
    if home is None:
        version = None if nvcc_pin is None else ".".join(nvcc_pin.split(".")[:2])
        if not recipe.cuda_from_index and request.cuda != "index":
            return found  # a whole toolkit is needed, and there is none
        return replace(found, cuda_version=version or cuda_version, cuda_from=FROM_INDEX, nvcc_version=nvcc_pin)
    asked = _asked(replace(found, cuda_home=str(home), cuda_from=str(home)), run, environ)
    if recipe.against_torch:
        _require_major(asked, cuda_version)
    return asked


def complete_toolchain(
    toolchain: Toolchain, folder: Path, *, archs: Sequence[Arch], run: Runner, environ: Mapping[str, str]
) -> Toolchain:
    """Ask the compilers for real, once the build's environment (`folder`) is there.

    Where CUDA is from the index, a CUDA home of links is made in `folder`. One empty kernel is compiled: a host
    compiler that nvcc refuses, and an nvcc that does not know an architecture, are told before anything is built.

    Raises BuildError (no-nvcc, nvcc-fails).
    """
    if not toolchain.cuda_from:
        return toolchain
    if toolchain.cuda_from == FROM_INDEX:
        toolchain = replace(toolchain, cuda_home=str(make_cuda_home(folder)))
    asked = _asked(toolchain, run, environ)
    _compile_probe(asked, archs, folder, run=run, environ=environ)
    return asked


def make_cuda_home(folder: Path) -> Path:
    """Lay NVIDIA's packages of a venv out as a CUDA toolkit, by links: what is installed is not written to.

    Raises BuildError (no-nvcc) where they are not there.
    """
    packages = sorted(folder.glob("lib/python*/site-packages/nvidia/cu1*"))
    source = next((one for one in reversed(packages) if (one / "bin" / "nvcc").exists()), None)
    if source is None:
        raise BuildError(
            "the build's environment has no nvcc",
            context=str(folder),
            reference="no-nvcc",
            hint="its pins are in constraints/nvcc-*.txt; --cuda PATH names a toolkit that is here",
        )
    home, links = folder / "cuda", _toolkit_links(source)
    with disk_errors(home):
        if not _laid_out(home, links):
            _lay_out(home, links)
    return home


def _toolkit_links(source: Path) -> dict[str, Path]:
    """Name each link of a CUDA home and what it leads to; libraries by the name that a linker looks for, too."""
    links = {name: source / name for name in _LINKS if (source / name).exists()}
    libraries = sorted((source / "lib").glob("lib*"))
    for library in libraries:
        links.setdefault(f"lib64/{_plain_name(library)}", library)
    return links | {f"lib64/{library.name}": library for library in libraries}


def _plain_name(library: Path) -> str:
    return re.sub(r"(\.so)\.[\d.]+$", r"\1", library.name)


def _laid_out(home: Path, links: Mapping[str, Path]) -> bool:
    """Tell whether it stands as it should: another build of the same pins may be compiling with it."""
    return all((home / name).is_symlink() and (home / name).readlink() == target for name, target in links.items())


def _lay_out(home: Path, links: Mapping[str, Path]) -> None:
    """Make it beside its place and move it there whole: who finds it finds all of it."""
    with tempfile.TemporaryDirectory(prefix="cuda-", dir=home.parent) as name:
        made = Path(name, "cuda")
        (made / "lib64").mkdir(parents=True)
        for link, target in links.items():
            (made / link).symlink_to(target)
        try:
            made.rename(home)
        except OSError:
            if _laid_out(home, links):  # another build was faster
                return
            home.rename(Path(name, "half"))  # damaged, or half of an earlier one: goes with the folder
            made.rename(home)


def _cuda_home(recipe: Recipe, request: BuildRequest, environ: Mapping[str, str], *, pinned: bool) -> Path | None:
    """Choose the toolkit; None: the index's, or none is here."""
    if request.cuda == "index":
        return None
    if request.cuda != "auto":
        return _named_toolkit(Path(request.cuda).expanduser().absolute(), "--cuda")
    if recipe.cuda_from_index and pinned:
        return None
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if environ.get(variable):
            return _named_toolkit(Path(environ[variable]), variable)
    standing = next((Path(one) for one in _SYSTEM if Path(one, "bin", "nvcc").exists()), None)
    if standing is not None:
        return standing.resolve()
    return _beside(shutil.which("nvcc", path=environ.get("PATH")))


def _beside(nvcc: str | None, *, steps: int = 4) -> Path | None:
    """Find the toolkit of an nvcc on PATH, through links and through scripts (`steps` of them) that start another."""
    if nvcc is None or steps == 0:
        return None
    program = Path(nvcc).resolve()
    if program.parent.name == "bin" and (program.parent.parent / "include" / "cuda_runtime.h").exists():
        return program.parent.parent
    try:
        head = program.read_bytes()[:4096]
    except OSError:
        return None
    if not head.startswith(b"#!"):
        return None
    named = re.search(rb"^\s*exec\s[^\n]*?(/[^\s\"']+/bin/nvcc)\b", head, re.MULTILINE)
    return _beside(named[1].decode("utf-8", "replace"), steps=steps - 1) if named else None


def _named_toolkit(home: Path, by: str) -> Path:
    if not (home / "bin" / "nvcc").exists():
        raise UsageError(
            f"{by} names {home}, which is no CUDA toolkit",
            context=f"missing: {home / 'bin' / 'nvcc'}",
            reference="no-toolkit",
            hint="name the folder that holds bin/nvcc, e.g. /usr/local/cuda, or --cuda index",
        )
    return home.resolve()


def _asked(toolchain: Toolchain, run: Runner, environ: Mapping[str, str]) -> Toolchain:
    """Ask nvcc for its release and what it compiles for. Raises BuildError (nvcc-fails)."""
    nvcc = f"{toolchain.cuda_home}/bin/nvcc"
    told = [_told(run, [nvcc, option], environ) for option in ("--version", "--list-gpu-code")]
    version = re.search(r"release [\d.]+, V([\d.]+)", told[0])
    if version is None:
        raise BuildError(
            f"{nvcc} does not say which release it is",
            context=told[0].strip()[-400:],
            reference="nvcc-fails",
            hint="--cuda PATH names another toolkit, --cuda index takes NVIDIA's from the default index",
        )
    return replace(
        toolchain,
        nvcc_version=version[1],
        cuda_version=".".join(version[1].split(".")[:2]),
        nvcc_codes=tuple(word for word in told[1].split() if word.startswith("sm_")),
    )


def _told(run: Runner, argv: Sequence[str], environ: Mapping[str, str]) -> str:
    try:
        done = run(argv, env={**environ, "LC_ALL": "C"}, timeout=_PATIENCE)
    except (ProgramNotFoundError, OSError) as error:
        raise BuildError(
            f"{argv[0]} cannot be started",
            context=str(error),
            reference="nvcc-fails",
            hint="it is for another machine, or not executable: name another toolkit with --cuda",
        ) from error
    return done.stdout + done.stderr


def _require_major(toolchain: Toolchain, cuda_version: str | None) -> None:
    """Refuse a toolkit of another major release than torch's, as torch does. Raises UsageError (another-cuda)."""
    here = (toolchain.cuda_version or "").partition(".")[0]
    if cuda_version is not None and here != cuda_version.partition(".")[0]:
        raise UsageError(
            f"torch was built with CUDA {cuda_version}, and {toolchain.cuda_from} is CUDA {toolchain.cuda_version}",
            reference="another-cuda",
            hint="name a toolkit of the same major release with --cuda, or take the pinned one: --cuda index",
        )


def _compile_probe(
    toolchain: Toolchain, archs: Sequence[Arch], folder: Path, *, run: Runner, environ: Mapping[str, str]
) -> None:
    with disk_errors(folder), tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as name:
        source = Path(name, "probe.cu")
        source.write_text(_KERNEL, encoding="utf-8")
        nvcc = f"{toolchain.cuda_home}/bin/nvcc"
        argv = [nvcc, *gencode_flags(archs), "-ccbin", toolchain.cxx, "-c", str(source), "-o", f"{source}.o"]
        done = run(argv, env={**environ, "LC_ALL": "C"}, timeout=_PATIENCE)
    if not done.ok:
        words = redact(done.stderr or done.stdout).strip().splitlines()
        raise BuildError(
            f"nvcc {toolchain.nvcc_version} does not compile an empty kernel for {', '.join(one.sm for one in archs)}",
            context="\n".join([*words[:8], f"with {toolchain.cxx}: {toolchain.cxx_version}"]),
            reference="nvcc-fails",
            hint="the lines above are its own; another host compiler (CXX=g++-13) or another --cuda may do",
        )
