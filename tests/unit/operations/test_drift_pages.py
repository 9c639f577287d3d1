"""Many pages at once: each once, and no waiting for an index that fell silent."""

from __future__ import annotations

import threading
import time

import pytest

from scripts.errors import IntegrityError, NetworkError, NoCandidateError, SparkError, UsageError
from scripts.model.wheels import IndexFile
from scripts.operations.drift_pages import Page, Pages, Read
from scripts.operations.meanwhile import WORKERS
from tests.support.pages import index_file

FILE = index_file("demo-1.0-py3-none-any.whl")


def failing(error: SparkError) -> Read:
    def read(_project: str) -> tuple[IndexFile, ...]:
        raise error

    return read


def names(count: int, place: str = "default") -> list[Page]:
    return [(place, f"demo{number}") for number in range(count)]


def test_each_page_once_and_not_too_many_at_once() -> None:
    lock, seen, running, most = threading.Lock(), [], set(), 0

    def read(project: str) -> tuple[IndexFile, ...]:
        nonlocal most
        with lock:
            seen.append(project)
            running.add(project)
            most = max(most, len(running))
        time.sleep(0.002)
        with lock:
            running.discard(project)
        return (FILE,)

    pages = Pages(readers={"default": read})
    pages.read(names(40) + names(40))
    pages.read(names(41))
    assert sorted(seen) == sorted(project for _, project in names(41))
    assert 1 < most <= WORKERS
    assert set(pages.files) == set(names(41))


def test_a_project_that_is_not_there_is_an_answer() -> None:
    pages = Pages(readers={"default": failing(NoCandidateError("no project", reference="project-not-found"))})
    pages.read(names(20))
    assert set(pages.files.values()) == {()}
    assert not pages.failures
    assert not pages.unasked


def test_a_page_that_fails_is_its_own_failure() -> None:
    broken = IntegrityError("another project", reference="wrong-project")
    denied = NetworkError("denied", reference="access-denied")
    pages = Pages(readers={"a": failing(broken), "b": failing(denied), "c": lambda _: (FILE,)})
    pages.read([*names(9, "a"), *names(9, "b"), *names(9, "c")])
    assert len(pages.failures) == 18
    assert len(pages.files) == 9
    assert not pages.unasked, "an index that answers is asked on"


def test_a_silent_index_is_given_up() -> None:
    silent = failing(NetworkError("host does not answer", reference="network-timeout"))
    pages = Pages(readers={"default": silent, "cu130": lambda _: (FILE,)})
    pages.read([*names(100), *names(5, "cu130")])
    assert 3 <= len(pages.failures) < 3 + WORKERS
    assert pages.unasked == {"default": 100 - len(pages.failures)}
    assert len(pages.files) == 5


def test_a_url_that_is_none_is_told() -> None:
    pages = Pages(readers={"default": failing(UsageError("that is no URL", reference="bad-url"))})
    with pytest.raises(UsageError):
        pages.read(names(3))
