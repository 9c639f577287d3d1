"""Plans and records for unit tests."""

from __future__ import annotations

from typing import Any

from scripts.environments.store import TOOL, Store
from scripts.model.environment import RECORD_SCHEMA, ContainerRecord, EnvironmentRecord, EnvironmentState
from scripts.model.plan import CheckConsistency, CreateVenv, InstallLock, InstallMade, Plan, Step
from scripts.model.target import Architecture, PythonVersion
from scripts.strategies.locks import make_lock

H = "--hash=sha256:" + "a" * 64
TORCH_LOCK = make_lock(
    "constraints/cu130-x86_64-cp312.txt",
    f"torch==2.15.0 {H}\nnvidia-cuda-nvrtc==13.0.88 {H}\n",
    index="https://lane.example/whl/cu130",
)
REST_LOCK = make_lock(
    "constraints/kokoro-x86_64-cp312.txt", f"docopt==0.6.2 {H}\n", index=None, build_text=f"setuptools==84.2.1 {H}\n"
)
CONTAINER = ContainerRecord(
    engine="docker",
    image="kokoro-spark/ngc:1",
    image_id="sha256:ab",
    base="nvcr.io/nvidia/pytorch:25.12-py3",
    base_id="sha256:cd",
    torch="2.15.0",
    cuda="13.2",
    python="3.12.3",
)
STEPS: tuple[Step, ...] = (
    CreateVenv(interpreter="/usr/bin/python3.12", python="3.12.3"),
    InstallLock(lock=TORCH_LOCK),
    InstallLock(lock=REST_LOCK),
    InstallMade(name="kokoro_spark", version="0.1.0", sha256="1" * 64),
    CheckConsistency(torch="2.15.0", cuda="13.0"),
)


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "strategy": "cu130",
        "source": "cu130",
        "architecture": Architecture.X86_64,
        "python": PythonVersion(3, 12),
        "torch": "2.15.0",
        "cuda": "13.0",
        "nvrtc": "13.0.88",
        "steps": STEPS,
        "digest": "0123456789ab",
        **changes,
    }
    return Plan(**values)


def record(name: str = "cu130-0123456789ab", **changes: Any) -> EnvironmentRecord:
    values: dict[str, Any] = {
        "schema": RECORD_SCHEMA,
        "tool": TOOL,
        "name": name,
        "state": EnvironmentState.READY,
        "created": "2026-11-22T12:00:00+00:00",
        "uv_version": "0.13.9",
        "plan": plan(),
        **changes,
    }
    return EnvironmentRecord(**values)


def put(store: Store, written: EnvironmentRecord) -> None:
    """Write a record and what stands for the interpreter: a ready environment is not ready without one."""
    store.write(written)
    python = store.path(written.name) / "bin" / "python"
    python.parent.mkdir(exist_ok=True)
    python.touch(mode=0o755)
