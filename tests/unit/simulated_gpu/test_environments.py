from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.errors import IntegrityError, NoCandidateError, UsageError
from scripts.home import CONSTRAINTS, Home
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion, Target
from scripts.model.wheels import CudaBuild, IndexFile
from scripts.operations.torch_plan import rest_lock
from scripts.strategies.locks import make_lock, parse_pins, pin_named
from tests.simulated_gpu.environments import (
    OLDER_TRANSFORMERS,
    READY,
    Contents,
    checked_versions,
    choose_nvrtc,
    folder_of,
    interpreter_of,
    is_ready,
    nvrtc_package,
    pinned,
    preloading_builtins,
    torch_environment,
    with_pins,
)
from tests.support.contexts import context
from tests.support.machines import PC

HASH = "sha256:" + "0" * 64
CLOSURE = make_lock("closure", f"attrs==1 --hash={HASH}\ntransformers==5 --hash={HASH}\n", index=None)


def contents(torch: str = "2.9.1", nvrtc: str | None = None) -> Contents:
    return Contents(torch=torch, nvrtc=nvrtc, python=PythonVersion(3, 12), closure=CLOSURE)


def build(cuda: str | None, nvrtc: str | None, package: str | None = "nvidia-cuda-nvrtc-cu12") -> CudaBuild:
    return CudaBuild(torch="2.9.1", cuda=cuda, nvrtc=nvrtc, nvrtc_package=package, triton=None, requirements=())


def test_an_environment_is_named_by_all_that_decides_its_content() -> None:
    assert contents().name.startswith("torch-2.9.1-nvrtc-own-cp312-")
    other = Contents(torch="2.9.1", nvrtc=None, python=PythonVersion(3, 12), closure=with_pins(CLOSURE, CLOSURE))
    names = {contents().name, contents(nvrtc="12.9.86").name, contents(torch="2.8.0").name}
    assert len(names) == 3
    changed = with_pins(CLOSURE, make_lock("other", f"attrs==2 --hash={HASH}\n", index=None))
    assert Contents(torch="2.9.1", nvrtc=None, python=PythonVersion(3, 12), closure=changed).name != other.name


def test_only_a_whole_one_is_ready(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    assert not is_ready(home, contents())
    python = interpreter_of(home, contents())
    python.parent.mkdir(parents=True)
    python.touch()
    assert not is_ready(home, contents())
    (folder_of(home, contents()) / READY).touch()
    assert is_ready(home, contents())
    python.unlink()
    assert not is_ready(home, contents())


def test_a_ready_one_is_found_without_asking_anything(tmp_path: Path) -> None:
    given = context(tmp_path, PC)
    del given.__dict__["facts"]
    python = SUPPORTED_PYTHONS[1]  # the first is not there
    target = Target(architecture=Architecture.parse(os.uname().machine), python=python, glibc=(0, 0))
    made = Contents(torch="2.9.1", nvrtc=None, python=python, closure=rest_lock(target, CONSTRAINTS))
    path = interpreter_of(given.home, made)
    path.parent.mkdir(parents=True)
    path.touch()
    (folder_of(given.home, made) / READY).touch()
    assert torch_environment("2.9.1", context=given) == path


@pytest.mark.parametrize("text", ["", "2.9/../..", "newest", "2.9.*", "1!2/3"])
def test_what_is_no_version(text: str) -> None:
    for versions in ((text, None), ("2.9.1", text)):
        with pytest.raises(UsageError) as caught:
            checked_versions(*versions)
        assert caught.value.reference == "bad-version"


@pytest.mark.parametrize(
    ("version", "package"),
    [("11.8.89", "nvidia-cuda-nvrtc-cu11"), ("12.9.86", "nvidia-cuda-nvrtc-cu12"), ("13.0.88", "nvidia-cuda-nvrtc")],
)
def test_the_project_of_an_nvrtc(version: str, package: str) -> None:
    assert nvrtc_package(version) == package


def test_which_nvrtc() -> None:
    assert choose_nvrtc(build("12.8", "12.8.93"), None) == ("nvidia-cuda-nvrtc-cu12", "12.8.93")
    assert choose_nvrtc(build("12.8", "12.8.93"), "12.9.86") == ("nvidia-cuda-nvrtc-cu12", "12.9.86")


@pytest.mark.parametrize(
    ("cuda", "pins", "named", "error", "reference"),
    [
        (None, None, None, NoCandidateError, "cpu-only-torch"),
        (None, None, "12.9.86", NoCandidateError, "cpu-only-torch"),
        ("12.8", None, None, NoCandidateError, "no-nvrtc"),
        ("13.2", "13.2.86", "12.8.93", UsageError, "another-cuda"),
    ],
)
def test_no_nvrtc_that_it_would_load(
    cuda: str | None, pins: str | None, named: str | None, error: type[NoCandidateError], reference: str
) -> None:
    with pytest.raises(error) as caught:
        choose_nvrtc(build(cuda, pins), named)
    assert caught.value.reference == reference


def test_the_builtins_are_preloaded(tmp_path: Path) -> None:
    libraries = tmp_path / "lib" / "python3.12" / "site-packages" / "nvidia" / "cu13" / "lib"
    libraries.mkdir(parents=True)
    for name in ("libnvrtc.so.13", "libnvrtc-builtins.so.13.0", "libnvrtc-builtins.alt.so.13.0"):
        (libraries / name).touch()
    python = tmp_path / "bin" / "python"
    builtins = str(libraries / "libnvrtc-builtins.so.13.0")
    assert preloading_builtins(python, {"A": "b"}) == {"A": "b", "LD_PRELOAD": builtins}
    assert preloading_builtins(python, {"LD_PRELOAD": "x.so y.so"}) == {"LD_PRELOAD": f"x.so:y.so:{builtins}"}


def test_nothing_is_installed_without_a_hash() -> None:
    file = IndexFile(
        project="torch",
        filename="torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl",
        url="",
        sha256=None,
        size=None,
        requires_python=None,
        yanked=None,
        metadata_url="",
        metadata_announced=False,
    )
    with pytest.raises(IntegrityError) as caught:
        pinned(file, "torch", "2.9.1")
    assert caught.value.reference == "no-hash"


def test_pins_in_the_place_of_others() -> None:
    lock = with_pins(CLOSURE, make_lock("older", f"transformers==4 --hash={HASH} --hash={HASH}\n", index=None))
    assert [(pin.name, pin.version, len(pin.hashes)) for pin in lock.pins] == [
        ("attrs", "1", 1),
        ("transformers", "4", 2),
    ]


def test_the_older_transformers_are_pinned() -> None:
    pins = parse_pins(OLDER_TRANSFORMERS.read_text(), what=OLDER_TRANSFORMERS.name)
    transformers = pin_named(pins, "transformers")
    assert transformers is not None
    assert transformers.version.startswith("4.")
    assert {pin.name for pin in pins} == {"huggingface-hub", "tokenizers", "transformers"}
