"""wheel.serve: the wheelhouse as a package index, on loopback unless asked otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scripts.builds import serving
from scripts.errors import UsageError
from scripts.operations.context import Context
from scripts.operations.wheelhouses import wheelhouse_folder

_HIGHEST = 65535


def serve(
    root: str | None,
    host: str,
    port: str,
    context: Context,
    *,
    ready: Callable[[dict[str, str]], None],
    verbose: bool,
) -> None:
    """Serve until a signal ends it; `ready` is told what and where once requests are taken.

    Raises UsageError (bad-port, no-wheelhouse, cannot-listen).
    """
    folder, number = _read(root, port, context)
    serving.serve(
        folder,
        host,
        number,
        ready=lambda url: ready({"wheelhouse": str(folder), "url": url}),
        verbose=verbose,
    )


def foreseen(root: str | None, host: str, port: str, context: Context) -> dict[str, str]:
    """Name what would be served, and where."""
    folder, number = _read(root, port, context)
    return {"wheelhouse": str(folder), "url": f"http://{host}:{number}/simple/"}


def _read(root: str | None, port: str, context: Context) -> tuple[Path, int]:
    if not port.isdecimal() or int(port) > _HIGHEST:
        raise UsageError(f"--port {port!r} is no port", reference="bad-port", hint=f"0 to {_HIGHEST}")
    return wheelhouse_folder(root, context), int(port)
