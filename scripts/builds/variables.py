"""The environment that a build runs in: a short list of what is let through, and what we and the recipe say. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.builds.arch import VARIABLE
from scripts.builds.cross import cross_variables
from scripts.errors import UsageError
from scripts.home import Home
from scripts.model.builds import Toolchain
from scripts.model.recipes import Arch, Recipe

_KEPT = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "REQUESTS_CA_BUNDLE",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
        "XDG_RUNTIME_DIR",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    }
)
_KEPT_PREFIXES = ("CCACHE_", "LC_")
_CHANGES_A_BUILD = re.compile(
    r"C(?:|XX|PP)FLAGS|LD_?FLAGS|LD_LIBRARY_PATH|LD_PRELOAD|CPATH|LIBRARY_PATH|.*_INCLUDE_PATH|DEBUG|CC|CXX|CUDACXX"
    r"|NVCC_(?:APPEND|PREPEND)_FLAGS|CMAKE_.*|SKBUILD_.*|(?:USE|BUILD|FORCE|PYTORCH|TORCH|CUDNN|NCCL)_.*|MAX_JOBS"
)
_EPOCH = "1767225600"
"""2026-01-01: the same dates in every archive, so that the same build is the same bytes."""
COMPILERS = ("cc", "c++", "gcc", "g++")
MASQUERADE = "masquerade"
"""A folder of compilers' names that lead to ccache, for builds that start the compiler by its name."""
_STATUS = "[%f/%t] "
"""What running.py reads progress by."""


def build_variables(
    recipe: Recipe,
    *,
    archs: Sequence[Arch],
    toolchain: Toolchain,
    jobs: int,
    torch: str,
    environ: Mapping[str, str],
    home: Home,
    folder: Path,
    requires: Sequence[str] = (),
) -> dict[str, str]:
    """Give the whole environment of a build. `folder` is its venv, `torch` the release that is built against.

    `requires`: what a torch that is built is to require, as `name==version`. The caller's compiler flags and switches
    are left out (see `dropped`): what decides a wheel's content is in its recipe and its stamp. CCACHE_ variables pass
    through, remote storage and its credentials among them. Raises UsageError (bad-recipe) for a {name} nobody knows.
    """
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    path = [str(folder / "bin"), *([f"{toolchain.cuda_home}/bin"] if toolchain.cuda_home else [])]
    if not recipe.cuda:
        path.insert(0, str(folder / MASQUERADE))
    ours = {
        "PATH": os.pathsep.join([*path, environ.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(folder),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "SOURCE_DATE_EPOCH": _EPOCH,
        "NINJA_STATUS": _STATUS,
        "CMAKE_GENERATOR": "Ninja",
        "CMAKE_EXPORT_COMPILE_COMMANDS": "ON",
        "CMAKE_C_COMPILER_LAUNCHER": "ccache",
        "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
        "CCACHE_DIR": environ.get("CCACHE_DIR", str(home.compiler_cache)),
        "CCACHE_BASEDIR": environ.get("CCACHE_BASEDIR", str(home.builds)),
        "CCACHE_NOHASHDIR": "1",
    }
    if recipe.cuda:
        ours |= {
            "CC": _cached(toolchain.cc, folder),
            "CXX": _cached(toolchain.cxx, folder),
            VARIABLE: ";".join(map(str, archs)),
            "CUDA_HOME": toolchain.cuda_home or "",
            "CUDACXX": f"{toolchain.cuda_home}/bin/nvcc",
            "CMAKE_CUDA_COMPILER_LAUNCHER": "ccache",
        }
    if toolchain.triple is not None:
        ours |= cross_variables(toolchain.triple, folder=folder)
    names = {
        "arch_list": ";".join(map(str, archs)),
        "sm": "".join(one.sm.replace("_", "") for one in archs),
        "cuda_home": toolchain.cuda_home or "",
        "cuda": (toolchain.cuda_version or "").replace(".", ""),
        "torch": torch,
        "packages": str(next(iter(sorted(folder.glob("lib/python3*/site-packages"))), folder)),
        "requires": " | ".join(requires),
        "jobs": str(jobs),
    }
    said = {name: fill(value, names, what=f"environment.{name}", recipe=recipe) for name, value in recipe.variables}
    return with_jobs(kept | ours | said, jobs)


def _cached(compiler: str, folder: Path) -> str:
    """Give a compiler's name that leads to ccache, which takes the one of that name on PATH; others as they are.

    What puts ccache before its compilers itself, as torch and CMake do, may: ccache knows its own links.
    """
    name = Path(compiler).name
    return str(folder / MASQUERADE / name) if name in COMPILERS else compiler


def with_jobs(variables: Mapping[str, str], jobs: int) -> dict[str, str]:
    """Give the same environment with another number of compilers at once."""
    count = str(jobs)
    return {**variables, "MAX_JOBS": count, "CMAKE_BUILD_PARALLEL_LEVEL": count}


def dropped(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name what the caller's environment says that would have changed a build, and does not."""
    return tuple(sorted(name for name in environ if _CHANGES_A_BUILD.fullmatch(name) and name != VARIABLE))


def fill(value: str, names: Mapping[str, str], *, what: str, recipe: Recipe) -> str:
    """Put values in the place of {names}. Raises UsageError (bad-recipe)."""

    def known(found: re.Match[str]) -> str:
        if found[1] not in names:
            raise UsageError(
                f"recipe {recipe.name}, {what}: nothing is known of {{{found[1]}}}",
                reference="bad-recipe",
                hint=f"known are: {', '.join(names)}",
            )
        return names[found[1]]

    return re.sub(r"\{([a-z_]+)\}", known, value)
