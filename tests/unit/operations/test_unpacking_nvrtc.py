from __future__ import annotations

from pathlib import Path

from scripts.operations.proving import unpack_nvrtc
from tests.support.index_server import make_wheel


def test_the_library_and_its_builtins_come_out_and_nothing_else(tmp_path: Path) -> None:
    place = "nvidia/cuda_nvrtc"
    files = {
        f"{place}/lib/libnvrtc.so.12": b"library",
        f"{place}/lib/libnvrtc-builtins.so.12.8": b"builtins",
        f"{place}/lib/libnvrtc.alt.so.12": b"for old drivers",
        f"{place}/lib/libnvrtc-builtins.alt.so.12.8": b"for old drivers",
        f"{place}/include/nvrtc.h": b"header",
    }
    wheel = make_wheel(tmp_path / "wheels", "nvidia-cuda-nvrtc-cu12", "12.8.93", files=files)
    folder = tmp_path / "libraries"
    folder.mkdir()
    unpack_nvrtc(wheel, folder)
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found == {"libnvrtc.so.12": b"library", "libnvrtc-builtins.so.12.8": b"builtins"}
