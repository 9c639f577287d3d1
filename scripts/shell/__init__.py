"""The one door to subprocesses: run(argv), and stream(argv) for what takes hours.

Argument lists, never a shell. The child is its own process group, so that Ctrl-C and SIGTERM end it whole
(see `end_children`). Its command is echoed to stderr at `verbose`; its output is kept in full and shown on
failure. With `tee` a terminal user sees the child's own progress bars as they move.
"""

from __future__ import annotations

from scripts.shell.processes import ProgramNotFoundError, end_children, set_echo
from scripts.shell.running import Completed, Runner, run
from scripts.shell.streaming import Streamed, Streamer, stream

__all__ = [
    "Completed",
    "ProgramNotFoundError",
    "Runner",
    "Streamed",
    "Streamer",
    "end_children",
    "run",
    "set_echo",
    "stream",
]
