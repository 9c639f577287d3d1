"""What a container sees of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.environments.engines import Mount
from scripts.environments.sharing import caller_mounts, is_shared, passed_on, require_free
from scripts.errors import UsageError

SHARED = (Mount(folder=Path("/data"), writable=True), Mount(folder=Path("/checkout"), writable=False))


def test_what_is_passed_on() -> None:
    environ = {
        "HOME": "/root",
        "PATH": "/bin",
        "LD_PRELOAD": "/x.so",
        "SIMULATED_GPU_NAME": "GB10",
        "CUDA_VISIBLE_DEVICES": "0",
        "OMP_NUM_THREADS": "2",
        "LC_ALL": "C.UTF-8",
        "PYTORCH_KERNEL_CACHE_PATH": "/data/kernels",
        "TRITON_PTXAS_PATH": "/usr/local/cuda/bin/ptxas",
        "CUDA_PATH": "/data/a:/usr/b",
        "KOKORO_SPARK_HOME": "/data",
        "HF_TOKEN": "secret",
        "NVIDIA_API_KEY": "secret",
        "NVIDIA_VISIBLE_DEVICES": "void",
        "PIP_INDEX_URL": "https://user:secret@index.example",
    }
    given = ["CUDA_VISIBLE_DEVICES", "KOKORO_SPARK_HOME", "LC_ALL", "OMP_NUM_THREADS", "PYTORCH_KERNEL_CACHE_PATH"]
    assert passed_on(environ, SHARED) == given


@pytest.mark.parametrize(
    ("path", "writable", "shared"),
    [
        ("/data", True, True),
        ("/data/x", True, True),
        ("/checkout/x", False, True),
        ("/checkout/x", True, False),
        ("/checkout/data/x", True, True),
        ("/other", False, False),
    ],
)
def test_is_shared(path: str, *, writable: bool, shared: bool) -> None:
    mounts = (*SHARED, Mount(folder=Path("/checkout/data"), writable=True))
    assert is_shared(Path(path), mounts, writable=writable) is shared


def test_caller_mounts(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    out.mkdir()
    mounts = caller_mounts(tmp_path / "checkout", data, [out, tmp_path / "not-there"])
    assert [(one.folder, one.writable) for one in mounts] == [
        (tmp_path / "checkout", False),
        (data, True),
        (out, True),
    ]
    assert data.is_dir(), "made: an engine mounts nothing else"
    assert not (tmp_path / "not-there").exists()


def test_what_is_behind_a_link_has_both_its_paths(tmp_path: Path) -> None:
    disk, data, real = tmp_path / "disk", tmp_path / "data", tmp_path / "real"
    for folder in (disk / "weights", real):
        folder.mkdir(parents=True)
    data.symlink_to(real)
    (real / "weights").symlink_to(disk / "weights")
    (real / "broken").symlink_to(tmp_path / "nothing")
    folders = {one.folder for one in caller_mounts(tmp_path / "checkout", data, []) if one.writable}
    assert folders == {data, real, disk / "weights"}


@pytest.mark.parametrize(
    "folder", ["/", "/opt", "/opt/kokoro-spark", "/opt/kokoro-spark/x", "/usr", "/usr/lib/x", "/etc"]
)
def test_nothing_of_the_image_is_hidden(folder: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_free(Path(folder))
    assert caught.value.reference == "hides-image"


@pytest.mark.parametrize("folder", ["/home/someone", "/tmp", "/root", "/opt/other", "/data", "/user"])
def test_what_the_image_has_not(folder: str) -> None:
    require_free(Path(folder))
