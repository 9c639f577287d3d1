from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.operations.wheel_sources import WheelSource, find_source
from tests.support.contexts import context
from tests.support.machines import PC, SPARK_TARGET

WHEEL = "foo-1.0-py3-none-any.whl"


def find(tmp_path: Path, what: str) -> WheelSource:
    return find_source(what, context(tmp_path, PC), target=SPARK_TARGET, strategy="pypi", index=None, sha256=None)


@pytest.mark.parametrize(
    "what", [f"foo @ http://host/{WHEEL}", f"foo[bar]@http://host/{WHEEL}", f"http://host/{WHEEL}"]
)
def test_a_requirement_may_name_a_url(tmp_path: Path, what: str) -> None:
    assert find(tmp_path, what).url == f"http://host/{WHEEL}"


@pytest.mark.parametrize(
    ("what", "reference"),
    [
        (f"ftp://user:secret@host/{WHEEL}", "bad-url"),
        (f"http://user:secret@[bad/{WHEEL}", "bad-url"),
        (f"foo @ ftp://user:secret@host/{WHEEL}", "bad-url"),
        (f"./http://user:secret@host/{WHEEL}", "no-such-file"),
    ],
)
def test_no_password_is_repeated(tmp_path: Path, what: str, reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(tmp_path, what)
    assert caught.value.reference == reference
    assert "secret" not in str(caught.value.to_dict())


def test_auto_is_no_place_to_look(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_source("torch", context(tmp_path, PC), target=SPARK_TARGET, strategy="auto", index=None, sha256=None)
    assert caught.value.reference == "auto-elsewhere"
