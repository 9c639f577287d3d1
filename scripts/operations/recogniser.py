"""The speech recogniser, in an environment of its own (side_environment.py)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scripts.errors import BrokenError
from scripts.model.evidence import Outcome
from scripts.operations.context import Context
from scripts.operations.side_environment import side_python
from scripts.probing import ask
from scripts.progress import step

LOCK = "recogniser"
WITHOUT = "without words it needs no recogniser: --no-words"
_SECONDS_PER_FILE = 60.0


def recogniser_python(context: Context) -> Path:
    """Give the recogniser's interpreter; its environment is made where there is none yet (some 400 MB).

    Raises what side_python raises; a NetworkError's hint names --no-words.
    """
    return side_python(LOCK, context, what="the speech recogniser", without=WITHOUT)


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
