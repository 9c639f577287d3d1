"""Facts as text for people, and as data that may be shown."""

from __future__ import annotations

from dataclasses import replace

from scripts.model.facts import EngineFacts, Facts, Gpu, GpuFacts, HostFacts
from scripts.redaction import redact

ABSENT = "absent"
_UNKNOWN = "unknown"


def gibibytes(size: int | None) -> str:
    """Say a size in bytes: `119.7 GiB`."""
    return _UNKNOWN if size is None else f"{size / 2**30:.1f} GiB"


def shown(facts: Facts) -> Facts:
    """Take what may not be printed out of the facts, for --json: credentials in indexes' and proxies' URLs."""
    index = facts.index
    return replace(
        facts,
        index=replace(
            index,
            default_index=None if index.default_index is None else redact(index.default_index),
            environment=tuple((name, redact(value)) for name, value in index.environment),
        ),
    )


def rows(facts: Facts) -> list[tuple[str, str]]:
    """Say each fact in a line: its name and its value."""
    disk = facts.disk
    lines = _host_rows(facts.host) + _gpu_rows(facts.gpu)
    lines += [(engine.name, _engine(engine)) for engine in facts.engines] or [("container engine", ABSENT)]
    access = "" if disk.writable else ", not writable by this user"
    lines.append(("disk", f"{gibibytes(disk.free)} free of {gibibytes(disk.total)} at {disk.path}{access}"))
    lines.append(("uv", facts.uv_version or ABSENT))
    lines.append(("index", redact(facts.index.default_index or "uv's default")))
    return lines + [("note", redact(note)) for note in facts.index.notes]


def _host_rows(host: HostFacts) -> list[tuple[str, str]]:
    libc = f"{host.libc} {host.libc_version}" if host.libc else _UNKNOWN
    pythons = [(f"Python {one.version}", _python(one.path, one.implementation)) for one in host.interpreters]
    return [
        ("system", f"{host.distribution or host.system}, {host.architecture}"),
        ("kernel", f"{host.system} {host.kernel or _UNKNOWN}, {libc}"),
        ("CPU", f"{host.cpu_model or _UNKNOWN}, {host.cpu_count} logical CPUs"),
        ("memory", f"{gibibytes(host.memory_total)}, {gibibytes(host.memory_available)} available"),
        *(pythons or [("Python", ABSENT)]),
    ]


def _python(path: str, implementation: str) -> str:
    return path if implementation == "cpython" else f"{path} ({implementation})"


def _gpu_rows(facts: GpuFacts) -> list[tuple[str, str]]:
    lines = [(f"GPU {gpu.index}", _gpu(gpu)) for gpu in facts.gpus]
    if facts.driver_version is not None or facts.cuda_version is not None:
        cuda = f", serves CUDA up to {facts.cuda_version}" if facts.cuda_version else ""
        lines.append(("NVIDIA driver", f"{facts.driver_version or _UNKNOWN}{cuda}"))
    if facts.problem is not None:
        lines += [("NVIDIA problem", facts.problem), ("NVIDIA remedy", facts.remedy)]
    return lines or [("GPU", ABSENT)]


def _gpu(gpu: Gpu) -> str:
    capability = f"compute capability {gpu.capability or _UNKNOWN}"
    memory = "memory shared with the host" if gpu.unified_memory else f"{gibibytes(gpu.memory_total)} memory"
    return f"{gpu.name}, {capability}, {memory}"


def _engine(engine: EngineFacts) -> str:
    version = engine.server_version or engine.client_version or "version unknown"
    if engine.problem is not None:
        return f"{version}, but {engine.problem}: {engine.remedy}"
    return f"{version}, {'can' if engine.nvidia_runtime else 'cannot'} give containers the GPU"
