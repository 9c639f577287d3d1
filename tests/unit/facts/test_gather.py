from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uv

from scripts.facts.fact import read_text
from scripts.facts.gather import gather, parse_uv_version
from scripts.facts.render import ABSENT, gibibytes, rows, shown
from scripts.home import Home
from scripts.model.facts import Facts, GpuFacts, IndexSettings
from scripts.serial import from_data, to_data
from tests.support.scripted import Command, ScriptedRunner

Capture = Callable[[str], str]
PYTHON = '["3.12.3", "cpython", "aarch64"]\n'


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home and a PATH of our own, with a uv on it."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    home = str(tmp_path)
    return {"PATH": str(program.parent), "HOME": home, "XDG_CONFIG_DIRS": home, "PIP_CONFIG_FILE": "/dev/null"}


@pytest.fixture
def spark(capture: Capture, environ: dict[str, str], tmp_path: Path) -> Facts:
    """What a DGX Spark gives."""
    files = {
        "/etc/os-release": "host/ubuntu.os-release.txt",
        "/etc/dgx-release": "host/dgx-spark.dgx-release.txt",
        "/proc/cpuinfo": "host/gb10.cpuinfo.txt",
        "/proc/meminfo": "host/gb10.meminfo.txt",
    }
    query = "--query-gpu=index,name,uuid,compute_cap,memory.total,driver_version"
    run = ScriptedRunner(
        [
            Command(("uname", "-s", "-r", "-m"), out="Linux 6.11.0-1016-nvidia aarch64\n"),
            Command(("getconf", "GNU_LIBC_VERSION"), out="glibc 2.39\n"),
            Command(("nvidia-smi", query), out=capture("nvidia-smi/gb10.query.txt")),
            Command(("nvidia-smi",), out=capture("nvidia-smi/gb10.table.txt")),
            Command(("docker", "version"), out=capture("engines/docker-up.txt")),
            Command(("docker", "info"), out=capture("engines/runtimes-nvidia.txt")),
            Command((str(Path(sys.executable).resolve()),), out=PYTHON),
            Command((uv.find_uv_bin(), "--version"), out="uv 0.13.9 (aarch64-unknown-linux-gnu)\n"),
        ]
    )
    read = {path: capture(name) for path, name in files.items()}.get
    return gather(run, Home(root=tmp_path / "data"), environ, read=read)


def test_a_dgx_spark(spark: Facts, tmp_path: Path) -> None:
    host, gpu = spark.host, spark.gpu
    assert (host.system, host.architecture, host.kernel) == ("Linux", "aarch64", "6.11.0-1016-nvidia")
    assert host.distribution == "Ubuntu 24.04.3 LTS on NVIDIA DGX Spark 7.3.1"
    assert (host.libc, host.libc_version) == ("glibc", "2.39")
    assert (host.cpu_count, host.memory_total) == (20, 128501256192)
    assert [one.version for one in host.interpreters] == ["3.12.3"]
    assert [(one.name, str(one.capability), one.unified_memory) for one in gpu.gpus] == [("NVIDIA GB10", "12.1", True)]
    assert (gpu.driver_version, gpu.cuda_version, gpu.problem) == ("580.126.09", "13.0", None)
    assert [(one.name, one.server_version, one.nvidia_runtime) for one in spark.engines] == [("docker", "28.3.3", True)]
    assert spark.disk.path == str(tmp_path)
    assert spark.uv_version == "0.13.9"
    assert spark.index.default_index is None


def test_its_rows(spark: Facts) -> None:
    said = dict(rows(spark))
    assert said["system"] == "Ubuntu 24.04.3 LTS on NVIDIA DGX Spark 7.3.1, aarch64"
    assert said["kernel"] == "Linux 6.11.0-1016-nvidia, glibc 2.39"
    assert said["CPU"] == "10 x Cortex-A725 + 10 x Cortex-X925, 20 logical CPUs"
    assert said["memory"] == "119.7 GiB, 113.2 GiB available"
    assert said["GPU 0"] == "NVIDIA GB10, compute capability 12.1, memory shared with the host"
    assert said["NVIDIA driver"] == "580.126.09, serves CUDA up to 13.0"
    assert said["docker"] == "28.3.3, can give containers the GPU"
    assert said["Python 3.12.3"] == str(Path(sys.executable).resolve())
    assert said["index"] == "uv's default"


