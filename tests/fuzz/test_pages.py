"""Pages of indexes, damaged or of another kind altogether."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scripts.errors import IntegrityError, NetworkError, NoCandidateError
from scripts.wheels.index import Index
from tests.support.fuzzing import Seed, mutated, outcome
from tests.support.pages import Page, ScriptedWeb

pytestmark = pytest.mark.fuzz

WHEEL = "torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
FILE: dict[str, Any] = {
    "filename": WHEEL,
    "url": f"../../files/{WHEEL}",
    "hashes": {"sha256": "ab" * 32},
    "size": 483_000_000,
    "requires-python": ">=3.10",
    "yanked": False,
    "core-metadata": {"sha256": "cd" * 32},
    "upload-time": "2026-10-28T02:56:00.000000Z",
}
PROJECT: dict[str, Any] = {
    "meta": {"api-version": "1.1"},
    "name": "torch",
    "versions": ["2.15.0"],
    "files": [FILE, {**FILE, "filename": "torch-2.15.0.tar.gz"}],
}
HTML = (
    f'<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head><body>'
    f'<a href="/files/{WHEEL}#sha256={"ab" * 32}" data-requires-python="&gt;=3.10" data-yanked="old" '
    f'data-core-metadata="true">{WHEEL}</a><br></body></html>'
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["https://[", "http://x:99999/y.whl", "//u:p@[::1/", "file:///x", "\ud800", "1.0", "2.0", "", -1]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=5,
)
URLS = st.sampled_from(["https://index.example/whl", "https://user:secret@index.example/whl"])
TYPES = st.sampled_from(
    [JSON_TYPE, "text/html", "text/html; charset=utf-16", "text/html; charset=nosuch", "TEXT/HTML;", ";", "", "a/b"]
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Give a JSON page with some of its values replaced or left out."""
    page = {**PROJECT, "files": [{**file} for file in PROJECT["files"]]}
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from([page, *page["files"]])) if isinstance(page.get("files"), list) else page
        if not isinstance(where, dict):
            continue
        key = draw(st.sampled_from(sorted({*where, "name", "_extra"})))
        if draw(st.booleans()):
            where[key] = draw(VALUES)
        else:
            where.pop(key, None)
    return json.dumps(page).encode()


def project(url: str, kind: str, body: bytes) -> object:
    page = Page(url="https://index.example/whl/torch/", headers={"content-type": kind}, body=body)
    return Index(url, ScriptedWeb({f"{url}/torch/": page}).get).project("torch")


def check(url: str, kind: str, body: bytes) -> None:
    found = outcome(lambda: project(url, kind, body))
    assert isinstance(found, tuple | IntegrityError | NetworkError | NoCandidateError)


@given(url=URLS, body=changed())
@example(url="https://index.example/whl", body=b"[" * 200_000)
@example(
    url="https://index.example/whl", body=b'{"meta":{"api-version":"1.0"},"name":"torch","files":' + b"[" * 200_000
)
@example(url="https://index.example/whl", body=b'{"size":' + b"9" * 5000 + b"}")
def test_json(url: str, body: bytes) -> None:
    check(url, JSON_TYPE, body)


PAGES = [json.dumps(PROJECT).encode(), HTML.encode(), HTML.encode("utf-16")]


@given(url=URLS, kind=TYPES, body=mutated([Seed(data=data, fields=((0, 1),)) for data in PAGES]))
@example(url="https://index.example/whl", kind="text/html", body=b"<a>" * 50_000)
@example(url="https://index.example/whl", kind="text/html", body=b"<div><p>" * 20_000 + HTML.encode())
@example(url="https://index.example/whl", kind="text/html", body=b"<![" + HTML.encode())
@example(url="https://index.example/whl", kind="text/html", body=b"<a href='http://['>" + WHEEL.encode() + b"</a>")
def test_bytes(url: str, kind: str, body: bytes) -> None:
    check(url, kind, body)


ATTRIBUTES = st.sampled_from(["href", "data-yanked", "data-requires-python", "data-core-metadata", "data-gpg-sig", "x"])
LINKS = st.builds(
    "<a {}={}{}{} {}='{}'>{}</a>".format,
    ATTRIBUTES,
    st.sampled_from(["'", '"', ""]),
    st.one_of(st.text(max_size=20), st.sampled_from(["http://[", "//x:99999/", f"/{WHEEL}#sha256=ü", "#", "&#xff;"])),
    st.sampled_from(["'", '"', ""]),
    ATTRIBUTES,
    st.one_of(st.text(max_size=10), st.sampled_from(["sha256=ab", "true", "https://[/"])),
    st.one_of(st.text(max_size=10), st.sampled_from([WHEEL, "torch-1.tar.gz", "torch-" + "9" * 5000 + ".zip"])),
)


@given(url=URLS, links=st.lists(LINKS, max_size=4), base=st.sampled_from(["", "<base href='http://['>", "<base href>"]))
def test_html(url: str, links: list[str], base: str) -> None:
    body = f"<!DOCTYPE html><html><head>{base}</head><body>{''.join(links)}</body></html>"
    check(url, "text/html", body.encode("utf-8", "replace"))
