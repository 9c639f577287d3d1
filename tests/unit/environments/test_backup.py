"""A package kept and put back, from every state that it can be left in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.environments.backup import Backup, new_manifest
from scripts.environments.snapshot import changes, own_names, snapshot
from scripts.errors import DiskError, IntegrityError
from scripts.home import Home
from scripts.model.repair import Manifest, ManifestState, SavedKind
from tests.support.strangers import LIFTED, OLD, tree

PACKAGE = "nvidia-cuda-nvrtc-cu12"
INFO = "nvidia_cuda_nvrtc_cu12-{}.dist-info"


def put(site: Path, version: str, files: dict[str, str]) -> None:
    """Install by hand: the files, and a RECORD that names them."""
    info = INFO.format(version)
    whole = {**files, f"{info}/METADATA": f"Name: {PACKAGE}\nVersion: {version}\n", f"{info}/INSTALLER": "pip\n"}
    record = "".join(f"{name},,\n" for name in (*whole, f"{info}/RECORD", "../../../outside", "/etc/passwd"))
    for name, text in {**whole, f"{info}/RECORD": record}.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)


def replace(site: Path) -> None:
    """Do what an installer does: the old one out, with what it shares, the new one in."""
    shutil.rmtree(site / "nvidia")
    shutil.rmtree(site / INFO.format(OLD))
    put(site, LIFTED, {"nvidia/cuda_nvrtc/lib/libnvrtc.so.12": "new", "nvidia/cuda_nvrtc/lib/extra/new.so": "new"})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    put(made, OLD, {"nvidia/__init__.py": "", "nvidia/cuda_nvrtc/lib/libnvrtc.so.12": "old" * 1000})
    (made / "nvidia" / "cuda_nvrtc" / "lib" / "libnvrtc.so").symlink_to("libnvrtc.so.12")
    (made / "nvidia" / "cuda_nvrtc" / "unlisted").write_text("mine")
    (made / "nvidia" / "cuda_nvrtc" / "unlisted").chmod(0o640)
    (made / "nvidia" / "cuda_nvrtc" / "empty").mkdir(mode=0o700)
    (made / "nvidia" / "cublas").mkdir()
    (made / "nvidia" / "cublas" / "libcublas.so").write_text("another package's")
    os.utime(made / "nvidia" / "cuda_nvrtc" / "lib", ns=(10**18, 10**18))
    return made


@pytest.fixture
def saved(tmp_path: Path, site: Path) -> tuple[Backup, Manifest]:
    backup = Backup.of(Home(tmp_path / "home"), tmp_path / "venv")
    manifest = new_manifest(
        venv=tmp_path / "venv", site=site, package=PACKAGE, version=OLD, lifted=LIFTED, created="2026-11-25"
    )
    backup.save(manifest)
    return backup, manifest


def half_removed(site: Path) -> None:
    shutil.rmtree(site / "nvidia" / "cuda_nvrtc" / "lib")
    (site / INFO.format(OLD) / "RECORD").unlink()


def half_installed(site: Path) -> None:
    replace(site)
    (site / INFO.format(LIFTED) / "RECORD").unlink()


def both(site: Path) -> None:
    put(site, LIFTED, {"nvidia/cuda_nvrtc/lib/libnvrtc.so.12": "new"})


def half_put_back(site: Path) -> None:
    replace(site)
    (site / "nvidia" / "cuda_nvrtc" / "lib" / ".libnvrtc.so.12.kokoro-spark").write_text("ol")


def nothing(site: Path) -> None:
    del site


def all_gone(site: Path) -> None:
    shutil.rmtree(site / "nvidia" / "cuda_nvrtc")
    shutil.rmtree(site / INFO.format(OLD))


@pytest.mark.parametrize("change", [nothing, replace, half_removed, half_installed, both, half_put_back, all_gone])
def test_it_is_put_back_from_any_state(
    site: Path, saved: tuple[Backup, Manifest], change: Callable[[Path], None], tmp_path: Path
) -> None:
    backup, manifest = saved
    cublas = site / "nvidia" / "cublas"
    copy = tmp_path / "cublas"
    shutil.copytree(cublas, copy)
    before = tree(tmp_path / "venv")
    folder_time = (site / "nvidia" / "cuda_nvrtc" / "lib").stat().st_mtime_ns
    change(site)
    (tmp_path / "venv" / ".lock").touch()  # uv's
    shutil.copytree(copy, cublas, dirs_exist_ok=True)
    for _ in range(2):
        backup.put_back(manifest)
        assert tree(tmp_path / "venv") == before
    assert (site / "nvidia" / "cuda_nvrtc" / "lib").stat().st_mtime_ns == folder_time
    backup.remove()
    assert backup.read() is None
    assert not backup.folder.exists()


def test_a_lock_that_was_there_stays(site: Path, tmp_path: Path) -> None:
    (tmp_path / "venv" / ".lock").touch()
    backup = Backup.of(Home(tmp_path / "home"), tmp_path / "venv")
    manifest = new_manifest(
        venv=tmp_path / "venv", site=site, package=PACKAGE, version=OLD, lifted=LIFTED, created="2026-11-25"
    )
    backup.save(manifest)
    backup.put_back(manifest)
    assert (tmp_path / "venv" / ".lock").exists()


def test_what_is_saved(saved: tuple[Backup, Manifest]) -> None:
    _, manifest = saved
    kinds = {one.path: one.kind for one in manifest.saved}
    assert kinds["nvidia/cuda_nvrtc/unlisted"] is SavedKind.FILE
    assert kinds["nvidia/cuda_nvrtc/lib/libnvrtc.so"] is SavedKind.LINK
    assert kinds["nvidia/cuda_nvrtc/empty"] is SavedKind.FOLDER
    assert kinds["nvidia/__init__.py"] is SavedKind.FILE
    assert not any("cublas" in path or "outside" in path or "passwd" in path for path in kinds)


def test_what_others_share_is_put_back_after_a_change(site: Path, saved: tuple[Backup, Manifest]) -> None:
    backup, manifest = saved
    replace(site)
    backup.put_back_shared(manifest)
    assert (site / "nvidia" / "__init__.py").is_file()
    assert not (site / INFO.format(OLD)).exists()
    assert (site / "nvidia" / "cuda_nvrtc" / "lib" / "libnvrtc.so.12").read_text() == "new"


def test_the_manifest_is_read_back(saved: tuple[Backup, Manifest], site: Path) -> None:
    backup, manifest = saved
    assert backup.read() == manifest
    replace(site)
    kept = backup.keep(manifest)
    assert backup.read() == kept
    assert kept.state is ManifestState.KEPT
    assert {one.path for one in kept.installed} >= {"nvidia/cuda_nvrtc/lib/extra/new.so"}
    assert backup.reopen(kept).state is ManifestState.OPEN


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}'])
def test_a_torn_manifest(saved: tuple[Backup, Manifest], text: str) -> None:
    backup, _ = saved
    (backup.folder / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError) as caught:
        backup.read()
    assert caught.value.reference == "bad-record"


@pytest.mark.parametrize("change", [{"unknown": 1}, {"schema": 2}, {"tool": "another"}])
def test_a_manifest_of_another_version(saved: tuple[Backup, Manifest], change: dict[str, object]) -> None:
    backup, _ = saved
    path = backup.folder / "manifest.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, **change}))
    with pytest.raises(IntegrityError):
        backup.read()


@pytest.mark.parametrize("damage", ["changed", "short", "gone", "empty", "no tar"])
def test_a_damaged_tar_changes_nothing(site: Path, saved: tuple[Backup, Manifest], damage: str, tmp_path: Path) -> None:
    backup, manifest = saved
    replace(site)
    before = tree(tmp_path / "venv")
    data = backup.tar.read_bytes()
    match damage:
        case "changed":
            backup.tar.write_bytes(data.replace(b"oldold", b"0ldold", 1))
        case "short":
            backup.tar.write_bytes(data[:600])
        case "empty":
            backup.tar.write_bytes(b"")
        case "no tar":
            backup.tar.write_bytes(b"no tar" * 1000)
        case _:
            backup.tar.unlink()
    with pytest.raises((IntegrityError, DiskError)):
        backup.put_back(manifest)
    assert tree(tmp_path / "venv") == before


def test_the_folders_that_are_a_packages_alone() -> None:
    paths = [
        "nvidia/__init__.py",
        "nvidia/__pycache__/__init__.cpython-312.pyc",
        "nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
        f"{INFO.format(OLD)}/RECORD",
        "module.py",
        "__pycache__/module.cpython-312.pyc",
        "../../../bin/tool",
    ]
    assert own_names(paths) == {"nvidia/cuda_nvrtc", INFO.format(OLD)}


def test_changes(site: Path) -> None:
    before = snapshot(site, PACKAGE, with_folders=False)
    assert changes(before, snapshot(site, PACKAGE, with_folders=False)) == ()
    lib = site / "nvidia" / "cuda_nvrtc" / "lib"
    (lib / "libnvrtc.so.12").write_text("x")
    (lib / "libnvrtc.so").unlink()
    (lib / "new").touch()
    (lib / "__pycache__").mkdir()
    (lib / "__pycache__" / "x.pyc").touch()
    assert changes(before, snapshot(site, PACKAGE, with_folders=False)) == (
        "nvidia/cuda_nvrtc/lib/libnvrtc.so: is gone",
        "nvidia/cuda_nvrtc/lib/new: was not there",
        "nvidia/cuda_nvrtc/lib/libnvrtc.so.12: was changed",
    )
