"""The operating system, CPU and memory: commands and files with their parsers."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass

from scripts.facts.fact import Document, Fact

_ARM_PARTS = {
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD42): "Cortex-A78AE",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0xC0, 0xAC3): "Ampere-1",
}
"""(implementer, part) of arm64 hosts that have NVIDIA GPUs, as Linux's arch/arm64/include/asm/cputype.h and
util-linux's lscpu name them. GB10 is Cortex-X925 and Cortex-A725, Grace is Neoverse-V2, Orin is Cortex-A78AE."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """What `uname` says."""

    system: str
    release: str
    architecture: str


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """Model and number of logical CPUs."""

    model: str | None
    count: int


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of the whole machine. Available: what can be used without swapping."""

    total: int | None
    available: int | None


def parse_uname(text: str) -> Kernel | None:
    """Read `uname -s -r -m`."""
    match = re.fullmatch(r"(\w+) (\S+) (\w+)", text.strip())
    return None if match is None else Kernel(system=match[1], release=match[2], architecture=match[3])


def kernel_here() -> Kernel:
    """Ask Python itself, where there is no `uname` program."""
    here = os.uname()
    return Kernel(system=here.sysname, release=here.release, architecture=here.machine)


def _assignments(text: str) -> dict[str, str]:
    """Read the shell-like `NAME="value"` lines of os-release(5)."""
    found = re.findall(r"^\s*([A-Z0-9_]+)=(?:\"([^\"]*)\"|'([^']*)'|(\S*))", text, re.MULTILINE)
    return {name: double or single or bare for name, double, single, bare in found}


def parse_os_release(text: str) -> str | None:
    """Name the distribution."""
    values = _assignments(text)
    return values.get("PRETTY_NAME") or " ".join(filter(None, (values.get("NAME"), values.get("VERSION_ID")))) or None


def parse_dgx_release(text: str) -> str | None:
    """Name the DGX system and its software: `NVIDIA DGX Spark 7.2.3`. An over-the-air update counts."""
    values = _assignments(text)
    name = values.get("DGX_PRETTY_NAME") or values.get("DGX_NAME")
    updates = re.findall(r"^\s*DGX_OTA_VERSION=\"?([^\"\n]+)\"?", text, re.MULTILINE)
    version = updates[-1] if updates else values.get("DGX_SWBUILD_VERSION", "")
    return f"{name} {version}".strip() if name else None


def parse_libc(text: str) -> tuple[str, str] | None:
    """Read `getconf GNU_LIBC_VERSION` or `ldd --version`: the C library's name and version."""
    glibc = re.search(r"^glibc (\d+\.\d+)", text) or re.search(r"^ldd \(.*\) (\d+\.\d+)", text, re.MULTILINE)
    if glibc is not None:
        return "glibc", glibc[1]
    musl = re.search(r"musl libc.*\nVersion (\S+)", text)
    return None if musl is None else ("musl", musl[1])


def parse_meminfo(text: str) -> Memory:
    """Read /proc/meminfo, whose kB are KiB."""
    sizes = {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return Memory(total=sizes.get("MemTotal"), available=sizes.get("MemAvailable"))


def parse_cpuinfo(text: str) -> Cpu:
    """Read /proc/cpuinfo: a model name on x86_64, part numbers on arm64, where cores may be of several kinds."""
    count = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    named = re.search(r"^model name\s*:\s*(\S.*?)\s*$", text, re.MULTILINE)
    if named is not None:
        return Cpu(model=named[1], count=count)
    parts = re.findall(r"^CPU implementer\s*:\s*(0x\w+)$.*?^CPU part\s*:\s*(0x\w+)$", text, re.MULTILINE | re.DOTALL)
    kinds = Counter(_arm_name(int(implementer, 16), int(part, 16)) for implementer, part in parts)
    return Cpu(model=" + ".join(f"{number} x {name}" for name, number in sorted(kinds.items())) or None, count=count)


def _arm_name(implementer: int, part: int) -> str:
    return _ARM_PARTS.get((implementer, part), f"arm64 implementer {implementer:#04x} part {part:#05x}")


UNAME = Fact(("uname", "-s", "-r", "-m"), parse_uname)
GETCONF = Fact(("getconf", "GNU_LIBC_VERSION"), parse_libc)
LDD = Fact(("ldd", "--version"), parse_libc)
OS_RELEASE = Document("/etc/os-release", parse_os_release)
DGX_RELEASE = Document("/etc/dgx-release", parse_dgx_release)
MEMINFO = Document("/proc/meminfo", parse_meminfo)
CPUINFO = Document("/proc/cpuinfo", parse_cpuinfo)
