"""Where the environment will be: this machine or another, and which Python."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.errors import NoCandidateError
from scripts.model.facts import HostFacts, Interpreter
from scripts.model.plan import Request
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion, Target
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.strategies.base import require_supported

_GLIBC_ELSEWHERE = {Architecture.AARCH64: (2, 39), Architecture.X86_64: (2, 28)}
"""DGX OS's glibc, and the lowest that torch's wheels take."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the environment will be. `interpreter` None: another machine's platform, plan only."""

    target: Target
    interpreter: Interpreter | None
    notes: tuple[str, ...] = ()


def find_site(request: Request, context: Context, *, fetch_python: bool) -> Site:
    """Find out where. `fetch_python`: have uv get a Python where none fits. Raises what find_interpreter raises."""
    host = context.facts.host
    if request.architecture is not None and request.architecture != host.architecture:
        return Site(target=another_machine(request.architecture, request.python), interpreter=None)
    architecture, glibc = this_machine(host)
    interpreter, notes = find_interpreter(request.python, context, fetch=fetch_python)
    target = Target(architecture=architecture, python=interpreter.minor, glibc=glibc)
    return Site(target=target, interpreter=interpreter, notes=notes)


def another_machine(architecture: Architecture, python: PythonVersion | None) -> Target:
    """Name the target of a machine that is not this one; `python` None: the best. Raises as require_supported does."""
    chosen = require_supported(python) or SUPPORTED_PYTHONS[0]
    return Target(architecture=architecture, python=chosen, glibc=_GLIBC_ELSEWHERE[architecture])


def this_machine(host: HostFacts) -> tuple[Architecture, tuple[int, int]]:
    """Give this machine's architecture and glibc. Raises NoCandidateError where it is not one we know."""
    return _architecture(host), _glibc(host.libc_version)


def _architecture(host: HostFacts) -> Architecture:
    """Read this machine's architecture: nobody asked for another one."""
    known = {str(one): one for one in Architecture}
    if host.system != "Linux" or host.architecture not in known:
        raise NoCandidateError(
            f"this machine is {host.system} on {host.architecture}: the environments are made for Linux on "
            + " or ".join(Architecture),
            reference="unsupported-machine",
            hint="use a Linux machine or a container on this one",
        )
    return known[host.architecture]


def _glibc(version: str | None) -> tuple[int, int]:
    """Read `2.36`; an unknown C library counts as too old, and is refused by name elsewhere."""
    parts = (version or "0.0").split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else (0, 0)
