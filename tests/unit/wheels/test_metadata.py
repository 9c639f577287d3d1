from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from scripts.errors import IntegrityError
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.model.wheels import IndexFile
from scripts.wheels.metadata import cuda_build, read_metadata
from scripts.wheels.rangefile import RangeFile
from scripts.wheels.writer import metadata_text, wheel_bytes
from tests.support.pages import Page, ScriptedWeb, index_file

SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
PC = Target(Architecture.X86_64, PythonVersion(3, 12), (2, 35))

# Requires-Dist lines as the wheels of these releases have them, shortened to what matters here.
X86_64_ONLY = "platform_system == 'Linux' and platform_machine == 'x86_64'"
TORCH_2_9_1 = metadata_text(
    "torch",
    "2.9.1",
    ("Requires-Dist", "filelock"),
    ("Requires-Dist", f"nvidia-cuda-nvrtc-cu12==12.8.93; {X86_64_ONLY}"),
    ("Requires-Dist", f"nvidia-cuda-runtime-cu12==12.8.90; {X86_64_ONLY}"),
    ("Requires-Dist", f"triton==3.5.1; {X86_64_ONLY}"),
    ("Requires-Dist", 'optree>=0.13.0; extra == "optree"'),
)
TORCH_2_15_0 = metadata_text(
    "torch",
    "2.15.0",
    ("Requires-Dist", 'cuda-toolkit[cublas,cudart,nvrtc,nvtx]==13.2.2; platform_system == "Linux"'),
    ("Requires-Dist", 'cuda-bindings<14,>=13.0.3; platform_system == "Linux" and python_version < "3.15"'),
    ("Requires-Dist", 'nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"'),
    ("Requires-Dist", 'triton~=3.9.0; platform_system == "Linux" and python_version < "3.16"'),
)
WHERE = "(sys_platform == 'linux' and platform_machine == 'aarch64' or sys_platform == 'win32')"
TOOLKIT = metadata_text(
    "cuda-toolkit",
    "13.2.2",
    ("Requires-Dist", f"nvidia-cuda-nvrtc==13.2.86.*; {WHERE} and extra == 'nvrtc'"),
    ("Requires-Dist", f"nvidia-nvtx==13.2.86.*; {WHERE} and extra == 'nvtx'"),
)


def follow_nothing(name: str, specifier: SpecifierSet) -> str:
    raise AssertionError(f"{name}{specifier} was followed")


def test_nvrtc_pinned_by_name() -> None:
    build = cuda_build(TORCH_2_9_1, PC, follow_nothing)
    assert (build.torch, build.cuda, build.nvrtc, build.triton) == ("2.9.1", "12.8", "12.8.93", "3.5.1")
    assert "filelock" in build.requirements


def test_the_same_release_is_cpu_only_for_aarch64() -> None:
    build = cuda_build(TORCH_2_9_1, SPARK, follow_nothing)
    assert (build.cuda, build.nvrtc, build.triton) == (None, None, None)


def test_nvrtc_through_the_toolkit_s_extra() -> None:
    asked = []

    def follow(name: str, specifier: SpecifierSet) -> str:
        asked.append((name, str(specifier)))
        return TOOLKIT

    build = cuda_build(TORCH_2_15_0, SPARK, follow)
    assert (build.cuda, build.nvrtc, build.triton) == ("13.2", "13.2.86", "3.9.0")
    assert asked == [("cuda-toolkit", "==13.2.2")]