def test_facts_go_to_data_and_back(spark: Facts) -> None:
    assert from_data(Facts, to_data(spark), what="facts") == spark


def test_a_machine_with_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "uv").write_text("broken")
    facts = gather(ScriptedRunner(), Home(root=tmp_path), environ, read=lambda _path: None)
    assert facts.host.interpreters == ()
    assert (facts.host.libc, facts.host.memory_total, facts.host.cpu_model) == (None, None, None)
    assert facts.host.system == "Linux"
    assert facts.gpu == GpuFacts()
    assert (facts.engines, facts.uv_version) == ((), None)
    said = dict(rows(facts))
    assert {said[name] for name in ("GPU", "Python", "container engine", "uv")} == {ABSENT}
    assert said["memory"] == "unknown, unknown available"


def test_problems_are_shown_with_their_remedies(capture: Capture, environ: dict[str, str], tmp_path: Path) -> None:
    run = ScriptedRunner(
        [
            Command(("nvidia-smi",), out=capture("nvidia-smi/mismatch.txt"), exit=18),
            Command(("docker",), out='{"Client":{"Version":"28.2.2"},"Server":null}', err="permission denied", exit=1),
            Command(("podman",), out=capture("engines/podman.txt")),
            Command(("ldd",), err=capture("host/musl.ldd.txt"), exit=1),
        ]
    )
    facts = gather(run, Home(root=tmp_path), environ, read={"/etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0"}.get)
    said = dict(rows(facts))
    assert "different versions" in said["NVIDIA problem"]
    assert "restart" in said["NVIDIA remedy"]
    assert "GPU" not in said
    assert "usermod" in said["docker"]
    assert said["podman"] == "4.9.3, can give containers the GPU"
    assert facts.host.libc == "musl"


def test_an_old_nvidia_smi_is_asked_again(capture: Capture, environ: dict[str, str], tmp_path: Path) -> None:
    fewer = ("nvidia-smi", "--query-gpu=index,name,uuid,memory.total")
    run = ScriptedRunner(
        [
            Command(fewer, out=capture("nvidia-smi/old.fallback.txt")),
            Command(("nvidia-smi",), out=capture("nvidia-smi/old.query.txt"), exit=2),
        ]
    )
    facts = gather(run, Home(root=tmp_path), environ)
    assert [one.capability for one in facts.gpu.gpus] == [None]
    assert dict(rows(facts))["GPU 0"].endswith("Laptop GPU, compute capability unknown, 8.0 GiB memory")


def test_programs_that_never_answer_are_named(environ: dict[str, str], tmp_path: Path) -> None:
    run = ScriptedRunner([Command(("nvidia-smi",), exit=None), Command(("docker",), exit=None)])
    facts = gather(run, Home(root=tmp_path), environ)
    assert facts.gpu.problem == "nvidia-smi does not answer"
    assert [engine.problem for engine in facts.engines] == ["it does not answer"]


def test_what_is_shown_holds_no_credentials(spark: Facts) -> None:
    secret = IndexSettings(
        default_index="https://ada:secret@mirror.example/s",
        environment=(("HTTPS_PROXY", "http://ada:secret@proxy:1"), ("UV_NO_CONFIG", "1")),
        notes=("packages come from https://****@mirror.example/s",),
    )
    facts = replace(spark, index=secret)
    assert "secret" not in str(to_data(shown(facts)))
    assert dict(shown(facts).index.environment) == {"HTTPS_PROXY": "http://****@proxy:1", "UV_NO_CONFIG": "1"}
    assert ("index", "https://****@mirror.example/s") in rows(facts)
    assert "secret" not in str(rows(facts))


@pytest.mark.parametrize(("size", "said"), [(None, "unknown"), (0, "0.0 GiB"), (128501256192, "119.7 GiB")])
def test_sizes(size: int | None, said: str) -> None:
    assert gibibytes(size) == said


def test_uv_version() -> None:
    assert parse_uv_version("uv 0.13.9 (x86_64-unknown-linux-gnu)\n") == "0.13.9"
    assert parse_uv_version("error: cannot execute") is None


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_text(str(tmp_path / "none")) is None
    assert read_text(str(tmp_path)) is None
    (tmp_path / "odd").write_bytes(b"a\xff")
    assert read_text(str(tmp_path / "odd")) == "a\N{REPLACEMENT CHARACTER}"
