"""The bridge's hook: a .pth file in an environment's site-packages, and what the environment's record says of it."""

from __future__ import annotations

from dataclasses import dataclass

HOOK_FILE = "kokoro_spark_bridge.pth"
HOOK_TEXT = "import kokoro_spark.hook; kokoro_spark.hook.install()\n"
"""All that the file holds. Python executes this line at each start of the environment's interpreter."""
HOOK_SWITCH = "KOKORO_SPARK_BRIDGE"
"""The variable that switches it off for a process (scripts/runtime/hook.py)."""


@dataclass(frozen=True, kw_only=True)
class HookRecord:
    """When and why the hook was switched on."""

    since: str
    """ISO 8601, UTC."""
    because: str
    """`judged needed`, `predicted needed for 12.1`; with `--force`, what was known all the same."""
    forced: bool = False
    """It was switched on although neither verdict nor prediction asks for it."""
