"""Which C and C++ compiler a build uses: this machine's, the environment's word, or those for another machine."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping

from scripts.errors import UsageError
from scripts.shell import ProgramNotFoundError, Runner

_CACHES = frozenset({"ccache", "sccache"})
_PATIENCE = 120.0
"""Seconds: a compiler on a network disk, on a busy machine."""


def choose_compilers(environ: Mapping[str, str], triple: str | None) -> tuple[str, str]:
    """Choose the C and the C++ compiler: CC and CXX count, for a build of this machine's own kind (no `triple`).

    One that is not there keeps its bare name. Raises UsageError (bad-compiler) for a CC or CXX that is none.
    """
    if triple is not None:
        return _or_name(f"{triple}-gcc", environ), _or_name(f"{triple}-g++", environ)
    return _chosen("CC", "gcc", environ), _chosen("CXX", "g++", environ)


def first_line(run: Runner, program: str, environ: Mapping[str, str]) -> str:
    """Give the first line of `--version`; empty: there is no such program, or it is none for this machine."""
    try:
        done = run([program, "--version"], env={**environ, "LC_ALL": "C"}, timeout=_PATIENCE)
    except (ProgramNotFoundError, OSError):
        return ""
    return done.stdout.partition("\n")[0].strip() if done.ok else ""


def _chosen(variable: str, default: str, environ: Mapping[str, str]) -> str:
    said = environ.get(variable, "").strip()
    if not said:  # an empty variable says nothing
        return _or_name(default, environ)
    words = _words(said)
    if len(words) != 1 or words[0].rpartition("/")[2] in _CACHES:
        raise UsageError(
            f"{variable} in the environment is {said!r}, which is not a compiler alone",
            reference="bad-compiler",
            hint=f"name the compiler alone in {variable}: the compiler cache comes by itself",
        )
    found = _path_of(words[0], environ)
    if found is None:
        raise UsageError(
            f"{variable} in the environment names {words[0]}, which is not there",
            reference="bad-compiler",
            hint=f"take {variable} out, or name a compiler that is here",
        )
    return found


def _words(said: str) -> list[str]:
    """Split as a shell would; nothing where a quotation is left open."""
    try:
        return shlex.split(said)
    except ValueError:
        return []


def _or_name(name: str, environ: Mapping[str, str]) -> str:
    return _path_of(name, environ) or name


def _path_of(name: str, environ: Mapping[str, str]) -> str | None:
    return shutil.which(name, path=environ.get("PATH"))
