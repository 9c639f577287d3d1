"""Which Python: one that is here, or one that uv fetches."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from scripts.errors import NoCandidateError, UsageError
from scripts.model.facts import Interpreter
from scripts.model.target import PythonVersion
from scripts.operations.interpreters import find_interpreter
from tests.support.contexts import context
from tests.support.machines import interpreter, machine
from tests.support.scripted import Command, ScriptedRunner

TWELVE, ELEVEN, TEN = interpreter("3.12.1"), interpreter("3.11.2"), interpreter("3.10.13")
ASKED = ("uv", "--no-config", "python", "install", "--no-bin")
FAILS = Command(ASKED, err="error: Failed to download\n  cause: dns error", exit=1)


def uv_brings(folder: Path, version: str) -> ScriptedRunner:
    """A uv that installs a Python below `folder`, where it is found again."""
    program = folder / f"cpython-{version}" / "bin" / "python3.12"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    answer = Command((str(program),), out=f'["{version}", "cpython", "x86_64"]')
    return ScriptedRunner([Command(ASKED), answer])


@pytest.mark.parametrize(
    ("here", "wanted", "chosen"),
    [((ELEVEN, TWELVE), None, TWELVE), ((ELEVEN, TWELVE), "3.11", ELEVEN), ((TEN, TWELVE), "3.10", TEN)],
)
def test_the_first_choice_needs_no_uv_and_no_note(
    tmp_path: Path, here: tuple[Interpreter, ...], wanted: str | None, chosen: Interpreter
) -> None:
    runner = ScriptedRunner()
    given = context(tmp_path, machine(interpreters=here), run=runner)
    version = PythonVersion.parse(wanted) if wanted else None
    assert find_interpreter(version, given, fetch=True) == (chosen, ())
    assert runner.seen == []


def test_uv_fetches_the_first_choice(tmp_path: Path) -> None:
    runner = uv_brings(tmp_path / "pythons", "3.12.9")
    environ = {"UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"), "PATH": "", "HOME": str(tmp_path)}
    given = context(tmp_path, machine(interpreters=(ELEVEN,)), run=runner, environ=environ)
    found, notes = find_interpreter(None, given, fetch=True)
    assert (found.version, notes) == ("3.12.9", ("uv fetched Python 3.12.9",))
    assert runner.seen[0] == (*ASKED, "3.12")


def test_the_second_choice_is_said(tmp_path: Path) -> None:
    given = context(tmp_path, machine(interpreters=(TEN, ELEVEN)), run=ScriptedRunner([FAILS]))
    found, notes = find_interpreter(None, given, fetch=True)
    assert found is ELEVEN
    assert notes == ("Python 3.12 is not here and uv could not get it: Python 3.11.2 is used",)


def test_a_failed_fetch_is_not_repeated_for_a_day(tmp_path: Path) -> None:
    runner = ScriptedRunner([FAILS])
    given = context(tmp_path, machine(interpreters=(ELEVEN,)), run=runner)
    for _ in range(3):
        find_interpreter(None, given, fetch=True)
    assert len(runner.seen) == 1
    remembered = given.home.cache / "no-python-3.12"
    long_ago = time.time() - 25 * 3600
    os.utime(remembered, (long_ago, long_ago))
    find_interpreter(None, given, fetch=True)
    assert len(runner.seen) == 2


def test_a_wanted_one_is_asked_for_each_time(tmp_path: Path) -> None:
    runner = ScriptedRunner([FAILS])
    given = context(tmp_path, machine(interpreters=(ELEVEN,)), run=runner)
    for _ in range(2):
        with pytest.raises(NoCandidateError, match="uv could not get one"):
            find_interpreter(PythonVersion(3, 10), given, fetch=True)
    assert len(runner.seen) == 2


def test_without_fetch_nothing_is_started_or_written(tmp_path: Path) -> None:
    runner = ScriptedRunner()
    given = context(tmp_path, machine(interpreters=(ELEVEN,)), run=runner)
    found, notes = find_interpreter(None, given, fetch=False)
    assert found is ELEVEN
    assert runner.seen == []
    assert not given.home.root.exists()
    assert notes == ("Python 3.12 is not here: unless uv can get it, Python 3.11.2 is used",)
    with pytest.raises(NoCandidateError, match="a dry run gets none by uv"):
        find_interpreter(PythonVersion(3, 10), given, fetch=False)


def test_none_at_all(tmp_path: Path) -> None:
    given = context(tmp_path, machine(interpreters=(interpreter("3.13.0"),)), run=ScriptedRunner([FAILS]))
    with pytest.raises(NoCandidateError) as caught:
        find_interpreter(None, given, fetch=True)
    assert caught.value.reference == "no-python"
    assert "3.13.0" in caught.value.context


def test_a_wanted_one_is_never_replaced_by_another(tmp_path: Path) -> None:
    given = context(tmp_path, machine(interpreters=(TWELVE,)), run=ScriptedRunner([FAILS]))
    with pytest.raises(NoCandidateError, match=r"no Python 3\.10 here"):
        find_interpreter(PythonVersion(3, 10), given, fetch=True)


def test_one_that_kokoro_does_not_run_on_is_not_fetched(tmp_path: Path) -> None:
    runner = ScriptedRunner()
    given = context(tmp_path, machine(interpreters=(TWELVE,)), run=runner)
    with pytest.raises(UsageError, match=r"does not run on Python 3\.13"):
        find_interpreter(PythonVersion(3, 13), given, fetch=True)
    assert runner.seen == []
