"""Building an extension on one machine for another: what setuptools, torch's cpp_extension and nvcc are told. Pure.

The interpreter, torch's headers and nvcc are this machine's; device code is the same wherever it was compiled. The
target's are the compiler, the libraries that are linked, and the names: extension suffix and platform.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.errors import UsageError

TARGET = "target"
"""Below the build's environment: the target's packages, unpacked."""


def cross_variables(triple: str, *, folder: Path, cuda_home: Path) -> dict[str, str]:
    """Give the variables of a cross build; `folder` is the build's environment. Raises UsageError (no-cross-build)."""
    machine = triple.partition("-")[0]
    version = next((one.name for one in sorted(folder.glob("lib/python3*"))), f"python{sys.version_info[0]}.0")
    number = version.removeprefix("python").replace(".", "")
    if not number.isdecimal():
        raise UsageError(
            f"{version} is no Python to build for", reference="no-cross-build", hint="choose one with --python"
        )
    libraries = [
        folder / TARGET / "torch" / "lib",
        folder / TARGET / "nvidia" / "cu13" / "lib",
        folder / TARGET / "links",
    ]
    flags = " ".join(f"-L{one}" for one in libraries)
    del cuda_home
    return {
        "CC": f"{triple}-gcc",
        "CXX": f"{triple}-g++",
        "AR": f"{triple}-ar",
        "LDSHARED": f"{triple}-g++ -shared",
        "LDCXXSHARED": f"{triple}-g++ -shared",
        # ld passes over the build machine's libraries, which come first, as they are for another machine.
        "LDFLAGS": flags,
        "_PYTHON_HOST_PLATFORM": f"linux-{machine}",
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-{number}-{triple}.so",
        "NVCC_PREPEND_FLAGS": f"-ccbin {triple}-g++",
    }
