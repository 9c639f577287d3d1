"""Enable the bridge in this process."""

from __future__ import annotations

import importlib
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
