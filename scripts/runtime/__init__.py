"""What applications import, installed into each environment as `kokoro_spark`.

Python 3.10 or newer, torch and kokoro only. Importing this package imports neither.
"""

from __future__ import annotations

__version__ = "0.1.0"
