from __future__ import annotations

from pathlib import Path

import pytest

from scripts.model.evidence import Outcome
from scripts.model.target import GB10, ComputeCapability
from scripts.verification.device_code import NONE, choose, observe_device_code, summarise_libraries
from scripts.wheels.devicecode import DeviceCode
from tests.support.places import ImagePlace
from tests.support.scripted import ScriptedRunner
from tests.unit.verification.cases import device, ended


def code(name: str = "libtorch_cuda.so", **fatbins: int) -> DeviceCode:
    return DeviceCode(library=name, fatbins={content.replace("__", " "): count for content, count in fatbins.items()})


# As torch's wheels are: facts, which torch wheels exist for aarch64.
TORCH_215 = code(sm_80__sm_90__sm_100__sm_120=475, sm_80__sm_90__sm_120__sm_121a=1)
TORCH_27 = code(sm_50__sm_90=400)

CHOICES = {
    "sm_120 on a GB10": (TORCH_215, "12.1", "cubin sm_120 (476 of 476 fatbins run)"),
    "sm_90 does not run on a GB10": (TORCH_27, "12.1", NONE),
    "one special kernel is not enough": (code(sm_90=475, sm_121a=1), "12.1", NONE),
    "PTX alone": (code(sm_80__compute_90=10), "12.1", "PTX compute_90 (10 of 10 fatbins run)"),
    "nothing at all": (code(), "12.1", NONE),
}


@pytest.mark.parametrize(("found", "capability", "text"), CHOICES.values(), ids=CHOICES.keys())
def test_choose(found: DeviceCode, capability: str, text: str) -> None:
    assert choose(found, ComputeCapability.parse(capability)) == text


def test_the_library_with_the_kernels_decides() -> None:
    linear_algebra = code("libtorch_cuda_linalg.so", sm_90=3)
    found = summarise_libraries([linear_algebra, TORCH_215], [GB10, ComputeCapability(13, 7)])
    assert found == {"runs": {"12.1": "cubin sm_120 (476 of 476 fatbins run)", "13.7": NONE}}


def test_no_device_code_anywhere_is_not_none_but_unknown() -> None:
    assert summarise_libraries([], [GB10]) is None
    assert summarise_libraries([code()], [GB10]) is None


def test_a_damaged_library_is_a_failure_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libtorch_cuda.so").write_bytes(b"not an ELF file")
    found = observe_device_code(device(torch_folder=str(tmp_path)), [GB10])
    assert found.outcome is Outcome.FAILED
    assert "libtorch_cuda.so" in found.error


def test_in_a_container_a_copy_is_read_and_goes(tmp_path: Path) -> None:
    inside, workdir = tmp_path / "inside", tmp_path / "work"
    (inside / "lib").mkdir(parents=True)
    workdir.mkdir()
    (inside / "lib" / "libtorch_cuda.so").write_bytes(b"not an ELF file")
    place = ImagePlace(python=Path("/opt/python"), run=ScriptedRunner())
    found = observe_device_code(device(torch_folder=str(inside)), [GB10], place, workdir)
    assert found.outcome is Outcome.FAILED
    assert "libtorch_cuda.so" in found.error
    assert place.fetched == [inside / "lib" / "libtorch_cuda.so"]
    assert list(workdir.iterdir()) == []


def test_no_library_is_a_failure(tmp_path: Path) -> None:
    found = observe_device_code(device(torch_folder=str(tmp_path)), [GB10])
    assert found.outcome is Outcome.FAILED
    assert "holds device code" in found.error


def test_without_torch_it_is_not_asked() -> None:
    found = observe_device_code(ended("device", Outcome.CRASHED), [GB10])
    assert found.outcome is Outcome.SKIPPED
    assert found.error