@pytest.mark.parametrize(
    ("version", "requires", "cuda"),
    [
        ("2.9.1+cpu", [], None),
        ("2.9.1+cu130", [], "13.0"),  # the lane's older aarch64 wheels carry CUDA inside and require nothing
        ("2.9.1+cu128", ["nvidia-cuda-runtime-cu12==12.9.79"], "12.8"),
        ("2.9.1", ["nvidia-cuda-runtime-cu12==12.6.77", "nvidia-nccl-cu12==2.27.5"], "12.6"),
        ("2.9.1", ["numpy", "not a requirement ("], None),
        ("2.9.1", ['nvidia-cuda-runtime-cu12==12.6.77; sys_platform == "win32"'], None),
    ],
)
def test_which_cuda(version: str, requires: list[str], cuda: str | None) -> None:
    text = metadata_text("torch", version, *(("Requires-Dist", line) for line in requires))
    assert cuda_build(text, SPARK, follow_nothing).cuda == cuda


def test_cuda_of_no_known_release_is_an_error() -> None:
    text = metadata_text("torch", "2.9.1", ("Requires-Dist", "nvidia-nccl-cu12"))
    with pytest.raises(IntegrityError) as caught:
        cuda_build(text, SPARK, follow_nothing)
    assert caught.value.reference == "wrong-metadata"


WHEEL = "demo-1.0-py3-none-any.whl"
GOOD = metadata_text("Demo", "1.0.0")


@pytest.fixture
def file() -> IndexFile:
    return index_file(WHEEL)


def whole(metadata: str = GOOD, size: int = 1_000_000) -> bytes:
    return wheel_bytes(name="demo", version="1.0", files={"demo/data.bin": bytes(size)}, metadata=metadata)


def test_metadata_beside_the_wheel_though_not_announced(file: IndexFile) -> None:
    assert read_metadata(file, ScriptedWeb({file.metadata_url: GOOD.encode()})) == GOOD


@pytest.mark.parametrize("beside", [None, Page(status=403), Page(body=b"<html>not found, says the CDN</html>")])
def test_metadata_from_the_wheel_s_end(file: IndexFile, beside: Page | None) -> None:
    data = whole()
    unsized = IndexFile(**{**vars(file), "size": None})
    web = ScriptedWeb({file.url: data} if beside is None else {file.url: data, file.metadata_url: beside})
    assert read_metadata(unsized, web) == GOOD
    ranges = [seen.split(" ")[0].split("-") for seen in web.seen if seen[0].isdigit()]
    assert sum(int(stop) - int(start) for start, stop in ranges) < 100_000


@pytest.mark.parametrize("name", ["other", "demo"])
def test_metadata_of_something_else(file: IndexFile, name: str) -> None:
    text = metadata_text(name, "2.0")
    with pytest.raises(IntegrityError, match=r"demo-1\.0-py3") as caught:
        read_metadata(file, ScriptedWeb({file.metadata_url: text.encode()}))
    assert caught.value.reference == "wrong-metadata"


@pytest.mark.parametrize("data", [b"", b"no zip at all" * 9000, whole()[:-100]])
def test_a_file_that_is_no_wheel(file: IndexFile, data: bytes) -> None:
    unsized = IndexFile(**{**vars(file), "size": None})
    with pytest.raises(IntegrityError) as caught:
        read_metadata(unsized, ScriptedWeb({file.url: data}))
    assert caught.value.reference == "bad-wheel"


def test_a_range_file_is_a_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    remote = RangeFile(len(data), lambda start, stop: data[start:stop])
    assert remote.read() == data
    for offset in (0, 70_000, 255_990):
        remote.seek(offset)
        assert remote.read(20) == data[offset : offset + 20]
    remote.seek(-5, io.SEEK_END)
    assert remote.read(20) == data[-5:]
    assert remote.read(1) == b""


def test_a_zip_with_a_large_directory_is_read_in_few_requests() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(5000):
            archive.writestr(f"demo/{number}.py", b"")
        archive.writestr("demo-1.0.dist-info/METADATA", GOOD)
    data = buffer.getvalue()
    asked = []

    def read_range(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return data[start:stop]

    with zipfile.ZipFile(RangeFile(len(data), read_range)) as archive:
        assert archive.read("demo-1.0.dist-info/METADATA").decode() == GOOD
    assert len(asked) <= 4
