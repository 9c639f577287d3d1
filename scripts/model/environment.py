"""What an environment is, as its record `kokoro-spark.json` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scripts.model.climb import Climb
from scripts.model.hook import HookRecord
from scripts.model.plan import Plan

RECORD_SCHEMA = 1
RECORD_NAME = "kokoro-spark.json"


class EnvironmentState(StrEnum):
    """building: a setup is, or was, at work; ready: whole; failed: left with its reason."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class InstalledFileSet:
    """The hash of one distribution's RECORD, which holds the hashes of all its files."""

    name: str
    version: str
    record_sha256: str


@dataclass(frozen=True, kw_only=True)
class ContainerRecord:
    """The image that a container environment runs in. Ids are the engine's own, `sha256:...`."""

    engine: str
    """`docker` or `podman`."""
    image: str
    """The tag that we gave it."""
    image_id: str
    base: str
    base_id: str
    torch: str
    """What the base image brought."""
    cuda: str | None
    python: str


@dataclass(frozen=True, kw_only=True)
class EnvironmentRecord:
    """The record inside an environment. Its presence with our schema is the tag that lets us delete."""

    schema: int
    tool: str
    """Always `kokoro-spark`."""
    name: str
    state: EnvironmentState
    created: str
    """ISO 8601, UTC."""
    uv_version: str
    plan: Plan
    distributions: tuple[InstalledFileSet, ...] = ()
    """torch, NVRTC, Kokoro and the runtime: what verify checks file by file."""
    weights: str | None = None
    """Folder name below `weights/`, None until fetched."""
    verdict: str | None = None
    """The last verdict's kind, so that `say` knows whether the bridge is needed; None: not judged."""
    prediction: str | None = None
    """What the first smoke predicted for a GPU (a verdict's kind); None: not asked, or no such question."""
    predicted_for: str | None = None
    """The compute capability (`12.1`) that `prediction` is for."""
    completed_steps: int = 0
    reason: str = ""
    """Why it failed."""
    container: ContainerRecord | None = None
    """None: a venv."""
    climb: Climb | None = None
    """How `auto` came to it; None: it was asked for by name."""
    hook: HookRecord | None = None
    """The bridge's hook, which enables it in every application; None: the environment does not carry it."""
