"""Enable the bridge in this process, and switch off the hook that may have enabled it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from scripts.inside.failure import ProbeFailure


def enable_bridge() -> dict[str, Any]:
    """Enable the installed bridge (kokoro_spark), else the checkout's, and say which: `module`, and its status.

    Raises ProbeFailure (cause "bridge") where kokoro is not what the bridge was made for.
    """
    try:
        bridge = importlib.import_module("kokoro_spark.bridge")
    except ModuleNotFoundError as error:
        if error.name not in {"kokoro_spark", "kokoro_spark.bridge"}:
            raise
        bridge = importlib.import_module("scripts.runtime.bridge")  # an environment that is not ours
    try:
        bridge.enable()
    except bridge.BridgeError as error:
        raise ProbeFailure(str(error), {"cause": "bridge"}) from error
    return {"module": bridge.__name__, **bridge.status()}


def bridged_by_hook() -> bool:
    """Tell whether the environment's hook has enabled the bridge in this process. Imports nothing."""
    hook = sys.modules.get("kokoro_spark.hook")
    return hook is not None and bool(hook.status()["bridged"])


def switch_hook_off() -> bool:
    """Switch off the environment's hook in this process, with the bridge that it enabled; True: it was on.

    It is known by its module, which the environment's .pth file has imported: nothing is imported here.
    """
    hook = sys.modules.get("kokoro_spark.hook")
    return hook is not None and bool(hook.switch_off())
