"""Which Python an environment is made of."""

from __future__ import annotations

import pytest

from scripts.errors import ExitCode, UsageError
from scripts.model.facts import Interpreter
from scripts.model.target import PythonVersion
from scripts.strategies.base import choose_python, no_python_error, require_supported
from tests.support.machines import interpreter

NINE, TEN, ELEVEN, TWELVE, THIRTEEN = (
    interpreter(version) for version in ("3.9.18", "3.10.13", "3.11.2", "3.12.1", "3.13.0")
)
SECOND_TWELVE = interpreter("3.12.7")
PYPY = interpreter("3.11.9", implementation="pypy")
ARM = interpreter("3.12.3", architecture="aarch64")
THIRTY_TWO_BIT = interpreter("3.12.3", architecture="i386")


@pytest.mark.parametrize(
    ("here", "wanted", "chosen"),
    [
        ((ELEVEN, THIRTEEN, TWELVE, TEN), None, TWELVE),
        ((ELEVEN, TEN), None, ELEVEN),
        ((TEN, NINE, THIRTEEN), None, TEN),
        ((TWELVE, SECOND_TWELVE), None, TWELVE),
        ((ELEVEN, TWELVE), "3.11", ELEVEN),
        ((ELEVEN, TWELVE), "3.10", None),
        ((NINE, THIRTEEN), None, None),
        ((PYPY,), None, None),
        ((PYPY, ELEVEN), "3.11", ELEVEN),
        ((ARM, THIRTY_TWO_BIT), None, None),
        ((ARM, TEN), None, TEN),
        ((), None, None),
    ],
)
def test_choose_python(here: tuple[Interpreter, ...], wanted: str | None, chosen: Interpreter | None) -> None:
    version = None if wanted is None else PythonVersion.parse(wanted)
    assert choose_python(here, version, architecture="x86_64") is chosen


@pytest.mark.parametrize("wanted", ["3.13", "3.9", "2.7", "3.14"])
def test_a_python_that_kokoro_does_not_run_on_is_refused_by_name(wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_python((THIRTEEN, TWELVE), PythonVersion.parse(wanted), architecture="x86_64")
    assert caught.value.reference == "unsupported-python"
    assert f"does not run on Python {wanted}" in caught.value.message
    assert "3.12, 3.11, 3.10" in caught.value.hint


def test_require_supported_gives_back_what_it_takes() -> None:
    assert require_supported(None) is None
    assert require_supported(PythonVersion(3, 10)) == PythonVersion(3, 10)


@pytest.mark.parametrize(
    ("here", "wanted", "told"),
    [((), None, "3.12 or 3.11 or 3.10"), ((NINE,), PythonVersion(3, 11), "no Python 3.11 here")],
)
def test_no_python_names_what_is_here(here: tuple[Interpreter, ...], wanted: PythonVersion | None, told: str) -> None:
    error = no_python_error(here, wanted)
    assert (error.exit_code, error.reference) == (ExitCode.NO_CANDIDATE, "no-python")
    assert told in error.message
    assert ("3.9.18 (/usr/bin/python3.9)" if here else "none") in error.context
