"""Stand-ins for nvcr.io/nvidia/pytorch, made in seconds of what is here: a Debian, a Python, a torch and its NVRTC.

CUDA's other libraries in them are the simulated GPU's. Its driver lists no device until the stand-in runtime of
tests/containers/nvidia brings one. The Debian root is made once (debootstrap, half a minute) and kept below the data
root's cache; the rest is linked from what the simulated tier made, so an image costs no second copy but the engine's.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.home import Home
from scripts.model.target import Architecture
from scripts.shell import Completed, run
from tests.containers.nvidia import LIBRARIES
from tests.simulated_gpu.build import build
from tests.simulated_gpu.gpu import find_torch_folder
from tests.simulated_gpu.kept import kept
from tests.simulated_gpu.overlay import install_hook
from tests.support.roots import SUITE, CannotBuildError, debootstrap

NGC = "nvcr.io/nvidia/pytorch"
PACKAGES = "ca-certificates"
OF_TORCH = (
    "torch", "torch-*", "torchgen", "functorch", "nvidia", "nvidia_cuda_nvrtc*", "typing_extensions*", "filelock*",
    "fsspec*", "jinja2*", "markupsafe*", "mpmath*", "networkx*", "sympy*", "numpy*", "setuptools*", "_distutils_hack",
    "distutils-precedence.pth", "packaging*",
)  # fmt: skip
"""What a torch needs to be imported, as files of a site-packages."""
LEFT_OUT = (
    "test",
    "idlelib",
    "tkinter",
    "site-packages",
    "dist-packages",
    "config-*",
    "__pycache__",
    "_tkinter*",
    "lib2to3",
)
"""What a standard library is copied without."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CUDA = "usr/local/cuda/lib64"


@dataclass(frozen=True, kw_only=True)
class BasePython:
    """The Python that an environment was made of."""

    executable: Path
    library: Path
    """Its standard library."""
    version: str
    """`3.12`"""
    site: str
    """The name of the folder for packages: Debian has another."""


def debian_root(home: Home) -> Path:
    """Give a minimal Debian, made once. Raises what debootstrap raises."""
    return kept("debian", f"{SUITE} {PACKAGES}", home, _make_debian) / "root"


def _make_debian(folder: Path) -> None:
    debootstrap(folder / "root", packages=PACKAGES)
    for name in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man"):
        shutil.rmtree(folder / "root" / name, ignore_errors=True)


def base_python(python: Path) -> BasePython:
    """Ask an environment's interpreter which Python it was made of."""
    program = (
        "import os, sys, sysconfig; print(os.path.realpath(sys.executable), sysconfig.get_path('stdlib'), "
        "'%d.%d' % sys.version_info[:2], os.path.basename(sysconfig.get_path('purelib', 'posix_prefix')), sep='\\n')"
    )
    done = _checked([str(python), "-I", "-c", program])
    executable, library, version, site = done.stdout.splitlines()
    debian = Path(library).is_relative_to("/usr/lib")
    return BasePython(
        executable=Path(executable), library=Path(library), version=version, site="dist-packages" if debian else site
    )


def torch_image(tag: str, python: Path, home: Home, environ: Mapping[str, str], *, engine: str = "docker") -> str:
    """Make the stand-in of an NGC image: the torch and NVRTC of the slim environment of `python`. Gives its name."""
    torch = find_torch_folder(python, run=run)
    simulators = home.cache / "simulated-gpu"
    simulator = build(torch, cache=simulators, architecture=Architecture(platform.machine()), run=run)
    with tempfile.TemporaryDirectory(prefix="base-", dir=simulators) as name:
        root = Path(name, "root")
        base = _root_with_python(root, python, home)
        site = root / f"usr/local/lib/python{base.version}" / base.site
        for pattern in OF_TORCH:
            for found in torch.parent.glob(pattern):
                _link(found, site / found.name)
        for unused in ("include", "test"):
            shutil.rmtree(site / "torch" / unused, ignore_errors=True)
        install_hook(site)
        (root / CUDA).mkdir(parents=True)
        for library in simulator.libraries:
            _link(library, root / CUDA / library.name)
        (root / "etc/ld.so.conf.d/000_cuda.conf").write_text(f"/{CUDA}\n", encoding="utf-8")
        _finish(root, "import torch; assert torch.version.cuda; import pip, venv", {"SIMULATED_GPU_DEVICES": "0"})
        variables = {LIBRARIES: simulator.folder.name, "SIMULATED_GPU_DEVICES": "0"}
        return import_root(root, f"{NGC}:{tag}", environ, variables, engine=engine)


