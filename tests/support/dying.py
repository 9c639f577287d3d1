"""A setup in a process of its own, which is killed at a step: `python -m tests.support.dying REQUEST`.

REQUEST is a JSON file: `home`, `constraints`, `environ`, `uv`, `python`, `source`, `wait`, `steps`, `kill_at`, and
`auto`: null for a setup of strategy cpu, else the verdicts that the rungs of `auto` are judged with on a GPU that is
not there (tests.support.climbing). Every
change that the process makes below `home`, and every uv that it starts, is a step; right before the one whose number
is `kill_at` it gets SIGKILL. The steps are appended to the file `steps` as they come. At `kill_at` 0 it lives.
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
from scripts.model.plan import Request
from scripts.model.target import GB10, PythonVersion
from scripts.operations.context import Context
from scripts.operations.setup import setup
from scripts.operations.trying import Judge, judge_here
from tests.support.climbing import with_a_gpu
from tests.support.verdicts import Verdicts

CHANGES = {"open", "os.remove", "os.rename", "os.symlink", "shutil.rmtree"}
"""What matters to a reader of the store. A folder made and left empty is as good as none."""


def changes(event: str, arguments: tuple[Any, ...], home: str) -> str | None:
    """Name the step that an audit event of Python's is; None: it is none."""
    if event == "subprocess.Popen":
        argv = list(map(str, arguments[1]))
        return f"uv {' '.join(argv[2:4])}" if Path(argv[0]).name == "uv" and len(argv) > 2 else None
    if event not in CHANGES or not str(arguments[0]).startswith(home):
        return None
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
        return None
    return f"{event} {Path(str(arguments[0])).name}"


def main() -> int:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    home, kill_at = request["home"], request["kill_at"]
    steps = os.open(request["steps"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        step = changes(event, arguments, home)
        if step is not None:
            count += 1
            os.write(steps, f"{step}\n".encode())
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    context = Context(home=Home(Path(home)), constraints=Path(request["constraints"]), environ=request["environ"])
    context.uv = request["uv"]
    python, auto = PythonVersion.parse(request["python"]), request["auto"]
    wanted = Request(strategy="cpu", source=request["source"], python=python)
    judge: Judge = judge_here
    if auto is not None:
        wanted, judge = Request(python=python), Verdicts(auto)
        with_a_gpu(context)
    sys.addaudithook(watch)
    try:
        setup(wanted, None, GB10, context, wait_seconds=request["wait"], judge=judge)
    except SparkError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
