"""A stand-in for NVIDIA's container runtime: edits a container's config.json before runc sees it, as the real one does.

    python stand_in_nvidia_runtime.py SETTINGS RUNC-ARGUMENT...

A container that asked for GPUs (docker sets NVIDIA_VISIBLE_DEVICES for `--gpus`) has the simulated driver mounted and
loaded before everything else. Every other one is left as it is. Standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

PLACE = "/usr/local/share/simulated-gpu"


def main(settings: Path, arguments: list[str]) -> None:
    """Edit the bundle that is about to be created, then become runc."""
    if "create" in arguments:
        bundle = Path(arguments[arguments.index("--bundle") + 1] if "--bundle" in arguments else ".")
        edit(bundle / "config.json", json.loads(settings.read_text(encoding="utf-8")))
    os.execv(shutil.which("runc") or "/usr/sbin/runc", ["runc", *arguments])


def edit(file: Path, settings: dict[str, Any]) -> None:
    """Give the container the GPU if it asked for it; take out a limit that this machine does not let runc lift."""
    config = json.loads(file.read_text(encoding="utf-8"))
    process = config["process"]
    environ = dict(one.partition("=")[::2] for one in process["env"])
    if environ.get("NVIDIA_VISIBLE_DEVICES", "void") not in {"", "void", "none"} and "STAND_IN_LIBRARIES" in environ:
        simulator = Path(settings["simulators"], environ["STAND_IN_LIBRARIES"])
        config["mounts"].append(
            {"destination": PLACE, "type": "bind", "source": str(simulator), "options": ["rbind", "ro"]}
        )
        preloaded = ":".join(f"{PLACE}/{name}" for name in in_load_order(simulator))
        environ |= settings["variables"] | {"SIMULATED_GPU_DEVICES": "1", "LD_PRELOAD": preloaded}
        process["env"] = [f"{name}={value}" for name, value in environ.items()]
    if not may_lift_memlock():
        process["rlimits"] = [one for one in process.get("rlimits", []) if one["type"] != "RLIMIT_MEMLOCK"]
    file.write_text(json.dumps(config), encoding="utf-8")


def in_load_order(folder: Path) -> list[str]:
    """Put the driver first, then the runtime, which is linked against it."""
    names = [path.name for path in folder.glob("lib*.so*")]
    return sorted(names, key=lambda name: (not name.startswith("libcuda.so"), not name.startswith("libcudart"), name))


def may_lift_memlock() -> bool:
    """Try it: in a virtual machine's container even root may lack CAP_SYS_RESOURCE."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, unlimited)
    except (ValueError, OSError):
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
