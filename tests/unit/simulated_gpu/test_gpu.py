"""A simulated GPU's values, and what they become in a process's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.errors import UsageError
from tests.simulated_gpu.gpu import Faults, SimulatedGpu, with_variables
from tests.simulated_gpu.nvrtc import nvrtc_libraries
from tests.simulated_gpu.overlay import followed

PLACES: dict[str, Any] = {"python": Path("/env/bin/python"), "cache": Path("/cache")}
LIBRARIES = (Path("/built/libcuda.so.1"), Path("/built/libcudart.so.13"))
TRACE = Path("/scratch/trace.jsonl")


def variables(base: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    return with_variables(base or {}, SimulatedGpu(**PLACES, **changes), TRACE, LIBRARIES)


def test_a_gb10_is_the_default() -> None:
    assert variables() == {
        "SIMULATED_GPU_NAME": "NVIDIA GB10",
        "SIMULATED_GPU_CAPABILITY": "12.1",
        "SIMULATED_GPU_MEMORY": str(120 * 2**30),
        "SIMULATED_GPU_DRIVER": "13020",
        "SIMULATED_GPU_DEVICES": "1",
        "SIMULATED_GPU_TRACE": "/scratch/trace.jsonl",
        "LD_PRELOAD": "/built/libcuda.so.1:/built/libcudart.so.13",
    }


def test_every_fault_is_a_variable() -> None:
    faults = Faults(
        module_error=218,
        launch_error=719,
        launch_ending="hang",
        kernel="abs_kernel",
        garbage="convolution",
        stay_on_cpu=True,
    )
    added = set(variables(faults=faults).items()) - set(variables().items())
    assert dict(added) == {
        "SIMULATED_GPU_MODULE_ERROR": "218",
        "SIMULATED_GPU_LAUNCH_ERROR": "719",
        "SIMULATED_GPU_LAUNCH_ENDING": "hang",
        "SIMULATED_GPU_KERNEL": "abs_kernel",
        "SIMULATED_GPU_GARBAGE": "convolution",
        "SIMULATED_GPU_STAY_ON_CPU": "1",
    }


def test_the_rest_of_the_environment_stays() -> None:
    base = {"HOME": "/home/someone", "LD_PRELOAD": "/lib/other.so /lib/more.so"}
    found = variables(base)
    assert found["HOME"] == "/home/someone"
    assert found["LD_PRELOAD"].split(":") == [*map(str, LIBRARIES), "/lib/other.so", "/lib/more.so"]
    assert base["LD_PRELOAD"] == "/lib/other.so /lib/more.so"


def test_no_fault_of_another_gpu_comes_along() -> None:
    assert "SIMULATED_GPU_GARBAGE" not in variables({"SIMULATED_GPU_GARBAGE": "abs"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"capability": (0, 1)}, "(0, 1) is no compute capability"),
        ({"capability": (12, 10)}, "(12, 10) is no compute capability"),
        ({"driver": (13, -1)}, "(13, -1) is no version of CUDA"),
        ({"memory": 0}, "0 bytes"),
        ({"devices": 2}, "2 devices"),
        ({"name": ""}, "'' is no GPU's name"),
        ({"name": "two\nlines"}, "no GPU's name"),
    ],
)
def test_a_gpu_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        SimulatedGpu(**PLACES, **changes)
    assert said in caught.value.message
    assert caught.value.reference == "bad-gpu"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"module_error": -1}, "module_error -1"),
        ({"launch_error": 1000}, "launch_error 1000"),
        ({"launch_ending": "explode"}, "'explode'"),
        ({"garbage": "abs; exp"}, "'abs; exp'"),
        ({"kernel": "abs\n"}, "is no part of a kernel's name"),
    ],
)
def test_a_fault_that_there_is_not_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Faults(**changes)
    assert said in caught.value.message
    assert caught.value.reference == "bad-gpu"


def test_an_environment_is_followed_with_its_pth_files() -> None:
    folders = ["/usr/lib/python3.11", "/usr/lib/python311.zip", "/it's/site-packages", "/usr/lib/python3/dist-packages"]
    assert followed(folders) == (
        'import site; site.addsitedir("/it\'s/site-packages")\n'
        "import site; site.addsitedir('/usr/lib/python3/dist-packages')\n"
    )


def test_a_folder_without_an_nvrtc_is_refused(tmp_path: Path) -> None:
    (tmp_path / "libnvrtc.so.12").touch()  # and no builtins
    with pytest.raises(UsageError) as caught:
        nvrtc_libraries(tmp_path, tmp_path / "torch", tmp_path / "scratch")
    assert caught.value.reference == "no-nvrtc"
