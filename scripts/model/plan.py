"""What will be done, as data: printed by --dry-run, compared by tests, executed by environments/."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from scripts.model.target import Architecture, ComputeCapability, PythonVersion


class WeightsSource(StrEnum):
    """Where Kokoro's weights come from. A path is the fifth choice, see WeightsChoice."""

    AUTO = "auto"
    HUB = "hub"
    REGISTRY = "registry"
    SYNTHETIC = "synthetic"
    PATH = "path"


@dataclass(frozen=True, kw_only=True)
class WeightsChoice:
    """A parsed `--weights`."""

    source: WeightsSource
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked of `setup`, parsed. None: not said."""

    strategy: str = "auto"
    torch: str | None = None
    python: PythonVersion | None = None
    architecture: Architecture | None = None
    index: str | None = field(default=None, repr=False)
    source: str | None = None
    nightly: bool = False
    sm: ComputeCapability | None = None
    wheel: str | None = field(default=None, repr=False)
    """prebuilt: a wheel's path or URL, a folder or an index of wheels; credentials and all."""
    sha256: str | None = None
    """prebuilt: the hash that the wheel must have."""
    image: str | None = None
    """ngc: the base image, or its tag alone; None: the default one of constraints/images.toml."""
    recipe: str | None = None
    """source: the recipe that torch is built by, a name or a path; None: the lean one."""
    build: bool = False
    """source: build it now if it is not in the wheelhouse."""
    never: tuple[str, ...] = ()
    """auto: strategies that are not to be used."""
    allow_cpu: bool = False
    """auto: the CPU will do, although there is a GPU."""


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """One reason why a strategy cannot be used here."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A strategy that `auto` passed over, and every reason why."""

    strategy: str
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One exactly pinned requirement of a lock."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """`sha256:…`, every file that may satisfy the pin."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A pinned, hashed requirements set that comes from exactly one index."""

    name: str
    """`constraints/…` file it came from, or `resolved at plan time`."""
    index: str | None = field(repr=False)
    """URL of its one index; None: the default index."""
    text: str = field(repr=False)
    """Requirements format, with hashes, without URLs."""
    build_text: str = field(default="", repr=False)
    """Pinned build requirements of the pins that exist as source only."""
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateVenv:
    """`uv venv --relocatable` at the final path."""

    interpreter: str
    python: str


@dataclass(frozen=True, kw_only=True)
class InstallLock:
    """`uv pip install --no-deps --require-hashes` of one lock from its one index."""

    lock: Lock


@dataclass(frozen=True, kw_only=True)
class InstallWheel:
    """One wheel that is here already, checked by its hash."""

    name: str
    version: str
    filename: str
    sha256: str
    path: str = field(repr=False)
    """Where it is; no part of the digest, for the hash pins the bytes."""


@dataclass(frozen=True, kw_only=True)
class InstallMade:
    """A small wheel that we make ourselves: `kokoro_spark` (scripts/runtime) or `en_core_web_sm` (an alias)."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CheckConsistency:
    """`uv pip check`, then torch's version and CUDA against the plan."""

    torch: str
    cuda: str | None
    lifted: tuple[str, ...] = ()
    """Packages that are newer than torch pins them, on purpose: of these alone `uv pip check` may complain."""


@dataclass(frozen=True, kw_only=True)
class BuildImage:
    """Build our container image over a base image: Kokoro's pinned closure beside the base's own torch."""

    engine: str
    """`docker` or `podman`; no part of the digest."""
    base: str
    """`nvcr.io/nvidia/pytorch:25.12-py3`, with `@sha256:...` behind it where the digest is known."""
    recipe_sha256: str
    """Of docker/ngc.Dockerfile and docker/base_torch.py."""
    lock: Lock


Step: TypeAlias = CreateVenv | InstallLock | InstallWheel | InstallMade | BuildImage | CheckConsistency


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An environment to be, whole. Its digest names everything that decides the content."""

    strategy: str
    source: str
    """Which index the torch comes from, in words: a lane's name or `default`."""
    architecture: Architecture
    python: PythonVersion
    torch: str
    cuda: str | None
    """None: a CPU-only build."""
    nvrtc: str | None
    steps: tuple[Step, ...]
    digest: str
    notes: tuple[str, ...] = ()
    """What was chosen by itself, and why: shown, not part of the digest."""
    onnxruntime: str | None = None
    """The release of ONNX Runtime where that runs Kokoro instead of torch; `torch` is then empty."""
    image: str | None = None
    """The base image of a container environment; `torch`, `cuda` and `nvrtc` are then what is known of it."""

    @property
    def environment(self) -> str:
        """The environment's name, `<strategy>-<digest>`."""
        return f"{self.strategy}-{self.digest}"
