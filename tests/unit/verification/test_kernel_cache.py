from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.model.evidence import Outcome
from scripts.model.target import GB10, ComputeCapability
from scripts.verification.evidence import Evidence
from scripts.verification.kernel_cache import Place, cache_notes, cache_place, observe_kernel_cache
from scripts.verification.summary import summarise

HASH = "0" * 40
PLACES: dict[str, tuple[Mapping[str, str], Place]] = {
    "the variable": (
        {"PYTORCH_KERNEL_CACHE_PATH": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"},
        Place(folder=Path("/c"), chosen_by="PYTORCH_KERNEL_CACHE_PATH"),
    ),
    "XDG": (
        {"XDG_CACHE_HOME": "/x", "HOME": "/h"},
        Place(folder=Path("/x/torch/kernels"), chosen_by="XDG_CACHE_HOME"),
    ),
    "home": ({"HOME": "/h"}, Place(folder=Path("/h/.cache/torch/kernels"), chosen_by="HOME")),
    "nowhere": ({}, Place(folder=None, chosen_by="no HOME")),
    "off": (
        {"USE_PYTORCH_KERNEL_CACHE": "0", "HOME": "/h"},
        Place(folder=None, chosen_by="USE_PYTORCH_KERNEL_CACHE=0"),
    ),
    "on": (
        {"USE_PYTORCH_KERNEL_CACHE": "no", "HOME": "/h"},
        Place(folder=Path("/h/.cache/torch/kernels"), chosen_by="HOME"),
    ),
}


@pytest.mark.parametrize(("environ", "place"), PLACES.values(), ids=PLACES.keys())
def test_where_torch_keeps_them(environ: Mapping[str, str], place: Place) -> None:
    assert cache_place(environ) == place


def fill(folder: Path, *names: str) -> Mapping[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}_{HASH}").touch()
    return {"PYTORCH_KERNEL_CACHE_PATH": str(folder)}


FILLED = (
    "exp_kernel_vectorized2_arch12.1_nvrtc13.2_sass_1",
    "exp_kernel_arch12.1_nvrtc13.2_sass_2",
    "abs_kernel_vectorized2_arch12.1_nvrtc13.2_sass_1",
    "abs_kernel_vectorized2_arch12.1_nvrtc13.0_sass_1",
    "abs_kernel_vectorized2_arch9.0_nvrtc13.2_sass_1",
)


def test_kernels_are_counted_by_architecture_and_nvrtc(tmp_path: Path) -> None:
    environ = fill(tmp_path, *FILLED, "notes")
    found = observe_kernel_cache(environ, [GB10])
    assert found.outcome is Outcome.PASSED
    assert found.detail == {
        "folder": str(tmp_path),
        "chosen_by": "PYTORCH_KERNEL_CACHE_PATH",
        "files": 5,
        "kernels": {"12.1": {"13.0": ["abs"], "13.2": ["abs", "exp"]}},
    }
    assert summarise(found) == (
        f"{tmp_path} (PYTORCH_KERNEL_CACHE_PATH): for 12.1, of NVRTC 13.0: abs; of NVRTC 13.2: abs, exp"
    )
    (note,) = cache_notes(Evidence.of([found]))
    assert "(of NVRTC 13.0: abs; of NVRTC 13.2: abs, exp)" in note
    assert "does not ask NVRTC" in note


def test_kernels_for_another_gpu_are_no_note(tmp_path: Path) -> None:
    found = observe_kernel_cache(fill(tmp_path, *FILLED), [ComputeCapability(8, 0)])
    assert summarise(found) == f"{tmp_path} (PYTORCH_KERNEL_CACHE_PATH): 5 kernel(s), none for this GPU"
    assert cache_notes(Evidence.of([found])) == ()


def test_no_folder_and_no_cache(tmp_path: Path) -> None:
    absent = observe_kernel_cache({"HOME": str(tmp_path)}, [GB10])
    assert summarise(absent) == f"{tmp_path}/.cache/torch/kernels (HOME): no kernels"
    off = observe_kernel_cache({"USE_PYTORCH_KERNEL_CACHE": "0"}, [GB10])
    assert summarise(off) == "an application would keep none (USE_PYTORCH_KERNEL_CACHE=0)"
    assert {absent.outcome, off.outcome} == {Outcome.PASSED}
    assert cache_notes(Evidence.of([absent])) == cache_notes(Evidence.of([off])) == cache_notes(Evidence.of([])) == ()


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = observe_kernel_cache({"PYTORCH_KERNEL_CACHE_PATH": str(tmp_path / "file")}, [GB10])
    assert found.outcome is Outcome.FAILED
    assert found.error == f"{tmp_path}/file cannot be read: Not a directory"
