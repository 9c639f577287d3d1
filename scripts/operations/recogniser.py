"""The speech recogniser in an environment of its own, made once from constraints/recogniser.txt and kept.

It lies in the cache of the data root by the digest of its pins, and shares nothing with the environments that speak.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.disk import disk_errors, write_whole
from scripts.environments.locking import locked
from scripts.environments.uv import failure, killed
from scripts.errors import BrokenError, NetworkError
from scripts.model.evidence import Outcome
from scripts.model.plan import Lock
from scripts.operations.build_locks import digest_of, read_lock
from scripts.operations.context import Context
from scripts.operations.interpreters import find_interpreter
from scripts.probing import ask
from scripts.progress import say, step

LOCK = "recogniser"
READY = "kokoro-spark-recogniser.txt"
"""Written last: without it an environment is half-made."""
WITHOUT = "without words it needs no recogniser: --no-words"
_WAIT = 1800.0
_SECONDS_PER_FILE = 60.0


def recogniser_python(context: Context) -> Path:
    """Give the recogniser's interpreter; its environment is made where there is none yet (some 400 MB).

    Raises NetworkError, whose hint names --no-words; what else uv's failure means; DiskError, BusyError.
    """
    lock = read_lock(LOCK, context)
    name = f"{LOCK}-{digest_of([lock])}"
    folder = context.home.cache / name
    python = folder / "bin" / "python"
    if _is_whole(folder):
        return python
    with locked(context.home.locks / f"{name}.lock", wait_seconds=_WAIT, waiting=_waiting):
        if not _is_whole(folder):  # whoever we waited for has made it
            try:
                _make(folder, lock, context)
            except NetworkError as error:
                hint = "; ".join(filter(None, (error.hint, WITHOUT)))
                raise NetworkError(
                    error.message, context=error.context, hint=hint, reference=error.reference
                ) from error
    return python


def recognise(files: Mapping[str, Path], python: Path, context: Context) -> tuple[dict[str, str], str]:
    """Hear what is said in each file, WAV or raw float32 samples at 24 kHz; and name the recogniser.

    Raises BrokenError where it cannot.
    """
    request = {"files": {name: str(path) for name, path in files.items()}}
    with step(f"listening to {len(files)} sounds"):
        heard = ask(
            python,
            "hear",
            request,
            run=context.run,
            environ=context.environ,
            bytecode=context.home.bytecode,
            timeout=300 + _SECONDS_PER_FILE * len(files),
        )
    if heard.outcome is not Outcome.PASSED:
        raise BrokenError(
            "the speech recogniser could not listen",
            context="\n".join(filter(None, (heard.error, str(heard.detail.get("stderr_tail", ""))[-600:]))),
            hint=f"delete {python.parent.parent} and run it again, or leave the words out with --no-words",
            reference="recogniser-failed",
        )
    return dict(heard.detail["texts"]), str(heard.detail["recogniser"])


def _is_whole(folder: Path) -> bool:
    return (folder / READY).is_file() and (folder / "bin" / "python").exists()


def _waiting(holder: str) -> None:
    say(f"another run makes the recogniser's environment ({holder}); waiting for it")


def _make(folder: Path, lock: Lock, context: Context) -> None:
    """Make it anew: what a killed run left goes first."""
    interpreter, _ = find_interpreter(None, context, fetch=True)
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
    _uv(
        ["venv", "--quiet", "--python", interpreter.path, str(folder)], "creating the recogniser's environment", context
    )
    requirements = folder / "requirements.txt"
    write_whole(requirements, lock.text)
    arguments = ["pip", "install", "--quiet", "--python", str(folder), "--no-deps", "--require-hashes"]
    arguments += ["--only-binary", ":all:", "-r", str(requirements)]
    with step("installing the speech recogniser, once"):
        _uv(arguments, "installing the speech recogniser", context)
    write_whole(folder / READY, f"{lock.name}\n")


def _uv(arguments: list[str], doing: str, context: Context) -> None:
    done = context.run([context.uv, "--no-config", *arguments], env=context.uv_environ, tee=True)
    if done.returncode is not None and done.returncode < 0:
        raise killed(done.returncode, doing=doing)
    if not done.ok:
        raise failure(done.stderr + done.stdout, doing=doing)
