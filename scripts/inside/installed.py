"""What this interpreter is and where it finds its packages, without importing any of them."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from scripts.inside.device import is_simulated


def run(_request: dict[str, Any]) -> dict[str, Any]:
    """Give the interpreter's version, prefix and the folders it imports from, and whether its driver is simulated.

    The device probe tells that too, but not where torch dies as it is imported. A simulator is preloaded, so it is in
    this process already.
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "architecture": platform.machine(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "folders": [entry for entry in sys.path if entry and os.path.isdir(entry)],  # noqa: PTH112
        "simulated": is_simulated(),
    }
