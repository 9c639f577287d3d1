from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import IntegrityError
from scripts.home import CONSTRAINTS
from scripts.wheels.sonames import (
    Provider,
    ProviderKind,
    SonameTable,
    cuda_major,
    load_sonames,
    not_provided,
    required_packages,
    unreadable_requirements,
)
from tests.support.machines import PC_TARGET, SPARK_TARGET

TABLE = SonameTable(
    read="2026-11-24",
    how="made up",
    provider=(
        Provider(kind=ProviderKind.SYSTEM, packages=(), sonames=("libc.so.6",)),
        Provider(kind=ProviderKind.DRIVER, packages=(), sonames=("libcuda.so.1",)),
        Provider(kind=ProviderKind.PACKAGE, packages=("nvidia-cuda-runtime",), sonames=("libcudart.so.13",)),
        Provider(kind=ProviderKind.PACKAGE, packages=("nvidia-nccl-cu1*",), sonames=("libnccl.so.2",)),
    ),
    toolkit={"cudart": ("nvidia-cuda-runtime",), "nvrtc": ("nvidia-cuda-nvrtc",)},
)
TOOLKIT = 'cuda-toolkit[cudart]==13.2.2; platform_system == "Linux"'


def test_requirements_through_the_toolkit_s_extras() -> None:
    assert required_packages([TOOLKIT, "filelock"], SPARK_TARGET, TABLE) == (
        "cuda-toolkit",
        "nvidia-cuda-runtime",
        "filelock",
    )
    everything = required_packages(["cuda-toolkit[all]"], SPARK_TARGET, TABLE)
    assert set(everything) == {"cuda-toolkit", "nvidia-cuda-runtime", "nvidia-cuda-nvrtc"}


@pytest.mark.parametrize(
    ("line", "spark", "pc"),
    [
        ("nvidia-nccl-cu12; platform_machine == 'x86_64'", (), ("nvidia-nccl-cu12",)),
        ("NVIDIA_NCCL_cu12==2.27.5", ("nvidia-nccl-cu12",), ("nvidia-nccl-cu12",)),
        ("optree; extra == 'optree'", (), ()),
        ("pywin; sys_platform == 'win32'", (), ()),
        ("not a requirement (", (), ()),
        ("odd; sys_platform ~= 'linux'", (), ()),
    ],
)
def test_requirements_of_a_target(line: str, spark: tuple[str, ...], pc: tuple[str, ...]) -> None:
    assert required_packages([line], SPARK_TARGET, TABLE) == spark
    assert required_packages([line], PC_TARGET, TABLE) == pc


def test_what_nobody_provides() -> None:
    needed = ("libc.so.6", "libcuda.so.1", "libown.so", "libcudart.so.13", "libnccl.so.2", "libodd.so.1", "libodd.so.1")
    missing = not_provided(needed, {"libown.so"}, ("nvidia-cuda-runtime",), TABLE)
    assert list(map(str, missing)) == [
        "libnccl.so.2 (in nvidia-nccl-cu1*, which is not required)",
        "libodd.so.1 (nobody known provides it)",
    ]
    assert not not_provided(needed, {"libown.so", "libodd.so.1"}, ("nvidia-cuda-runtime", "nvidia-nccl-cu13"), TABLE)


@pytest.mark.parametrize(
    ("needed", "found"),
    [
        (("libcublas.so.13", "libcudart.so.13", "libcurand.so.10"), ("13", "libcudart.so.13")),
        (("libcublasLt.so.12", "libcufft.so.12"), ("12", "libcublasLt.so.12")),
        (("libcudart.so.12", "libcublas.so.13"), ("13", "libcublas.so.13")),
        (("libcufft.so.12", "libcudnn.so.9", "libcuda.so.1", "libnvrtc.so.11.2", "libcudart.so.11.0"), None),
        ((), None),
    ],
)
def test_cuda_by_what_is_needed(needed: tuple[str, ...], found: tuple[str, str] | None) -> None:
    assert cuda_major(needed) == found


def test_requirements_that_are_none() -> None:
    lines = [
        "filelock>=3",
        "not a requirement (",
        "odd; sys_platform ~= 'linux'",
        "a; b",
        "x @ https://a.example/x.whl",
    ]
    assert unreadable_requirements(lines) == ("not a requirement (", "a; b")
    assert unreadable_requirements(["a" + "[" * 9999, "a; " + "(" * 9999]) != ()


def test_the_table_that_is_here() -> None:
    table = load_sonames(CONSTRAINTS / "sonames.toml")
    cu12 = ("nvidia-cuda-runtime-cu12", "nvidia-cublas-cu12")
    assert not not_provided(("libcudart.so.12", "libcublasLt.so.12", "libm.so.6"), set(), cu12, table)
    assert not_provided(("libcudart.so.13",), set(), cu12, table)[0].known == ("nvidia-cuda-runtime",)
    assert required_packages(["cuda-toolkit[cublas,nvrtc]==13.2.2"], SPARK_TARGET, table) == (
        "cuda-toolkit",
        "nvidia-cublas",
        "nvidia-cuda-nvrtc",
    )


def test_a_damaged_table(tmp_path: Path) -> None:
    path = tmp_path / "sonames.toml"
    path.write_text('read = "2026"\nprovider = 1\n')
    with pytest.raises(IntegrityError) as caught:
        load_sonames(path)
    assert caught.value.reference == "bad-record"
