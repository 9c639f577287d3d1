"""CC and CXX as people set them, and compilers that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.builds.host_compilers import choose_compilers, first_line
from scripts.errors import UsageError
from scripts.shell import Completed
from tests.support.scripted import Command, ScriptedRunner


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs that nobody starts."""
    for name in ("gcc", "g++", "clang++", "ccache", "aarch64-linux-gnu-g++"):
        (tmp_path / name).touch(mode=0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("said", "cc", "cxx"),
    [
        ({}, "gcc", "g++"),
        ({"CC": "", "CXX": " "}, "gcc", "g++"),
        ({"CXX": "clang++"}, "gcc", "clang++"),
        ({"CXX": "'clang++'"}, "gcc", "clang++"),
    ],
    ids=str,
)
def test_the_environments_word(programs: Path, said: dict[str, str], cc: str, cxx: str) -> None:
    found = choose_compilers({"PATH": str(programs), **said}, None)
    assert found == (str(programs / cc), str(programs / cxx))


def test_a_path_is_taken_as_it_is(programs: Path) -> None:
    path = str(programs / "clang++")
    assert choose_compilers({"PATH": "", "CXX": path}, None) == ("gcc", path)


@pytest.mark.parametrize("said", ["ccache g++", "ccache", "/usr/lib/sccache", "g++ -m64", 'g++ "', "''"])
@pytest.mark.parametrize("variable", ["CC", "CXX"])
def test_more_or_less_than_a_compiler(programs: Path, variable: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_compilers({"PATH": str(programs), variable: said}, None)
    assert caught.value.reference == "bad-compiler"
    assert variable in caught.value.message
    assert variable in caught.value.hint


def test_a_compiler_that_is_not_there(programs: Path) -> None:
    with pytest.raises(UsageError, match="names g\\+\\+-99, which is not there") as caught:
        choose_compilers({"PATH": str(programs), "CXX": "g++-99"}, None)
    assert caught.value.reference == "bad-compiler"


@pytest.mark.parametrize("said", [{}, {"CC": "", "CXX": ""}], ids=str)
def test_none_at_all_keeps_its_name(tmp_path: Path, said: dict[str, str]) -> None:
    assert choose_compilers({"PATH": str(tmp_path), **said}, None) == ("gcc", "g++")


def test_for_another_machine_the_environments_word_does_not_count(programs: Path) -> None:
    found = choose_compilers({"PATH": str(programs), "CXX": "clang++"}, "aarch64-linux-gnu")
    assert found == ("aarch64-linux-gnu-gcc", str(programs / "aarch64-linux-gnu-g++"))


def test_the_first_line() -> None:
    run = ScriptedRunner([Command(("g++", "--version"), out="g++ (Debian 12.2.0-14) 12.2.0\nCopyright\n")])
    assert first_line(run, "g++", {}) == "g++ (Debian 12.2.0-14) 12.2.0"


@pytest.mark.parametrize("commands", [[], [Command(("g++",), out="words", exit=1)], [Command(("g++",), exit=None)]])
def test_no_compiler_no_line(commands: list[Command]) -> None:
    assert first_line(ScriptedRunner(commands), "g++", {}) == ""


def test_a_program_for_another_machine_is_none() -> None:
    def run(argv: Sequence[str], **_said: object) -> Completed:
        raise OSError(8, "Exec format error", argv[0])

    assert first_line(run, "g++", {}) == ""
