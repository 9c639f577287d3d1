"""What is installed, read from a fabricated site-packages."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scripts.environments.contents import WATCHED, distribution, installed_file_sets, site_packages


def install(environment: Path, name: str, version: str, *, record: bool = True) -> None:
    folder = environment / "lib" / "python3.12" / "site-packages" / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    if record:
        (folder / "RECORD").write_text(f"{name}.py,sha256=x,1\n", encoding="utf-8")


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    for name, version in (
        ("torch", "2.15.0+cu130"),
        ("nvidia_cuda_nvrtc", "13.0.88"),
        ("kokoro", "0.9.4"),
        ("kokoro_spark", "0.1.0"),
        ("torchgen", "1.0"),
        ("numpy", "2.3"),
    ):
        install(tmp_path, name, version)
    install(tmp_path, "misaki", "0.9.4", record=False)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("torch", "2.15.0+cu130"),
        ("nvidia-cuda-nvrtc", "13.0.88"),
        ("nvidia_cuda_nvrtc", "13.0.88"),
        ("Kokoro-Spark", "0.1.0"),
        ("absent", None),
        ("tor", None),
    ],
)
def test_distribution(environment: Path, name: str, version: str | None) -> None:
    found = distribution(environment, name)
    assert (None if found is None else found.version) == version


def test_only_what_verify_checks_is_hashed(environment: Path) -> None:
    found = {one.name: one for one in installed_file_sets(environment)}
    assert set(found) == {"torch", "nvidia-cuda-nvrtc", "kokoro", "kokoro-spark"}
    assert set(found) <= set(WATCHED)
    assert found["torch"].version == "2.15.0+cu130"
    assert found["torch"].record_sha256 == hashlib.sha256(b"torch.py,sha256=x,1\n").hexdigest()


def test_an_environment_without_packages(tmp_path: Path) -> None:
    assert site_packages(tmp_path) is None
    assert distribution(tmp_path, "torch") is None
    assert installed_file_sets(tmp_path) == ()
