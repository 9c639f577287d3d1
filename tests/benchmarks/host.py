"""Run one task in this process, then write its size down: python -m tests.benchmarks.host OUT TASK OPTIONS..."""

from __future__ import annotations

import atexit
import json
import re
import sys
from pathlib import Path

from invoke.main import program


def _write(out: Path) -> None:
    """VmHWM is of this program alone: ru_maxrss would count what the process was before it became Python."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    out.write_text(json.dumps(int(found[1]) if found else 0))


if __name__ == "__main__":
    atexit.register(_write, Path(sys.argv[1]))
    program.run(["invoke", *sys.argv[2:]])
