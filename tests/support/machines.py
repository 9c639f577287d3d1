"""Machines that unit tests plan for. Made up; nothing here was measured."""

from __future__ import annotations

import dataclasses

from scripts.model.facts import DiskFacts, EngineFacts, Facts, Gpu, GpuFacts, HostFacts, IndexSettings, Interpreter
from scripts.model.target import GB10, Architecture, ComputeCapability, PythonVersion, Target

GIB = 1 << 30


def interpreter(version: str, *, implementation: str = "cpython", architecture: str = "x86_64") -> Interpreter:
    minor = version.rpartition(".")[0]
    return Interpreter(
        path=f"/usr/bin/python{minor}", version=version, implementation=implementation, architecture=architecture
    )


def machine(
    *,
    system: str = "Linux",
    architecture: str = "x86_64",
    libc: str | None = "glibc",
    libc_version: str | None = "2.36",
    interpreters: tuple[Interpreter, ...] | None = None,
    gpu: GpuFacts | None = None,
    index: IndexSettings | None = None,
    engines: tuple[EngineFacts, ...] = (),
    free: int = 50 * GIB,
) -> Facts:
    found = (interpreter("3.12.3", architecture=architecture),) if interpreters is None else interpreters
    return Facts(
        host=HostFacts(
            system=system,
            architecture=architecture,
            distribution=None,
            kernel=None,
            libc=libc,
            libc_version=libc_version,
            cpu_model=None,
            cpu_count=4,
            memory_total=16 * GIB,
            memory_available=8 * GIB,
            interpreters=found,
        ),
        gpu=gpu or GpuFacts(),
        engines=engines,
        disk=DiskFacts(path="/data", total=100 * GIB, free=free, writable=True),
        index=index or IndexSettings(),
        uv_version="0.13.9",
    )


def gpus(
    capability: ComputeCapability, *, driver: str, cuda: str, name: str = "NVIDIA GPU", unified: bool = False
) -> GpuFacts:
    one = Gpu(index=0, name=name, uuid=None, capability=capability, memory_total=None, unified_memory=unified)
    return GpuFacts(driver_version=driver, cuda_version=cuda, gpus=(one,))


SPARK = machine(
    architecture="aarch64",
    libc_version="2.39",
    gpu=gpus(GB10, driver="580.95.05", cuda="13.0", name="NVIDIA GB10", unified=True),
)
PC = machine()
"""x86_64 without a GPU."""
OLD_DRIVER = machine(gpu=gpus(ComputeCapability(12, 0), driver="550.54.14", cuda="12.4", name="NVIDIA RTX"))
MISMATCH = machine(gpu=GpuFacts(problem="Driver/library version mismatch", remedy="reboot"))
MUSL = machine(libc="musl", libc_version="1.2.5")
OLD_GLIBC = machine(libc_version="2.27")
MAC = machine(system="Darwin", architecture="arm64", libc=None, libc_version=None)

DOCKER = EngineFacts(name="docker", client_version="28.5.1", server_version="28.5.1", nvidia_runtime=True)
PLAIN_DOCKER = dataclasses.replace(DOCKER, nvidia_runtime=False)
DEAD_DOCKER = dataclasses.replace(
    DOCKER, server_version=None, nvidia_runtime=False, problem="its daemon does not run", remedy="start it"
)


def spark(
    *, driver: str = "580.95.05", cuda: str = "13.0", engines: tuple[EngineFacts, ...] = (DOCKER,), free: int = 50 * GIB
) -> Facts:
    """A DGX Spark."""
    gpu = gpus(GB10, driver=driver, cuda=cuda, name="NVIDIA GB10", unified=True)
    return machine(architecture="aarch64", libc_version="2.39", gpu=gpu, engines=engines, free=free)


def workstation(
    major: int,
    minor: int,
    *,
    driver: str = "580.95.05",
    cuda: str = "13.0",
    name: str = "NVIDIA GPU",
    engines: tuple[EngineFacts, ...] = (DOCKER,),
) -> Facts:
    """A machine of x86_64 with one GPU."""
    return machine(gpu=gpus(ComputeCapability(major, minor), driver=driver, cuda=cuda, name=name), engines=engines)


SPARK_TARGET = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
PC_TARGET = Target(Architecture.X86_64, PythonVersion(3, 12), (2, 36))
