"""Where this interpreter finds its packages, without importing any of them."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any


def run(_request: dict[str, Any]) -> dict[str, Any]:
    """Give the interpreter's version, prefix and the folders it imports from."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "architecture": platform.machine(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "folders": [entry for entry in sys.path if entry and os.path.isdir(entry)],  # noqa: PTH112
    }
