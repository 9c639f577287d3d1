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
    """The driver and its devices. `problem` is what nvidia-smi said instead of an answer."""

    driver_version: str | None = None
    cuda_version: str | None = None
    gpus: tuple[Gpu, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """A container engine: `docker` or `podman`. Not running is `server_version` None with the problem."""

    name: str
    client_version: str | None
    server_version: str | None
    nvidia_runtime: bool
    problem: str | None = None


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

    `environment` holds the variables to give to uv so that it does what pip would; `notes` say what was
    carried over and from where, with credentials redacted.
    """

    default_index: str | None = None
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
