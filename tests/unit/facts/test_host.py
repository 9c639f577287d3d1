from __future__ import annotations

from collections.abc import Callable

import pytest

from scripts.facts.host import (
    Cpu,
    Kernel,
    Memory,
    parse_cpuinfo,
    parse_dgx_release,
    parse_libc,
    parse_meminfo,
    parse_os_release,
    parse_uname,
)

Capture = Callable[[str], str]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Linux 6.11.0-1016-nvidia aarch64\n",
            Kernel(system="Linux", release="6.11.0-1016-nvidia", architecture="aarch64"),
        ),
        ("uname: illegal option", None),
        ("", None),
    ],
)
def test_uname(text: str, expected: Kernel | None) -> None:
    assert parse_uname(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("debian", "Debian GNU/Linux 12 (bookworm)"), ("ubuntu", "Ubuntu 24.04.3 LTS")],
)
def test_os_release(capture: Capture, name: str, expected: str) -> None:
    assert parse_os_release(capture(f"host/{name}.os-release.txt")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NAME=Alpine\nVERSION_ID=3.20\n", "Alpine 3.20"),
        ("NAME='Void'\n", "Void"),
        ("# nothing said\n", None),
        ("", None),
    ],
)
def test_os_release_without_a_pretty_name(text: str, expected: str | None) -> None:
    assert parse_os_release(text) == expected


def test_dgx_release_counts_updates(capture: Capture) -> None:
    text = capture("host/dgx-spark.dgx-release.txt")
    assert parse_dgx_release(text) == "NVIDIA DGX Spark 7.3.1"
    assert parse_dgx_release(text.split("\n\n", maxsplit=1)[0]) == "NVIDIA DGX Spark 7.2.3"
    assert parse_dgx_release("DGX_COMMIT_ID=1\n") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("glibc 2.39\n", ("glibc", "2.39")),
        ("getconf: GNU_LIBC_VERSION: unknown variable", None),
        ("", None),
    ],
)
def test_getconf(text: str, expected: tuple[str, str] | None) -> None:
    assert parse_libc(text) == expected


@pytest.mark.parametrize(("name", "expected"), [("glibc", ("glibc", "2.36")), ("musl", ("musl", "1.2.5"))])
def test_ldd(capture: Capture, name: str, expected: tuple[str, str]) -> None:
    assert parse_libc(capture(f"host/{name}.ldd.txt")) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("debian", Memory(total=24684084 * 1024, available=24074560 * 1024)),
        ("gb10", Memory(total=128501256192, available=118741144 * 1024)),
    ],
)
def test_meminfo(capture: Capture, name: str, expected: Memory) -> None:
    assert parse_meminfo(capture(f"host/{name}.meminfo.txt")) == expected


def test_meminfo_of_an_old_kernel_has_no_available_memory() -> None:
    assert parse_meminfo("MemTotal: 1024 kB\nMemFree: 2 kB\n") == Memory(total=1048576, available=None)
    assert parse_meminfo("") == Memory(total=None, available=None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("epyc", Cpu(model="AMD EPYC", count=2)),
        ("gb10", Cpu(model="10 x Cortex-A725 + 10 x Cortex-X925", count=20)),
    ],
)
def test_cpuinfo(capture: Capture, name: str, expected: Cpu) -> None:
    assert parse_cpuinfo(capture(f"host/{name}.cpuinfo.txt")) == expected


def test_cpuinfo_names_the_numbers_of_a_part_it_does_not_know() -> None:
    text = "processor\t: 0\nCPU implementer\t: 0x51\nCPU part\t: 0x001\n"
    assert parse_cpuinfo(text) == Cpu(model="1 x arm64 implementer 0x51 part 0x001", count=1)
    assert parse_cpuinfo("") == Cpu(model=None, count=0)
