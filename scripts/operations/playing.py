"""Play a WAV file with whatever the machine has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.errors import UsageError
from scripts.shell import Runner

_PLAYERS = (("aplay", "-q"), ("paplay",), ("ffplay", "-v", "error", "-autoexit", "-nodisp"))


def find_player(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Find a program that plays WAV files: ask before speaking.

    Raises UsageError (no-player) where there is none.
    """
    path = (os.environ if environ is None else environ).get("PATH")
    for player in _PLAYERS:
        if shutil.which(player[0], path=path):
            return player
    raise UsageError(
        "there is no program to play sound with",
        context="looked for " + ", ".join(player[0] for player in _PLAYERS),
        hint="install alsa-utils (aplay), or leave --play out and open the file elsewhere",
        reference="no-player",
    )


def play(path: Path, player: tuple[str, ...], run: Runner) -> None:
    """Play a WAV file to its end. Raises UsageError (player-failed)."""
    done = run([*player, str(path)])
    if not done.ok:
        raise UsageError(
            f"{player[0]} could not play {path}",
            context=done.stderr.strip()[-400:],
            hint="the file itself is whole: open it elsewhere",
            reference="player-failed",
        )
