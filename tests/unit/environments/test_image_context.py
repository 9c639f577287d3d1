"""The folder that an image is built from, and what of it must not stay."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from scripts.environments.image_context import (
    DOCKER,
    PRIVATE,
    RECIPE,
    SCRIPT,
    clear_pip_settings,
    pip_settings,
    recipe_sha256,
    refusal,
    write_context,
    write_pip_settings,
)
from tests.support.plans import REST_LOCK


def test_the_recipes_hash_is_over_both_files(tmp_path: Path) -> None:
    for name in (RECIPE, SCRIPT):
        shutil.copyfile(DOCKER / name, tmp_path / name)
    assert recipe_sha256(tmp_path) == recipe_sha256()
    hashes = {recipe_sha256()}
    for name in (RECIPE, SCRIPT):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write("#\n")
        hashes.add(recipe_sha256(tmp_path))
    assert len(hashes) == 3


def test_what_the_context_holds(tmp_path: Path) -> None:
    wheel = tmp_path / "kokoro_spark-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    sha256 = hashlib.sha256(b"wheel").hexdigest()
    write_context(tmp_path / "context", REST_LOCK, [(wheel, sha256)])
    found = {str(path.relative_to(tmp_path / "context")) for path in (tmp_path / "context").rglob("*")}
    assert found == {
        RECIPE,
        SCRIPT,
        "build.txt",
        "kokoro-x86_64-cp312.txt",
        wheel.name,
        "made.txt",
        PRIVATE,
        f"{PRIVATE}/pip.conf",
    }
    read = {name: (tmp_path / "context" / name).read_text(encoding="utf-8") for name in ("made.txt", "build.txt")}
    assert read["made.txt"] == f"/context/{wheel.name} --hash=sha256:{sha256}\n"
    assert read["build.txt"] == REST_LOCK.build_text


def test_pip_is_told_what_uv_is_told(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("certificates", encoding="utf-8")
    settings = pip_settings(
        {
            "UV_DEFAULT_INDEX": "https://user:secret@mirror.example/simple",
            "SSL_CERT_FILE": str(bundle),
            "SSL_CLIENT_CERT": str(tmp_path / "not-there"),
            "HTTPS_PROXY": "http://proxy.example:3128",
            "UV_INSECURE_HOST": "a.example  b.example",
        }
    )
    assert settings.text.splitlines() == [
        "[global]",
        "index-url = https://user:secret@mirror.example/simple",
        "cert = /context/private/ca.pem",
        "proxy = http://proxy.example:3128",
        "trusted-host = a.example b.example",
    ]
    assert settings.files == (("ca.pem", bundle),)


def test_without_settings_there_are_none() -> None:
    assert pip_settings({"PATH": "/bin"}).text == "[global]\n"


def test_credentials_do_not_stay(tmp_path: Path) -> None:
    settings = pip_settings({"UV_DEFAULT_INDEX": "https://user:secret@mirror.example/simple"})
    write_pip_settings(tmp_path, settings)
    private = tmp_path / PRIVATE
    assert "secret" in (private / "pip.conf").read_text(encoding="utf-8")
    assert private.stat().st_mode & 0o077 == 0, "nobody else may read it"
    clear_pip_settings(tmp_path)
    assert (private / "pip.conf").read_text(encoding="utf-8") == "", "COPY needs the folder"


def test_clearing_where_nothing_was_written(tmp_path: Path) -> None:
    clear_pip_settings(tmp_path)
    assert not (tmp_path / PRIVATE).exists()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("kokoro-spark: python-mismatch: it is 3.13\n", ("python-mismatch", "it is 3.13")),
        (
            "#12 0.531 kokoro-spark: cpu-build: it is CPU-only  \n#12 ERROR: exit code: 1",
            ("cpu-build", "it is CPU-only"),
        ),
        ("kokoro-spark: torch 2.15.0 (CUDA 13.2) of the base image is in use: /x\n", None),
        ("Step 3/20 : LABEL kokoro-spark.build=${BUILD}\n", None),
        ("", None),
    ],
)
def test_the_line_by_which_the_recipe_refuses(words: str, found: tuple[str, str] | None) -> None:
    assert refusal(words) == found
