"""What a machine is. Absent is None, never a guess; sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.model.target import ComputeCapability, PythonVersion


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """One Python on this machine. `architecture` is what the interpreter itself was built for."""

    path: str
    version: str
    implementation: str
    architecture: str

    @property
    def minor(self) -> PythonVersion:
        """The version without its patch level."""
        return PythonVersion.parse(self.version)


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """Operating system, CPU, memory and Pythons."""

    system: str
    architecture: str
    distribution: str | None
    kernel: str | None
    libc: str | None
    libc_version: str | None
    cpu_model: str | None
    cpu_count: int
    memory_total: int | None
    memory_available: int | None
    interpreters: tuple[Interpreter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One device that the driver lists. GB10 reports no memory of its own: it shares the host's."""

    index: int
    name: str
    uuid: str | None
    capability: ComputeCapability | None
    memory_total: int | None
    unified_memory: bool


@dataclass(frozen=True, kw_only=True)
class GpuFacts:
    """The driver and its devices; all absent where there is no nvidia-smi.

    `cuda_version` is the newest CUDA that the driver serves. `problem` is why nvidia-smi gave no full answer,
    `remedy` what to do about it.
    """

    driver_version: str | None = None
    cuda_version: str | None = None
    gpus: tuple[Gpu, ...] = ()
    problem: str | None = None
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """A container engine that is installed: `docker` or `podman`.

    Not running is `server_version` None with the problem and its remedy. podman needs no server: its client's
    version stands for both. `nvidia_runtime`: containers can be given the GPU, through an engine's runtime or CDI.
    """

    name: str
    client_version: str | None
    server_version: str | None
    nvidia_runtime: bool
    problem: str | None = None
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class DiskFacts:
    """The file system that holds the data root."""

    path: str
    total: int
    free: int
    writable: bool


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """Where packages come from besides a lane: what pip's and uv's own configuration says, carried over.

    `default_index` is a URL, credentials and all; None: nothing was said, so uv's own default. `environment` holds
    the variables to give to uv so that it does what pip would; `notes` say what was carried over and from where,
    and what was not and why, with credentials redacted. Only the notes are for showing.
    """

    default_index: str | None = field(default=None, repr=False)
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything `invoke facts` shows."""

    host: HostFacts
    gpu: GpuFacts
    engines: tuple[EngineFacts, ...]
    disk: DiskFacts
    index: IndexSettings
    uv_version: str | None
