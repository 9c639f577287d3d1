"""Building an extension on one machine for another: what setuptools, torch's cpp_extension and nvcc are told.

The interpreter, torch's headers and nvcc are this machine's; device code is the same wherever it was compiled. The
target's are the compiler, the libraries that are linked, and the names: extension suffix and platform.
"""

from __future__ import annotations

from pathlib import Path

from scripts.disk import write_whole
from scripts.errors import UsageError

TARGET = "target"
"""Below the build's environment: the target's packages, unpacked."""


def cross_variables(triple: str, *, folder: Path) -> dict[str, str]:
    """Give the variables of a cross build; `folder` is the build's environment.

    nvcc takes the host compiler that torch's cpp_extension gives it, CC. Raises UsageError (no-cross-build).
    """
    machine = triple.partition("-")[0]
    version = next((one.name for one in sorted(folder.glob("lib/python3*"))), "")
    number = version.removeprefix("python").replace(".", "")
    if not number.isdecimal():
        raise UsageError(
            f"{version} is no Python to build for" if version else f"no Python to build for is in {folder}",
            reference="no-cross-build",
            hint="choose one with --python",
        )
    libraries = [
        folder / TARGET / "torch" / "lib",
        folder / TARGET / "nvidia" / "cu13" / "lib",
        folder / TARGET / "links",
    ]
    flags = " ".join(f"-L{one}" for one in libraries)
    return {
        "CC": f"{triple}-gcc",
        "CXX": f"{triple}-g++",
        "AR": f"{triple}-ar",
        "LDSHARED": f"{triple}-g++ -shared",
        "LDCXXSHARED": f"{triple}-g++ -shared",
        # ld passes over the build machine's libraries, which come first, as they are for another machine.
        "LDFLAGS": flags,
        # Debian's pyconfig.h includes one of the machine that is compiled for, which is not there.
        "CPATH": str(folder / TARGET / "include"),
        "_PYTHON_HOST_PLATFORM": f"linux-{machine}",
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-{number}-{triple}.so",
    }


def python_headers(triple: str, python: str, target: Path, *, system: Path = Path("/usr/include")) -> None:
    """Lay this machine's pyconfig.h where a Debian Python's headers look for the target's (both are 64-bit).

    `python` is `python3.12`. Raises DiskError.
    """
    found = next(iter(sorted(system.glob(f"*-linux-gnu/{python}/pyconfig.h"))), None)
    if found is not None:
        write_whole(target / "include" / triple / python / "pyconfig.h", found.read_text(encoding="utf-8"))
