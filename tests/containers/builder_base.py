"""The stand-in of NVIDIA's CUDA devel image: a Debian with g++, git and Python, and nvcc of NVIDIA's own wheels.

Its toolkit is at /usr/local/cuda, as in NVIDIA's: compiler, headers, runtime; no other library. Debian's Python is the
Python of it. The root is made once and kept below the data root's cache.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.home import CONSTRAINTS
from scripts.operations.context import Context
from scripts.shell import run
from tests.containers.base_image import import_root
from tests.simulated_gpu.kept import kept
from tests.support.roots import SUITE, CannotBuildError, debootstrap

NAME = "host.example/cuda"
"""Of no registry: it is here or nowhere."""
TAG = "13.2-devel"
PYTHON = "3.11"
PACKAGES = "ca-certificates,file,g++,gcc,git,libc6-dev,make,python3,python3-dev"
PINS = CONSTRAINTS / "nvcc-cu132.txt"
_UNUSED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")


def builder_base(context: Context, environ: Mapping[str, str], *, engine: str = "docker") -> str:
    """Give the stand-in to an engine. Gives its name. Raises what debootstrap raises, CannotBuildError."""
    root = cuda_root(context)
    return import_root(root, f"{NAME}:{TAG}", environ, {}, engine=engine)


def cuda_root(context: Context) -> Path:
    """Give the root file system, made once for its packages and the compiler's pins."""
    recipe = f"{SUITE} {PACKAGES} {PINS.read_text(encoding='utf-8')}"
    return kept("cuda-devel", recipe, context.home, lambda folder: _make(folder, context)) / "root"


def _make(folder: Path, context: Context) -> None:
    root = folder / "root"
    debootstrap(root, packages=PACKAGES)
    for name in _UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    unpacked = folder / "nvcc"
    words = ["--target", str(unpacked), "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(PINS)]
    python = ["--python-version", PYTHON]
    done = run([context.uv, "--no-config", "pip", "install", "--quiet", *python, *words], env=context.uv_environ)
    if not done.ok:
        raise CannotBuildError(f"NVIDIA's compiler was not unpacked: {done.stderr.strip()}")
    cuda = root / "usr/local/cuda"
    shutil.move(unpacked / "nvidia" / "cu13", cuda)
    shutil.rmtree(unpacked)
    (cuda / "lib64").symlink_to("lib")
    (cuda / "lib" / "libcudart.so").symlink_to("libcudart.so.13")


def write_table(constraints: Path) -> None:
    """Have constraints/images.toml name the stand-in for CUDA 13.2, beside the images that Kokoro runs in."""
    text = (CONSTRAINTS / "images.toml").read_text(encoding="utf-8").partition("[builder]")[0]
    constraints.mkdir(parents=True, exist_ok=True)
    (constraints / "images.toml").write_text(
        f'{text}\n[builder]\nname = "{NAME}"\ndistribution = "debian"\n\n[builder.tags."{TAG}"]\ncuda = "13.2"\n'
        f'python = "{PYTHON}"\nplatforms = ["aarch64", "x86_64"]\nchecked = "2026-12-01"\nsource = "made here"\n',
        encoding="utf-8",
    )
