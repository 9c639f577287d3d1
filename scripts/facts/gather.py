"""The gatherer: every fact of this machine, asked at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from scripts.errors import SparkError
from scripts.facts import engine, gpu, host
from scripts.facts.disk import disk_facts
from scripts.facts.fact import Fact, Reader, read_text
from scripts.facts.indexes import read_settings
from scripts.facts.interpreters import find_interpreters
from scripts.facts.tools import find_uv
from scripts.home import Home
from scripts.model.facts import EngineFacts, Facts, GpuFacts, HostFacts, Interpreter
from scripts.shell import Runner

_WORKERS = 6


def parse_uv_version(text: str) -> str | None:
    """Read `uv --version`."""
    match = re.match(r"uv (\S+)", text)
    return match[1] if match else None


def gather(run: Runner, home: Home, environ: Mapping[str, str], *, read: Reader = read_text) -> Facts:
    """Ask everything, side by side. Nothing is decided here, and nothing is changed.

    `run` starts the programs, `read` reads the files of /etc and /proc. Whatever is missing, broken or silent is
    absent or named as a problem: this raises nothing of its own.
    """
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        pythons = pool.submit(find_interpreters, run, environ)
        gpus = pool.submit(_gpu, run, environ)
        docker = pool.submit(_docker, run, environ)
        podman = pool.submit(_podman, run, environ, read)
        uv_version = pool.submit(_uv_version, run, environ)
        return Facts(
            host=_host(run, environ, read, pythons.result),
            gpu=gpus.result(),
            engines=tuple(found for found in (docker.result(), podman.result()) if found is not None),
            disk=disk_facts(home.root),
            index=read_settings(environ),
            uv_version=uv_version.result(),
        )


def _host(
    run: Runner, environ: Mapping[str, str], read: Reader, interpreters: Callable[[], tuple[Interpreter, ...]]
) -> HostFacts:
    kernel = host.UNAME.ask(run, environ) or host.kernel_here()
    libc = host.GETCONF.ask(run, environ) or host.LDD.ask(run, environ)
    memory = host.MEMINFO.read(read)
    cpu = host.CPUINFO.read(read)
    names = (host.OS_RELEASE.read(read), host.DGX_RELEASE.read(read))
    return HostFacts(
        system=kernel.system,
        architecture=kernel.architecture,
        distribution=" on ".join(name for name in names if name) or None,
        kernel=kernel.release,
        libc=libc[0] if libc else None,
        libc_version=libc[1] if libc else None,
        cpu_model=cpu.model if cpu else None,
        cpu_count=cpu.count if cpu else 0,
        memory_total=memory.total if memory else None,
        memory_available=memory.available if memory else None,
        interpreters=interpreters(),
    )


def _gpu(run: Runner, environ: Mapping[str, str]) -> GpuFacts:
    with ThreadPoolExecutor(max_workers=2) as pool:
        table = pool.submit(gpu.TABLE.ask, run, environ)
        query = gpu.QUERY.ask(run, environ)
        old = gpu.OLD_QUERY.ask(run, environ) if query is not None and gpu.needs_old_query(query) else None
        return gpu.gpu_facts(query=query, table=table.result(), old_query=old)


def _docker(run: Runner, environ: Mapping[str, str]) -> EngineFacts | None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        runtimes = pool.submit(engine.DOCKER_RUNTIMES.ask, run, environ)
        version = engine.DOCKER_VERSION.ask(run, environ)
        return None if version is None else engine.parse_docker(version, runtimes.result() or "")


def _podman(run: Runner, environ: Mapping[str, str], read: Reader) -> EngineFacts | None:
    version = engine.PODMAN_VERSION.ask(run, environ)
    if version is None:
        return None
    return engine.parse_podman(version, has_cdi=any(read(path) is not None for path in engine.CDI_SPECS))


def _uv_version(run: Runner, environ: Mapping[str, str]) -> str | None:
    try:
        program = find_uv(environ)
    except SparkError:
        return None
    return Fact((program, "--version"), parse_uv_version).ask(run, environ)
