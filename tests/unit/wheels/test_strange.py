"""What fuzzing found: names, metadata and pages that nobody would write, each once the end of a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.errors import IntegrityError, NetworkError
from scripts.model.target import Architecture, PythonVersion, Target
from scripts.model.wheels import RejectionReason
from scripts.wheels.evaluate import evaluate, explain, parse_wheel_name
from scripts.wheels.index import Index
from scripts.wheels.metadata import cuda_build, read_metadata
from scripts.wheels.writer import metadata_text
from tests.support.pages import Page, ScriptedWeb, index_file

SPARK = Target(Architecture.AARCH64, PythonVersion(3, 12), (2, 39))
LONG = "9" * 5000
"""More digits than int() takes: a ValueError that is not packaging's."""
TAGS = ".".join(f"cp{number}" for number in range(400))


@pytest.mark.parametrize(
    "name",
    [f"torch-{LONG}-cp312-cp312-any.whl", f"torch-1-{TAGS}-{TAGS}-{TAGS}.whl", "a.whl", "torch-1-py3-none-any.a/b.whl"],
)
def test_names_that_are_no_wheel_s(name: str) -> None:
    found = evaluate([index_file(name)], SPARK, version=None)
    assert [one.reason for one in found.rejections] == [RejectionReason.NOT_A_WHEEL]
    assert explain(found).endswith("not a wheel")


def test_a_name_with_as_many_tags_as_there_are() -> None:
    parts = parse_wheel_name("torch-1-py2.py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.whl")
    assert parts is not None
    assert len(parts[3]) == 4


def test_a_glibc_that_nobody_counts() -> None:
    found = evaluate([index_file(f"torch-1-cp312-cp312-manylinux_2_{LONG}_aarch64.whl")], SPARK, version=None)
    assert [one.reason for one in found.rejections] == [RejectionReason.PLATFORM]


def test_a_condition_on_python_that_cannot_be_read_is_none() -> None:
    assert evaluate(
        [index_file("demo-1-py3-none-any.whl", requires_python=f">={LONG}")], SPARK, version=None
    ).candidates


def follow(*_: Any) -> str:
    raise AssertionError("followed")


@pytest.mark.parametrize("version", ["", "new", LONG])
def test_metadata_without_a_version(version: str) -> None:
    with pytest.raises(IntegrityError, match="names no version") as caught:
        cuda_build(metadata_text("torch", version), SPARK, follow)
    assert caught.value.reference == "wrong-metadata"


@pytest.mark.parametrize(
    "line",
    ["nvidia-cuda-nvrtc===what", f"nvidia-cuda-nvrtc=={LONG}", "nvidia-nccl; extra ~= 'a'", f"nvidia-x; {'(' * 5000}"],
)
def test_requirements_that_pin_nothing(line: str) -> None:
    text = metadata_text("torch", "2.15.0+cu132", ("Requires-Dist", line), ("Requires-Dist", "triton==3.9.0"))
    found = cuda_build(text, SPARK, follow)
    assert (found.cuda, found.nvrtc, found.triton) == ("13.2", None, "3.9.0")


def test_metadata_of_a_version_with_too_many_digits() -> None:
    file = index_file("demo-1.0-py3-none-any.whl")
    with pytest.raises(IntegrityError) as caught:
        read_metadata(file, ScriptedWeb({file.metadata_url: metadata_text("demo", LONG).encode()}))
    assert caught.value.reference == "wrong-metadata"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/vnd.pypi.simple.v1+json", b"[" * 200_000),
        ("text/html", b"<![" + b"<!DOCTYPE html><html></html>"),
    ],
)
def test_pages_that_their_parsers_give_up(kind: str, body: bytes) -> None:
    page = Page(headers={"content-type": kind}, body=body)
    with pytest.raises(NetworkError) as caught:
        Index("https://index.example", ScriptedWeb({"https://index.example/demo/": page}).get).project("demo")
    assert caught.value.reference == "not-an-index"


def test_a_file_s_address_that_is_no_url_stays_what_it_is() -> None:
    url = "https://user:secret@index.example"
    file = {"filename": "demo-1-py3-none-any.whl", "url": "//x:99999/demo.whl", "hashes": {}}
    data = {"meta": {"api-version": "1.0"}, "name": "demo", "files": [file]}
    headers = {"content-type": "application/vnd.pypi.simple.v1+json"}
    page = Page(url=f"{url}/demo/", headers=headers, body=json.dumps(data).encode())
    (found,) = Index(url, ScriptedWeb({f"{url}/demo/": page}).get).project("demo")
    assert found.url == "https://x:99999/demo.whl"
