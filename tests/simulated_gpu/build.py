"""build(): the stand-ins for one torch, compiled once and kept by digest."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.disk import SPACE_HINT, disk_errors
from scripts.errors import BuildError, DiskError, NoCandidateError, SparkError, UsageError
from scripts.model.target import Architecture
from scripts.shell import Completed, ProgramNotFoundError, Runner
from tests.simulated_gpu import stubs
from tests.simulated_gpu.kept import made_once
from tests.simulated_gpu.symbols import Standin, read_torch, standins
from tests.support.full_disk import says_disk_is_full

SOURCES = Path(__file__).parent / "c"

# Hand-written files by the library's stem. device.c and those beside it are the driver's alone: the runtime asks it.
_BY_HAND = {
    "libcuda": ("device.c", "driver_modules.c", "errors.c", "fatbin.c", "libcuda.c", "memory.c", "trace.c"),
    "libcudart": ("cudart_kernels.c", "cudart_memory.c", "cudart_streams.c", "fatbin.c", "libcudart.c"),
    "libcudnn": ("cudnn_rnn.c", "libcudnn.c"),
}
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter")  # a stand-in leaves most of what it is given alone
_FLAGS = ("-std=gnu11", "-O1", "-g", "-fPIC", "-fvisibility=hidden", *WARNINGS)
_LINK = ("-shared", "-Wl,-z,defs", "-Wl,-z,noexecstack")
_PACKAGES = {
    "gcc": "gcc libc6-dev",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "x86_64-linux-gnu-gcc": "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
}

MANAGEMENT = Standin(soname="libnvidia-ml.so.1", imports=())
"""NVML comes with every driver; torch opens it by name."""
_ASK_THE_DRIVER = frozenset({"libcudart", "libnvidia-ml"})


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """One torch's stand-ins. `libraries` are absolute paths in the order that LD_PRELOAD wants."""

    folder: Path
    libraries: tuple[Path, ...]


def build(torch_folder: Path, *, cache: Path, architecture: Architecture, run: Runner) -> Simulator:
    """Build the stand-ins for the torch in site-packages/torch, or find them built under `cache`.

    An earlier build serves where sources, torch and compiler are the same. It is written whole or not at all, and of
    two at once the second waits for the first.

    Raises NoCandidateError (cpu-only-torch), UsageError (no-compiler), BuildError (unreadable-library, unknown-imports,
    simulator-build), and what made_once raises.
    """
    cuda = cuda_version(torch_folder)
    compiler = compiler_name(architecture)
    folder = cache.absolute() / f"libraries-{_digest(torch_folder, _version_of(compiler, run))}"

    def make(part: Path) -> None:
        libraries = (*standins(read_torch(torch_folder / "lib")), MANAGEMENT)
        _compile_all(libraries, part, cuda=cuda, compiler=compiler, run=run)

    if not folder.is_dir():
        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
    made_once(folder, folder.with_name(f"{folder.name}.lock"), make)
    return Simulator(folder=folder, libraries=tuple(sorted(folder.glob("lib*.so*"), key=_load_order)))


def _load_order(library: Path) -> tuple[bool, bool, str]:
    """Put the driver first, then the runtime, which is linked against it."""
    return not library.name.startswith("libcuda.so"), not library.name.startswith("libcudart.so"), library.name


def cuda_version(torch_folder: Path) -> tuple[int, int]:
    """Read which CUDA a torch was built with, (13, 2). Raises NoCandidateError (cpu-only-torch)."""
    file = torch_folder / "version.py"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    match = re.search(r"^cuda\b[^=\n]*=\s*['\"](\d+)\.(\d+)", text, re.MULTILINE)
    if match is None or not (torch_folder / "lib" / "libtorch_cuda.so").is_file():
        raise NoCandidateError(
            f"the torch in {torch_folder} has no CUDA, so there is no GPU to simulate for it",
            reference="cpu-only-torch",
            hint="install a torch that was built with CUDA",
        )
    return int(match[1]), int(match[2])


def compiler_name(architecture: Architecture, *, machine: str | None = None) -> str:
    """Name the compiler for an architecture, from this machine's point of view."""
    native = (machine or platform.machine()) == architecture.value
    return "gcc" if native else f"{architecture.value}-linux-gnu-gcc"


def _version_of(compiler: str, run: Runner) -> str:
    try:
        return run([compiler, "--version"]).stdout
    except ProgramNotFoundError as error:
        raise UsageError(
            f"{compiler} was not found: the simulated GPU is compiled for each torch",
            reference="no-compiler",
            hint=f"apt-get install {_PACKAGES[compiler]}",
        ) from error


def _digest(torch_folder: Path, compiler: str) -> str:
    """Make one name of the sources, the compiler and the torch: its version with its commit, its libraries' sizes."""
    digest = hashlib.sha256(compiler.encode())
    sources = sorted(
        [*SOURCES.glob("*.[ch]"), *map(Path, (__file__, stubs.__file__)), Path(__file__).parent / "symbols.py"]
    )
    for path in [*sources, torch_folder / "version.py"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for path in sorted((torch_folder / "lib").glob("lib*.so*")):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]


def _compile_all(
    libraries: Iterable[Standin], folder: Path, *, cuda: tuple[int, int], compiler: str, run: Runner
) -> None:
    driver = folder / "libcuda.so.1"
    for library in sorted(libraries, key=lambda one: _load_order(Path(one.soname))):
        generated = folder / "generated" / library.stem
        generated.mkdir(parents=True)
        (generated / "stubs.c").write_text(stubs.source(library), encoding="utf-8")
        (generated / "versions.map").write_text(stubs.version_script(library), encoding="utf-8")
        argv = compile_command(library, folder, generated, cuda=cuda, compiler=compiler)
        done = run([*argv, str(driver)] if library.stem in _ASK_THE_DRIVER else argv)
        if not done.ok:
            raise compile_failure(done, library.soname, compiler=compiler)


def compile_command(
    library: Standin, folder: Path, generated: Path, *, cuda: tuple[int, int], compiler: str
) -> Sequence[str]:
    """Give the compiler's arguments for one library."""
    major, minor = cuda
    script = generated / "versions.map"
    versions = [f"-Wl,--version-script={script}"] if stubs.version_script(library) else []
    own = f"{library.stem}.c"
    by_hand = _BY_HAND.get(library.stem) or ((own,) if (SOURCES / own).is_file() else ())
    return [
        compiler,
        *_FLAGS,
        f"-DCUDA_VERSION={1000 * major + 10 * minor}",
        f"-DCUDART_MAJOR={major}",
        *_LINK,
        f"-Wl,-soname,{library.soname}",
        *versions,
        "-o",
        str(folder / library.soname),
        *(str(SOURCES / name) for name in by_hand),
        str(generated / "stubs.c"),
    ]


def compile_failure(done: Completed, soname: str, *, compiler: str) -> SparkError:
    """Turn the compiler's words into the error that they mean. Pure."""
    output = "\n".join(filter(None, (done.stderr.strip(), done.stdout.strip())))
    if says_disk_is_full(output):
        return DiskError(
            f"there is no space left to compile {soname} of the simulated GPU",
            context=output,
            reference="disk-full",
            hint=f"{SPACE_HINT}; the compiler's own files are in TMPDIR, or /tmp",
        )
    return BuildError(
        f"{soname} of the simulated GPU does not compile",
        context=output or f"{compiler} said nothing and ended with {done.returncode}",
        reference="simulator-build",
        hint=f"the lines above are the compiler's own; headers come with `apt-get install {_PACKAGES[compiler]}`",
    )
