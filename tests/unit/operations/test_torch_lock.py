"""The lock of torch: pinned, kept, or resolved now; and what is refused before anything is downloaded."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from scripts.errors import ExitCode, IntegrityError, NoCandidateError, SparkError, UsageError
from scripts.model.facts import IndexSettings
from scripts.model.plan import Lock, Request
from scripts.operations.context import Context
from scripts.operations.torch_lock import choose_torch, parse_torch, torch_lock
from scripts.strategies.base import TorchSource
from scripts.strategies.locks import make_lock
from scripts.wheels.writer import metadata_text
from tests.support.contexts import context
from tests.support.machines import PC, PC_TARGET, SPARK_TARGET
from tests.unit.operations.worlds import CPU_ONLY, CU128, DEFAULT, HASH, CompilingUv, UnreachableWeb, page

FACTS = dataclasses.replace(PC, index=IndexSettings(default_index=DEFAULT))
LANE = "https://lane.example/whl/cu130"
PYPI = TorchSource(name="pypi", index=None, lane_cuda=None, cuda_required=True)
CU130 = TorchSource(name="cu130", index=LANE, lane_cuda="13.0", cuda_required=True)
CPU = TorchSource(name="cpu", index="https://lane.example/whl/cpu", lane_cuda="cpu", cuda_required=False)
REST = make_lock("constraints/kokoro.txt", f"filelock==3.20 {HASH}\nsympy==1.14 {HASH}\n", index=None)
X86_64 = "torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl"
AARCH64 = "torch-2.9.1-cp312-cp312-manylinux_2_28_aarch64.whl"


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        (None, None),
        ("2.15.0", "==2.15.0"),
        (" 2.15 ", "==2.15"),
        ("2.9.1+cu128", "==2.9.1+cu128"),
        ("2.16.0.dev20261101", "==2.16.0.dev20261101"),
        (">=2.11,<2.14", "<2.14,>=2.11"),
        ("==2.9.*", "==2.9.*"),
    ],
)
def test_parse_torch(text: str | None, specifier: str | None) -> None:
    found = parse_torch(text)
    assert (None if found is None else str(found)) == specifier


@pytest.mark.parametrize("text", ["latest", "2.15.x", "torch==2.15.0", ">=", "2.9.1 cu128", "https://host/torch.whl"])
def test_what_is_no_torch_version(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_torch(text)
    assert caught.value.reference == "bad-torch-version"
    assert "--torch 2.15.0" in caught.value.hint


def lock(given: Context, *, torch: str | None = "2.9.1", source: TorchSource = PYPI, refresh: bool = False) -> Lock:
    return torch_lock(source, PC_TARGET, Request(torch=torch), REST, given, refresh=refresh)


@pytest.mark.parametrize("torch", [None, "2.15.0", ">=2.11"])
def test_the_pinned_one(tmp_path: Path, torch: str | None) -> None:
    web = UnreachableWeb()
    found = lock(context(tmp_path, FACTS, web=web), torch=torch)
    assert found.name == "constraints/pypi-x86_64-cp312.txt"
    assert web.seen == []


def test_another_one_is_resolved_with_hashes_from_one_index(tmp_path: Path) -> None:
    uv = CompilingUv()
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(DEFAULT, (X86_64, CU128))), run=uv)
    found = lock(given)
    assert found.name == "resolved at plan time"
    assert [(pin.name, pin.version) for pin in found.pins] == [
        ("torch", "2.9.1"),
        ("nvidia-cuda-nvrtc-cu12", "12.8.93"),
    ]
    assert uv.inputs == [("torch==2.9.1\n", "filelock ; sys_platform == 'never'\nsympy ; sys_platform == 'never'\n")]
    assert "--prerelease" not in uv.seen[0]
    assert "--exclude-newer" not in uv.seen[0]


def test_it_is_kept_and_found_again(tmp_path: Path) -> None:
    web, uv = UnreachableWeb(page(DEFAULT, (X86_64, CU128))), CompilingUv()
    given = context(tmp_path, FACTS, web=web, run=uv)
    first = lock(given)
    asked = len(web.seen)
    again = lock(given)
    assert (again.name, again.text) == ("resolved earlier", first.text)
    assert (len(uv.seen), len(web.seen)) == (1, asked)
    lock(given, refresh=True)
    assert len(uv.seen) == 2


@pytest.mark.parametrize(("torch", "kept"), [("2.9.1", True), ("<2.10", False), ("==2.9.*", False)])
def test_what_may_have_a_newer_answer_is_kept_for_a_day(tmp_path: Path, torch: str, *, kept: bool) -> None:
    uv = CompilingUv()
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(DEFAULT, (X86_64, CU128))), run=uv)
    lock(given, torch=torch)
    lock(given, torch=torch)
    assert len(uv.seen) == 1
    (file,) = (given.home.cache / "locks").iterdir()
    long_ago = time.time() - 25 * 3600
    os.utime(file, (long_ago, long_ago))
    lock(given, torch=torch)
    assert len(uv.seen) == (1 if kept else 2)


def test_a_mirror_has_a_lock_of_its_own(tmp_path: Path) -> None:
    mirror = dataclasses.replace(PYPI, index="https://mirror.example/simple")
    pages = page(DEFAULT, (X86_64, CU128)) | page("https://mirror.example/simple", (X86_64, CU128))
    uv = CompilingUv()
    given = context(tmp_path, FACTS, web=UnreachableWeb(pages), run=uv)
    lock(given)
    lock(given, source=mirror)
    assert len(uv.seen) == 2
    assert uv.indexes == [DEFAULT, "https://mirror.example/simple"]


def test_names_of_the_default_index_are_refused_in_a_lane(tmp_path: Path) -> None:
    uv = CompilingUv(text=f"torch==2.9.1 {HASH}\nrequests==2.32 {HASH}\n")
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(DEFAULT, (X86_64, CU128))), run=uv)
    with pytest.raises(IntegrityError, match="needs requests, which must not come") as caught:
        lock(given)
    assert caught.value.reference == "stranger-in-lane"
    assert not (given.home.cache / "locks").exists()


def test_what_uv_cannot_resolve(tmp_path: Path) -> None:
    uv = CompilingUv(stderr="error: No solution found when resolving dependencies\n  cause: Because ...")
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(DEFAULT, (X86_64, CU128))), run=uv)
    with pytest.raises(NoCandidateError, match=r"resolving torch==2\.9\.1 for x86_64 cp312 from pypi") as caught:
        lock(given)
    assert caught.value.reference == "no-solution"


def choose(tmp_path: Path, source: TorchSource, *wheels: tuple[str, str], torch: str | None = None) -> str:
    index = source.index or DEFAULT
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(index, *wheels)))
    return choose_torch(source, PC_TARGET, parse_torch(torch), given).file.filename


def refused(tmp_path: Path, source: TorchSource, *wheels: tuple[str, str], torch: str | None = None) -> SparkError:
    with pytest.raises(NoCandidateError) as caught:
        choose(tmp_path, source, *wheels, torch=torch)
    assert caught.value.exit_code is ExitCode.NO_CANDIDATE
    assert caught.value.hint
    return caught.value


def wheel(version: str, *requires: str) -> tuple[str, str]:
    text = metadata_text("torch", version, *(("Requires-Dist", line) for line in requires))
    return f"torch-{version}-cp312-cp312-manylinux_2_28_x86_64.whl", text


def test_the_newest_release_is_chosen(tmp_path: Path) -> None:
    wheels = [wheel(version) for version in ("2.9.1+cu130", "2.12.0+cu130", "2.13.0rc1+cu130", "2.10.0+cu130")]
    assert choose(tmp_path, CU130, *wheels).startswith("torch-2.12.0+cu130")


def test_no_torch_that_fits(tmp_path: Path) -> None:
    error = refused(tmp_path, CU130, wheel("2.9.1+cu130"), (AARCH64, CU128), torch="2.10.0")
    assert error.reference == "no-torch"
    assert error.message == f"cu130 has no torch==2.10.0 for {PC_TARGET}"
    assert "2.9.1" in error.context


@pytest.mark.parametrize(
    ("version", "requires", "reference"),
    [
        ("2.9.1+cpu", (), "no-torch"),  # its name says so
        ("2.9.1+cu128", (), "no-torch"),
        ("2.9.1", (), "cpu-only-build"),  # its metadata says so
        ("2.9.1", ("nvidia-cuda-nvrtc-cu12==12.8.93",), "wrong-lane"),
    ],
)
def test_a_lane_that_holds_another_build(
    tmp_path: Path, version: str, requires: tuple[str, ...], reference: str
) -> None:
    assert refused(tmp_path, CU130, wheel(version, *requires)).reference == reference


def test_the_cpu_lane_takes_no_cuda_build(tmp_path: Path) -> None:
    assert choose(tmp_path, CPU, wheel("2.15.0+cpu")).startswith("torch-2.15.0+cpu")
    assert choose(tmp_path, CPU, wheel("2.15.0")).startswith("torch-2.15.0-")
    error = refused(tmp_path, CPU, wheel("2.15.0", "nvidia-cuda-nvrtc==13.2.86"))
    assert error.reference == "wrong-lane"
    assert "a build for CUDA 13.2" in error.message


def test_cpu_only_is_asked_of_the_target(tmp_path: Path) -> None:
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(DEFAULT, (AARCH64, CPU_ONLY), (X86_64, CU128))))
    assert choose_torch(PYPI, PC_TARGET, parse_torch("2.9.1"), given).file.filename == X86_64
    with pytest.raises(NoCandidateError, match="is a CPU-only build: strategy pypi is for the GPU"):
        choose_torch(PYPI, SPARK_TARGET, parse_torch("2.9.1"), given)


def test_nightly_builds_may_be_pre_releases(tmp_path: Path) -> None:
    nightly = dataclasses.replace(CU130, name="cu130-nightly", prereleases=True)
    name, metadata = wheel("2.16.0.dev20261101+cu130")
    assert choose(tmp_path, nightly, (name, metadata)) == name
    assert refused(tmp_path, CU130, (name, metadata)).reference == "no-torch"
    uv = CompilingUv(text=f"torch==2.16.0.dev20261101+cu130 {HASH}\n")
    given = context(tmp_path, FACTS, web=UnreachableWeb(page(LANE, (name, metadata))), run=uv)
    lock(given, torch=None, source=nightly)
    assert uv.seen[0][uv.seen[0].index("--prerelease") + 1] == "allow"
