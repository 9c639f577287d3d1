"""Which Python an environment is made of: one that is here, or one that uv can get."""

from __future__ import annotations

import time

from scripts.disk import write_whole
from scripts.facts.interpreters import find_interpreters
from scripts.model.facts import Interpreter
from scripts.model.target import SUPPORTED_PYTHONS, PythonVersion
from scripts.operations.context import Context
from scripts.progress import step
from scripts.strategies.base import choose_python, no_python_error

_REMEMBER_SECONDS = 24 * 3600
"""How long a failed try of uv's is not repeated."""


def find_interpreter(
    wanted: PythonVersion | None, context: Context, *, fetch: bool
) -> tuple[Interpreter, tuple[str, ...]]:
    """Choose a Python, and say in a note what was not the first choice.

    The first choice is `wanted`, else 3.12. Where it is missing uv is asked for it (`fetch`): once a day where there is
    another to fall back on.

    Raises UsageError for an unsupported version, NoCandidateError where there is none.
    """
    host = context.facts.host
    best = wanted or SUPPORTED_PYTHONS[0]
    chosen = choose_python(host.interpreters, wanted, architecture=host.architecture)
    if chosen is not None and chosen.minor == best:
        return chosen, ()
    fetched = _fetch(best, context, again=chosen is None) if fetch else None
    if fetched is not None:
        return fetched, (f"uv fetched Python {fetched.version}",)
    if chosen is None:
        raise no_python_error(host.interpreters, wanted, asked=fetch)
    if not fetch:
        return chosen, (f"Python {best} is not here: unless uv can get it, Python {chosen.version} is used",)
    return chosen, (f"Python {best} is not here and uv could not get it: Python {chosen.version} is used",)


def _fetch(version: PythonVersion, context: Context, *, again: bool) -> Interpreter | None:
    """Have uv install a Python; None where it cannot. A failure is remembered for a day, unless `again`."""
    remembered = context.home.cache / f"no-python-{version}"
    if not again and remembered.is_file() and time.time() - remembered.stat().st_mtime < _REMEMBER_SECONDS:
        return None
    environ = {**context.uv_environ, "UV_HTTP_RETRIES": "0"}
    with step(f"asking uv for Python {version}"):
        done = context.run(
            [context.uv, "--no-config", "python", "install", "--no-bin", str(version)], env=environ, timeout=600
        )
    if not done.ok:
        write_whole(remembered, done.stderr)
        return None
    host = context.facts.host
    found = find_interpreters(context.run, context.environ)
    return choose_python(found, version, architecture=host.architecture)
