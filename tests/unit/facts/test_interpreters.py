from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.facts.interpreters import candidates, find_interpreters, parse_interpreter
from scripts.model.facts import Interpreter
from scripts.model.target import PythonVersion
from tests.support.scripted import Command, ScriptedRunner


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["3.12.3", "cpython", "aarch64"]\n', ("3.12.3", "cpython", "aarch64")),
        ('a site hook talks\n["3.11.7", "pypy", "x86_64"]\n', ("3.11.7", "pypy", "x86_64")),
        ('["3.8.18", "cpython", "x86_64"]', None),
        ('["2.7.18", "cpython", "x86_64"]', None),
        ("pyenv: python3.9: command not found", None),
        ("{}", None),
        ('["3.12.3"]', None),
        ("no answer within 5 s", None),
        ("", None),
    ],
)
def test_answers(text: str, expected: tuple[str, str, str] | None) -> None:
    assert parse_interpreter(text) == expected


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """PATH with shims, a real Python under two names, things that are no Python; pyenv's and uv's Pythons."""
    _program(tmp_path / "shims" / "python3.12")
    real = _program(tmp_path / "usr" / "python3.12")
    (tmp_path / "usr" / "python3").symlink_to(real)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python3").symlink_to(real)
    for odd in ("python3.12-config", "python2.7", "python3.16", "pythonista", "python3.13t"):
        _program(tmp_path / "usr" / odd)
    (tmp_path / "usr" / "python3.9").write_text("not executable")
    (tmp_path / "usr" / "python3.10").mkdir()
    (tmp_path / "usr" / "python3.15").symlink_to(tmp_path / "nowhere")
    for version in ("3.9.18", "3.12.1", "3.11.7"):
        _program(tmp_path / "home/.pyenv/versions" / version / "bin" / f"python{version.rpartition('.')[0]}")
    _program(tmp_path / "home/.local/share/uv/python/cpython-3.10.18-linux-x86_64-gnu/bin/python3.10")
    path = ":".join(str(tmp_path / name) for name in ("venv/bin", "shims", "usr", "not-there"))
    return {"PATH": path, "HOME": str(tmp_path / "home")}


def test_candidates_are_real_files_once_each_in_order(machine: dict[str, str], tmp_path: Path) -> None:
    own = str(Path(sys.executable).resolve())
    assert [str(Path(path).relative_to(tmp_path)) for path in candidates(machine) if path != own] == [
        "usr/python3.12",
        "home/.pyenv/versions/3.12.1/bin/python3.12",
        "home/.pyenv/versions/3.11.7/bin/python3.11",
        "home/.pyenv/versions/3.9.18/bin/python3.9",
        "home/.local/share/uv/python/cpython-3.10.18-linux-x86_64-gnu/bin/python3.10",
    ]
    assert candidates(machine)[-1] == own


def test_folders_can_be_named_by_variables(machine: dict[str, str], tmp_path: Path) -> None:
    machine |= {"PATH": "", "PYENV_ROOT": str(tmp_path / "elsewhere"), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv")}
    wanted = [_program(tmp_path / "elsewhere/versions/3.12.1/bin/python3.12"), _program(tmp_path / "uv/x/bin/python3")]
    assert list(candidates(machine))[:-1] == [str(path) for path in wanted]


def test_a_link_to_a_program_that_decides_by_its_name_is_kept(tmp_path: Path) -> None:
    manager = _program(tmp_path / "tools" / "manager")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.12").symlink_to(manager)
    found = candidates({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert found[0] == str(tmp_path / "bin" / "python3.12")


def test_broken_interpreters_are_left_out(machine: dict[str, str], tmp_path: Path) -> None:
    good = str(tmp_path / "usr" / "python3.12")
    hung = str(tmp_path / "home/.pyenv/versions/3.11.7/bin/python3.11")
    run = ScriptedRunner(
        [
            Command((good, "-I", "-S", "-c"), out='["3.12.3", "cpython", "x86_64"]\n'),
            Command((hung,), exit=None),
            Command((str(tmp_path / "home/.pyenv/versions/3.9.18/bin/python3.9"),), err="cannot execute", exit=126),
        ]
    )
    (found,) = find_interpreters(run, machine)
    assert found == Interpreter(path=good, version="3.12.3", implementation="cpython", architecture="x86_64")
    assert found.minor == PythonVersion(3, 12)
