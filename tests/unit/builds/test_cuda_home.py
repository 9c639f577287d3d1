"""The CUDA toolkit that is laid out from NVIDIA's packages, and what an nvcc is asked before a build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.builds.arch import parse_archs
from scripts.builds.toolchain import FROM_INDEX, complete_toolchain, make_cuda_home
from scripts.errors import BuildError
from scripts.model.builds import Toolchain
from tests.support.scripted import Command, ScriptedRunner

VERSION = "Cuda compilation tools, release 13.2, V13.2.86\n"
CODES = "sm_75\nsm_120\nsm_121\n"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A venv with NVIDIA's packages, as far as their layout goes."""
    folder = tmp_path / "venv"
    cuda = folder / "lib" / "python3.12" / "site-packages" / "nvidia" / "cu13"
    for name in ("bin", "include", "nvvm", "lib"):
        (cuda / name).mkdir(parents=True)
    (cuda / "bin" / "nvcc").touch(mode=0o755)
    for name in ("libcudart.so.13", "libnvrtc.so.13.2.86", "libcudadevrt.a"):
        (cuda / "lib" / name).touch()
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_packages_laid_out_as_a_toolkit(packages: Path) -> None:
    before = names(packages)
    home = make_cuda_home(packages)
    assert home == packages / "cuda"
    assert (home / "bin" / "nvcc").exists()
    assert not (home / "cccl").is_symlink()
    assert {path.name for path in (home / "lib64").iterdir()} == {
        "libcudart.so",
        "libcudart.so.13",
        "libnvrtc.so",
        "libnvrtc.so.13.2.86",
        "libcudadevrt.a",
    }
    assert (home / "lib64" / "libcudart.so").resolve().name == "libcudart.so.13"
    assert {name for name in names(packages) if not name.startswith("cuda")} == before


def test_a_whole_one_is_left_alone_for_another_build_may_use_it(packages: Path) -> None:
    home = make_cuda_home(packages)
    marked = [home / "mark", home / "lib64" / "mark"]  # not inodes: a file system gives them out again
    for mark in marked:
        mark.touch()
    assert make_cuda_home(packages) == home
    assert all(mark.exists() for mark in marked)


@pytest.mark.parametrize("missing", ["bin", "lib64/libcudart.so"])
def test_half_of_one_is_mended(packages: Path, missing: str) -> None:
    home = make_cuda_home(packages)
    whole = names(packages)
    (home / missing).unlink()
    make_cuda_home(packages)
    assert names(packages) == whole


def test_a_link_that_leads_elsewhere_is_mended(packages: Path, tmp_path: Path) -> None:
    home = make_cuda_home(packages)
    (home / "bin").unlink()
    (home / "bin").symlink_to(tmp_path)
    make_cuda_home(packages)
    assert (home / "bin" / "nvcc").exists()
    assert tmp_path.exists()


def test_a_file_in_its_place_is_mended(packages: Path) -> None:
    (packages / "cuda").touch()
    assert (make_cuda_home(packages) / "bin" / "nvcc").exists()


def test_another_build_that_was_faster(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        make_cuda_home(packages)
        (packages / "cuda" / "mark").touch()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert (make_cuda_home(packages) / "mark").exists()
    assert {path.name for path in packages.iterdir()} == {"lib", "cuda"}


def test_a_venv_without_nvcc(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        make_cuda_home(tmp_path)
    assert caught.value.reference == "no-nvcc"


CHOSEN = Toolchain(cc="gcc", cxx="/usr/bin/g++", cxx_version="g++ 16.1.0", cuda_from=FROM_INDEX, nvcc_version="13.2.86")


def completed(packages: Path, *answers: Command) -> tuple[Toolchain, ScriptedRunner]:
    nvcc = str(packages / "cuda" / "bin" / "nvcc")
    asked = (Command((nvcc, "--version"), out=VERSION), Command((nvcc, "--list-gpu-code"), out=CODES))
    run = ScriptedRunner([*asked, *(replace(one, starts=(nvcc,)) for one in answers)])
    archs = parse_archs("12.1a")
    return complete_toolchain(CHOSEN, packages, archs=archs, run=run, environ={}), run


def test_an_nvcc_of_the_index_is_asked_for_real(packages: Path) -> None:
    whole, run = completed(packages, Command(()))
    assert (whole.cuda_home, whole.nvcc_version) == (str(packages / "cuda"), "13.2.86")
    assert whole.nvcc_codes == ("sm_75", "sm_120", "sm_121")
    probe = run.seen[-1]
    assert "-gencode=arch=compute_121a,code=sm_121a" in probe
    assert probe[probe.index("-ccbin") + 1] == "/usr/bin/g++"
    assert not list(packages.glob("probe-*"))


def test_a_host_compiler_that_nvcc_refuses(packages: Path) -> None:
    words = (
        "host_config.h:143:2: error: #error -- unsupported GNU version! gcc versions later than 15 are not supported!"
    )
    with pytest.raises(BuildError) as caught:
        completed(packages, Command((), err=words, exit=1))
    assert caught.value.reference == "nvcc-fails"
    assert "sm_121a" in caught.value.message
    assert "unsupported GNU version" in caught.value.context
    assert "/usr/bin/g++: g++ 16.1.0" in caught.value.context


def test_without_cuda_nothing_is_asked(tmp_path: Path) -> None:
    alone = replace(CHOSEN, cuda_from="")
    assert complete_toolchain(alone, tmp_path, archs=(), run=ScriptedRunner(), environ={}) == alone
