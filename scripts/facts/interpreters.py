"""Which Pythons this machine has: PATH, pyenv's and uv's own, each asked what it is."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.facts.fact import Fact
from scripts.model.facts import Interpreter
from scripts.shell import Runner

_NAME = re.compile(r"python3(?:\.(?:9|1[0-5]))?")
_WORKERS = 8

# Isolated and without site-packages: quick, and nothing installed can change the answer. _multiarch tells a
# 32-bit interpreter on a 64-bit kernel, which uname does not.
_QUESTION = """
import json, os, sys
built_for = getattr(sys.implementation, "_multiarch", "") or os.uname().machine
print(json.dumps([".".join(map(str, sys.version_info[:3])), sys.implementation.name, built_for.split("-")[0]]))
"""


def parse_interpreter(text: str) -> tuple[str, str, str] | None:
    """Read an interpreter's answer: version, implementation, architecture. None: broken, or too old."""
    try:
        version, implementation, architecture = json.loads(text.strip().splitlines()[-1])
    except (ValueError, TypeError, IndexError):
        return None
    if not isinstance(version, str) or re.fullmatch(r"3\.(?:9|1\d)\.\d+", version) is None:
        return None
    return version, str(implementation), str(architecture)


def find_interpreters(run: Runner, environ: Mapping[str, str]) -> tuple[Interpreter, ...]:
    """Find and ask every Python 3.9 to 3.15: those on PATH first, in its order, then pyenv's, uv's and ours.

    Paths are real ones, so that a Python with several names is one, and a virtual environment is its base.
    Broken ones are left out.
    """

    def ask(path: str) -> Interpreter | None:
        answer = Fact((path, "-I", "-S", "-c", _QUESTION), parse_interpreter).ask(run, environ)
        if answer is None:
            return None
        version, implementation, architecture = answer
        return Interpreter(path=path, version=version, implementation=implementation, architecture=architecture)

    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        return tuple(found for found in pool.map(ask, candidates(environ)) if found is not None)


def candidates(environ: Mapping[str, str]) -> tuple[str, ...]:
    """List the files that may be Pythons, each real file once, in the order in which they are preferred."""
    names = (_real(path) for folder in _folders(environ) for path in _pythons(folder))
    return tuple(dict.fromkeys([*names, _real(Path(sys.executable))]))


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    """Name the folders to look in. Those called `shims` hold slow scripts that pick another Python by the folder."""
    home = Path(environ.get("HOME") or "~").expanduser()
    for name in environ.get("PATH", "").split(os.pathsep):
        if name and Path(name).name != "shims":
            yield Path(name)
    yield from _sorted(Path(environ.get("PYENV_ROOT") or home / ".pyenv").glob("versions/*/bin"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    yield from _sorted(Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python").glob("*/bin"))


def _sorted(folders: Iterable[Path]) -> list[Path]:
    """Newest version first, as numbers: 3.12 before 3.9."""
    return sorted(folders, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.parent.name)], reverse=True)


def _pythons(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return []
    # `python3` first: it is the one that the folder's owner calls the default.
    return sorted((path for path in found if os.access(path, os.X_OK) and path.is_file()), key=lambda path: path.name)


def _real(path: Path) -> str:
    """Resolve links, unless they end at a program of another name, which decides by the name it is called by."""
    real = path.resolve()
    return str(real if real.name.startswith(("python", "pypy")) else path)
