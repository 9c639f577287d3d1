"""A publication in a process of its own: `python -m tests.support.publishing WHEELHOUSE WHEEL BUILD STEPS KILL_AT`.

BUILD tells builds apart: another one has another stamp. Every change below WHEELHOUSE is a step, named in the file
STEPS; right before the one whose number is KILL_AT the process gets SIGKILL. At 0 it lives.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from scripts.builds.wheelhouse import Wheelhouse
from scripts.environments.locking import locked
from scripts.model.builds import Published, TagChoice
from tests.support.dying import changes
from tests.unit.builds.plans import plan


def publish(house: Wheelhouse, wheel: Path, build: str) -> Published:
    """Publish as wheel.build does, holding the lock."""
    tag = TagChoice(tag="any", reason="made up")
    with locked(house.lock, wait_seconds=60, waiting=lambda _: None):
        return house.publish(wheel, plan=plan(source=f"tree:{build}"), provenance={"build": build}, tag=tag)


def main() -> int:
    root, wheel, build, steps, kill_at = sys.argv[1:]
    named = os.open(steps, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        step = changes(event, arguments, root)
        if step is not None:
            count += 1
            os.write(named, f"{step}\n".encode())
            if count == int(kill_at):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    publish(Wheelhouse(Path(root)), Path(wheel), build)
    return 0


if __name__ == "__main__":
    sys.exit(main())
