"""Read `--weights`."""

from __future__ import annotations

import os
from pathlib import Path

from scripts.errors import UsageError
from scripts.model.plan import WeightsChoice, WeightsSource

_WORDS = tuple(source for source in WeightsSource if source is not WeightsSource.PATH)
_CHOICES = f"{', '.join(_WORDS)}, or the path of a folder or a .pth file"


def parse_choice(text: str) -> WeightsChoice:
    """Read `auto`, `hub`, `registry`, `synthetic`, or a path that exists (kept absolute).

    Raises UsageError (unknown-weights), which lists the choices.
    """
    word = text.strip()
    if word.lower() in _WORDS:
        return WeightsChoice(source=WeightsSource(word.lower()))
    path = Path(word).expanduser()
    if word and path.exists():
        return WeightsChoice(source=WeightsSource.PATH, path=str(path.absolute()))
    looks_like_path = os.sep in word or path.suffix == ".pth"
    raise UsageError(
        f"there is no folder or file {word}" if looks_like_path else f"unknown weights {text!r}",
        hint=f"choose one of: {_CHOICES}",
        reference="unknown-weights",
    )
