"""wheel.build's options, and what it says when it is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.errors import SparkError
from scripts.model.builds import Attempt, AttemptOutcome, BuildResult, CacheStatistics, Published, UnitTime
from scripts.model.target import Architecture, PythonVersion
from scripts.operations.build_text import built_lines, parse_request

OPTIONS: dict[str, Any] = {
    "recipe": "torch-scatter",
    "sm": "12.1a",
    "torch": None,
    "python": "",
    "platform": "",
    "place": "host",
    "cuda": "auto",
    "jobs": "",
    "index": None,
    "wheelhouse": None,
    "rebuild": False,
}
RESULT = BuildResult(
    published=Published(
        project="demo",
        version="1.0",
        filename="demo-1.0-py3-none-any.whl",
        sha256="a" * 64,
        stamp="b" * 64,
        size=2_000_000,
        wheel="wheels/demo-1.0-py3-none-any.whl",
        provenance="",
    ),
    path="house/wheels/demo-1.0-py3-none-any.whl",
    found=False,
    seconds=12.34,
)


def test_what_is_not_said_is_none() -> None:
    request = parse_request(**OPTIONS)
    assert (request.python, request.architecture, request.jobs) == (None, None, None)


def test_what_is_said() -> None:
    request = parse_request(**{**OPTIONS, "python": "3.12", "platform": "aarch64", "jobs": "3", "place": "container"})
    assert (request.python, request.architecture) == (PythonVersion(3, 12), Architecture.AARCH64)
    assert (request.jobs, request.place) == (3, "container")


@pytest.mark.parametrize(
    ("option", "value"), [("place", "cloud"), ("jobs", "0"), ("jobs", "-1"), ("jobs", "two"), ("platform", "vax")]
)
def test_what_cannot_be(option: str, value: str) -> None:
    with pytest.raises(SparkError) as caught:
        parse_request(**{**OPTIONS, option: value})
    assert caught.value.exit_code == 2
    assert value in str(caught.value)


def test_found_or_built() -> None:
    assert "built, checked and published in 12.3 s" in built_lines(RESULT)[0]
    assert "found in the wheelhouse" in built_lines(replace(RESULT, found=True))[0]


def test_attempts_are_told_where_there_was_more_than_one() -> None:
    killed = Attempt(jobs=4, outcome=AttemptOutcome.KILLED, seconds=1, detail="cc1plus\nmore")
    done = Attempt(jobs=2, outcome=AttemptOutcome.DONE, seconds=2)
    lines = built_lines(replace(RESULT, attempts=(killed, done)))
    assert "  attempt with 4 jobs: killed, cc1plus" in lines
    assert "  attempt with 2 jobs: done" in lines
    assert not [line for line in built_lines(replace(RESULT, attempts=(done,))) if "attempt" in line]


def test_cache_units_and_notes() -> None:
    units = tuple(UnitTime(name=f"u{number}.o", seconds=10 - number) for number in range(7))
    cache = CacheStatistics(hits=3, misses=1)
    lines = built_lines(replace(RESULT, cache=cache, slowest=units, notes=("read this",)))
    assert "  compiler cache: 3 hits, 1 misses" in lines
    slowest = next(line for line in lines if "slowest" in line)
    assert ("u0.o 10.0 s" in slowest, "u4.o" in slowest, "u5.o" in slowest) == (True, True, False)
    assert lines[-1] == "note: read this"


def test_no_credentials_are_told() -> None:
    lines = built_lines(replace(RESULT, notes=("from https://user:secret@host/simple",)))
    assert "secret" not in "\n".join(lines)
