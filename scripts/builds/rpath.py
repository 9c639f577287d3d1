"""Where a wheel's libraries look for those of other packages: written into them, as torch's own wheels have it.

DT_RPATH and not DT_RUNPATH (`--force-rpath`): it counts for what a library's own libraries load as well, and
LD_LIBRARY_PATH does not come before it. torch 2.15.0's wheels have it so (readelf -d libtorch_cuda.so).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.errors import BuildError
from scripts.shell import ProgramNotFoundError, Runner

_ELF = b"\x7fELF"


def set_rpath(folder: Path, rpath: Sequence[str], *, patchelf: Path, run: Runner, environ: Mapping[str, str]) -> int:
    """Write it into every library of an unpacked wheel, {site} being the way to site-packages; give how many.

    Raises BuildError (patchelf-failed).
    """
    libraries = [path for path in sorted(folder.rglob("*.so*")) if path.is_file() and _is_elf(path)]
    for library in libraries:
        up = os.path.relpath(folder, library.parent)
        site = "$ORIGIN" if up == "." else f"$ORIGIN/{up}"
        value = ":".join(one.replace("{site}", site) for one in rpath)
        try:
            done = run([str(patchelf), "--force-rpath", "--set-rpath", value, str(library)], env=environ)
        except ProgramNotFoundError as error:
            raise _failed(library, str(patchelf), "it is not there") from error
        if not done.ok:
            raise _failed(library, str(patchelf), done.stderr.strip())
    return len(libraries)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == _ELF


def _failed(library: Path, patchelf: str, why: str) -> BuildError:
    return BuildError(
        f"the search path of {library.name} cannot be written",
        context=f"{patchelf}: {why}",
        reference="patchelf-failed",
        hint="patchelf comes from constraints/builder.txt: remove the builds folder and run it again",
    )
