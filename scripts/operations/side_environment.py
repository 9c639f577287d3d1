"""Environments of tools that an operation needs once in a while, made from a pinned lock and kept.

Each lies in the cache of the data root by the digest of its pins, and shares nothing with the environments that speak.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.environments.locking import locked
from scripts.environments.uv import failure, killed
from scripts.errors import NetworkError
from scripts.model.plan import Lock
from scripts.operations.build_locks import digest_of, read_lock
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.progress import say, step

_WAIT = 1800.0


def side_python(name: str, context: Context, *, what: str, without: str) -> Path:
    """Give the interpreter of constraints/NAME.txt; its environment is made where there is none yet.

    `what` names it in messages, `without` is the hint where it cannot be fetched.

    Raises NetworkError, whose hint is `without`; what else uv's failure means; DiskError, BusyError.
    """
    lock = read_lock(name, context)
    folder = context.home.cache / f"{name}-{digest_of([lock])}"
    python = folder / "bin" / "python"
    if _is_whole(folder, name):
        return python

    def waiting(holder: str) -> None:
        say(f"another run makes the environment of {what} ({holder}); waiting for it")

    with locked(context.home.locks / f"{folder.name}.lock", wait_seconds=_WAIT, waiting=waiting):
        if not _is_whole(folder, name):  # whoever we waited for has made it
            try:
                _make(folder, name, lock, context, what)
            except NetworkError as error:
                hint = "; ".join(filter(None, (error.hint, without)))
                raise NetworkError(
                    error.message, context=error.context, hint=hint, reference=error.reference
                ) from error
    return python


def ready_mark(name: str) -> str:
    """Name the file that is written last: without it an environment is half-made."""
    return f"kokoro-spark-{name}.txt"


def _is_whole(folder: Path, name: str) -> bool:
    return (folder / ready_mark(name)).is_file() and (folder / "bin" / "python").exists()


def _make(folder: Path, name: str, lock: Lock, context: Context, what: str) -> None:
    """Make it anew: what a killed run left goes first."""
    interpreter, _ = find_interpreter(None, context, fetch=True)
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
    _uv(["venv", "--quiet", "--python", interpreter.path, str(folder)], f"creating the environment of {what}", context)
    requirements = folder / "requirements.txt"
    write_whole(requirements, lock.text)
    arguments = ["pip", "install", "--quiet", "--python", str(folder), "--no-deps", "--require-hashes"]
    arguments += ["--only-binary", ":all:", "-r", str(requirements)]
    with step(f"installing {what}, once"):
        _uv(arguments, f"installing {what}", context)
    write_whole(folder / ready_mark(name), f"{lock.name}\n")


def _uv(arguments: list[str], doing: str, context: Context) -> None:
    done = context.run([context.uv, "--no-config", *arguments], env=context.uv_environ, tee=True)
    if done.returncode is not None and done.returncode < 0:
        raise killed(done.returncode, doing=doing)
    if not done.ok:
        raise failure(done.stderr + done.stdout, doing=doing)