def python_image(name: str, python: Path, home: Home, environ: Mapping[str, str], *, engine: str = "docker") -> str:
    """Make an image of a Debian and a Python with an environment at our place, but no torch. Gives its name."""
    simulators = home.cache / "simulated-gpu"
    simulators.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="base-", dir=simulators) as folder:
        root = Path(folder, "root")
        _root_with_python(root, python, home)
        _finish(root, "import pip, venv", {})
        _checked(["chroot", str(root), "/usr/local/bin/python3", "-m", "venv", "--without-pip", "/opt/kokoro-spark"])
        return import_root(root, name, environ, {}, engine=engine)


def import_root(
    root: Path, name: str, environ: Mapping[str, str], variables: Mapping[str, str], *, engine: str = "docker"
) -> str:
    """Give a folder to an engine as an image of one layer."""
    changes = [f"ENV {key}={value}" for key, value in {"PATH": PATH, **variables}.items()]
    options = [word for change in (*changes, "CMD /bin/bash") for word in ("--change", change)]
    with tempfile.TemporaryFile() as words:
        tar = subprocess.Popen(
            ["tar", "--create", "--numeric-owner", "--owner=0", "--group=0", f"--directory={root}", "."],
            stdout=subprocess.PIPE,
        )
        imported = subprocess.run(
            [engine, "import", *options, "-", name],
            check=False,
            env=dict(environ),
            stdin=tar.stdout,
            stdout=words,
            stderr=words,
        )
        if tar.stdout is not None:
            tar.stdout.close()
        words.seek(0)
        if tar.wait() or imported.returncode:
            raise CannotBuildError(f"{engine} takes no image: {words.read().decode(errors='replace').strip()}")
    return name


def _root_with_python(root: Path, python: Path, home: Home) -> BasePython:
    """Link a Debian root into `root`, and put the Python into /usr/local of it."""
    base = base_python(python)
    _link(debian_root(home), root)
    library = root / "usr/local/lib" / f"python{base.version}"
    library.mkdir(parents=True)
    for found in base.library.iterdir():
        if not any(found.match(pattern) for pattern in LEFT_OUT):
            _link(found, library / found.name)
    shutil.rmtree(library / "lib-dynload" / "__pycache__", ignore_errors=True)
    executable = root / "usr/local/bin" / f"python{base.version}"
    _link(base.executable, executable)
    for name in ("python3", "python"):
        executable.with_name(name).symlink_to(executable.name)
    needed = [
        base.executable,
        *(one for one in (base.library / "lib-dynload").glob("*.so") if "tkinter" not in one.name),
    ]
    for shared in _needed_libraries(needed):
        place = root / "usr/local/lib" / shared.name
        if not (root / str(shared).lstrip("/")).exists() and not place.exists():
            shutil.copyfile(shared.resolve(), place)
    site = library / base.site
    site.mkdir()
    for found in base.library.glob(f"{base.site}/pip*"):
        _link(found, site / found.name)
    return base


def _finish(root: Path, program: str, variables: Mapping[str, str]) -> None:
    """Write the loader's cache and have the root's own Python run a program. Raises CannotBuildError."""
    _checked(["ldconfig", "-r", str(root)])
    if not list((root / "usr/local/lib").glob("python*/*-packages/pip")):
        _checked(["chroot", str(root), "/usr/local/bin/python3", "-m", "ensurepip"])
    given = [f"{name}={value}" for name, value in variables.items()]
    _checked(["chroot", str(root), "env", "-i", f"PATH={PATH}", *given, "/usr/local/bin/python3", "-B", "-c", program])


def _needed_libraries(files: Sequence[Path]) -> list[Path]:
    """List the shared libraries that programs are linked with, from the loader itself."""
    done = run(["ldd", *map(str, files)])
    return sorted({Path(found) for found in re.findall(r"=> (/\S+) \(", done.stdout)})


def _link(source: Path, target: Path) -> None:
    """Copy by hard links, within one file system, else by content. The copy's files are never written to."""
    if not run(["cp", "-al", str(source), str(target)]).ok:
        shutil.rmtree(target, ignore_errors=True)
        _checked(["cp", "-a", str(source), str(target)])


def _checked(argv: Sequence[str]) -> Completed:
    done = run(argv)
    if not done.ok:
        words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise CannotBuildError(f"{argv[0]} made no base image: {words}")
    return done
