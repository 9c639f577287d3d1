"""A repair, or its undoing, in a process of its own that is killed at a step: `python -m tests.support.dying_repair`.

The one argument is a JSON file: `home`, `constraints`, `environ`, `uv`, `venv`, `undo`, `steps`, `kill_at`. Every
change that the process makes in the environment or below its data root, and every uv that it starts, is a step; right
before the one whose number is `kill_at` it gets SIGKILL. The steps are appended to the file `steps`. At 0 it lives.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from scripts.errors import SparkError
from scripts.home import Home
from scripts.operations.context import Context
from scripts.operations.repairing import repair, undo
from tests.support.dying import changes
from tests.support.strangers import judge_by_version


def main() -> int:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    steps = os.open(request["steps"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        step = next(filter(None, (changes(event, arguments, request[root]) for root in ("home", "venv"))), None)
        if step is not None:
            count += 1
            os.write(steps, f"{step}\n".encode())
            if count == request["kill_at"]:
                os.kill(os.getpid(), signal.SIGKILL)

    context = Context(home=Home(Path(request["home"])), constraints=Path(request["constraints"]))
    context.environ = request["environ"]
    context.uv = request["uv"]
    sys.addaudithook(watch)
    try:
        if request["undo"]:
            undo(request["venv"], context)
        else:
            repair(request["venv"], context, judge=judge_by_version)
    except SparkError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
